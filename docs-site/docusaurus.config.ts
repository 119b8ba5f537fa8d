/**
 * The site: concept pages, glossary, reference and sources, as one site that works offline.
 *
 * The parts of the classic preset are named one by one: the preset itself depends on a hosted
 * search that we do not use. Whatever leads nowhere (a link, an anchor, an embed) fails the build.
 */
import type { Config } from "@docusaurus/types";
import { join } from "node:path";
import { sourcePages } from "./machinery/source-pages.ts";
import { darkCode, lightCode } from "./machinery/code-colours.ts";

const places = {
  house: join(__dirname, ".."),
  docs: join(__dirname, "docs"),
  referenceMap: join(__dirname, "dist/reference-map.json"),
};

const config: Config = {
  title: "Drydock",
  tagline: "A container engine that you can see through",
  url: "http://localhost:3000",
  baseUrl: "/",
  favicon: "drydock.svg",
  staticDirectories: ["static", "dist/static"],
  trailingSlash: true,
  onBrokenLinks: "throw",
  onBrokenAnchors: "throw",
  onDuplicateRoutes: "throw",
  markdown: { format: "detect", hooks: { onBrokenMarkdownLinks: "throw" } },
  // No cache between builds: a cold build takes seconds, and can never show an old source.
  future: { v4: true, faster: { ...allFaster(), rspackPersistentCache: false } },
  plugins: [
    ["@docusaurus/plugin-content-docs", { routeBasePath: "/", sidebarPath: "./sidebars.ts" }],
    [
      "@docusaurus/plugin-content-docs",
      { id: "reference", path: "dist/reference", routeBasePath: "reference" },
    ],
    sourcePages(places),
  ],
  themes: [
    ["@docusaurus/theme-classic", { customCss: "./src/css/site.css" }],
    [
      "@easyops-cn/docusaurus-search-local",
      {
        docsRouteBasePath: ["/", "/reference"],
        docsDir: ["docs", "dist/reference"],
        indexBlog: false,
        hashed: true,
        searchBarShortcutHint: false,
      },
    ],
  ],
  themeConfig: {
    colorMode: { respectPrefersColorScheme: true },
    navbar: {
      title: "Drydock",
      logo: { alt: "", src: "drydock.svg" },
      items: [
        { to: "/concepts/what-a-container-is/", label: "Course" },
        { to: "/playground/", label: "Playground" },
        { to: "/glossary/", label: "Glossary" },
        { to: "/reference/", label: "Reference" },
        { to: "/source/", label: "Source" },
      ],
    },
    footer: {
      copyright:
        "Drydock is free software under the Apache License 2.0. This site needs no network.",
    },
    prism: { theme: lightCode, darkTheme: darkCode, additionalLanguages: ["bash", "json"] },
    docs: { sidebar: { hideable: false, autoCollapseCategories: false } },
  },
};

/** Rspack, SWC and Lightning CSS in place of webpack, Babel and cssnano; each is a part of v4. */
function allFaster() {
  return {
    swcJsLoader: true,
    swcJsMinimizer: true,
    swcHtmlMinimizer: true,
    lightningCssMinimizer: true,
    rspackBundler: true,
    mdxCrossCompilerCache: true,
    ssgWorkerThreads: true,
    gitEagerVcs: false,
  };
}

export default config;
