import type { SidebarsConfig } from "@docusaurus/plugin-content-docs";

const page = (name: string): string => `concepts/${name}`;

/** The reading order of the course: each page needs only those above it. */
const sidebars: SidebarsConfig = {
  course: [
    "index",
    page("what-a-container-is"),
    {
      type: "category",
      label: "What a process sees",
      collapsed: false,
      items: [page("namespaces"), page("users")],
    },
    {
      type: "category",
      label: "What it may use and do",
      collapsed: false,
      items: [page("cgroups"), page("capabilities"), page("seccomp")],
    },
    {
      type: "category",
      label: "Which files it has",
      collapsed: false,
      items: [page("layers"), page("images"), page("volumes")],
    },
    {
      type: "category",
      label: "Put together",
      collapsed: false,
      items: [
        page("eight-steps"),
        page("how-a-container-starts"),
        page("container"),
        page("keeper"),
        page("archive"),
        page("restart"),
        page("health"),
        page("logs"),
      ],
    },
    {
      type: "category",
      label: "The engine around it",
      collapsed: false,
      items: [
        page("engine"),
        page("events"),
        page("api"),
        page("daemon"),
        page("cli"),
        page("explain"),
        page("why"),
        page("compare"),
      ],
    },
    {
      type: "category",
      label: "How the code is built",
      collapsed: false,
      items: [page("kernel"), page("model"), page("playground"), page("errors"), page("undo")],
    },
    "glossary",
  ],
};

export default sidebars;
