/**
 * Machinery: what happens to a page before it is built, on small pages and on an edited copy.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkBuilt } from "../machinery/check-built.ts";
import { captionDrawings, wordsOf } from "../machinery/drawings.ts";
import { decodeInfo } from "../machinery/embed-info.ts";
import { fillEmbeds } from "../machinery/embed.ts";
import { describeSource, filesExplainedOn, readHouse } from "../machinery/house.ts";
import { PORT_FILES, readKernelCalls } from "../machinery/kernel-calls.ts";
import { addTerms, linkNames, listFiles, readTerms } from "../machinery/links.ts";
import { cutRegion } from "../machinery/region.ts";
import { pageTransformer } from "../machinery/transform-page.ts";

const house = fileURLToPath(new URL("../..", import.meta.url));

const known = readHouse(house);

describe("cutRegion()", () => {
  const text = [
    "/** Adds. */",
    "export function add(a: number, b: number): number {",
    "  // #region sum",
    "  return a + b;",
    "  // #endregion sum",
    "}",
    "",
    "const table = {",
    "  one: () => 1,",
    '  "two-words": () => 2,',
    "};",
    "",
    "interface Door {",
    "  /** Opens. */",
    "  open(): void;",
    "}",
  ].join("\n");

  test("cuts a declaration with its doc comment", () => {
    expect(cutRegion("a.ts", text, "add")).toMatchObject({ first: 1, last: 6 });
  });

  test("cuts a marked region without its marks and without its indentation", () => {
    expect(cutRegion("a.ts", text, "sum")).toEqual({ first: 4, last: 4, code: "return a + b;" });
  });

  test("cuts a member of an object or interface", () => {
    expect(cutRegion("a.ts", text, "table.two-words").code).toBe('"two-words": () => 2,');
    expect(cutRegion("a.ts", text, "Door.open").code).toBe("/** Opens. */\nopen(): void;");
  });

  test("refuses what is not there, is there twice, or is not closed", () => {
    expect(() => cutRegion("a.ts", text, "subtract")).toThrow("no region or declaration subtract");
    expect(() => cutRegion("a.ts", `${text}\n${text}`, "add")).toThrow("more than one add");
    expect(() => cutRegion("a.ts", "// #region x\n1;\n", "x")).toThrow("marks of region x");
  });
});

describe("readHouse()", () => {
  test("knows the page and the invariants of a file from its header", () => {
    const plan = known.sources.get("runtime/src/namespaces/plan.ts");
    expect(plan).toMatchObject({
      page: "concepts/namespaces",
      invariants: ["userns-first", "plan-is-total", "joins-first"],
    });
  });

  test("finds the test of every invariant that a header promises", () => {
    const { sources, tests } = known;
    const slugs = [...sources.values()].flatMap(({ invariants }) => invariants);
    expect(slugs.length, "the check is blind").toBeGreaterThan(50);
    expect(slugs.filter((slug) => !tests.has(slug))).toEqual([]);
  });

  test("a file without a header belongs to no page", () => {
    const bare = { summary: "", page: null, invariants: [] };
    expect(describeSource("a.ts", "export {};\n")).toMatchObject(bare);
  });
});

describe("links", () => {
  const page = "concepts/namespaces";

  test("paths, files of the page's rooms, and invariants lead to the source", () => {
    const line = known.tests.get("userns-first")?.line;
    const text = "`runtime/src/kernel/port.ts`, `modes.ts`, `userns-first`, `unheard`\n";
    expect(linkNames(text, page, known)).toBe(
      "[`runtime/src/kernel/port.ts`](/source/runtime/src/kernel/port.ts/), " +
        "[`modes.ts`](/source/runtime/src/namespaces/modes.ts/), " +
        `[\`userns-first\`](/source/property-tests/namespaces.test.ts/#L${line}), \`unheard\`\n`,
    );
  });

  test("names in code blocks and in links stay", () => {
    const text = "```text\n`modes.ts`\n```\n[`modes.ts`](x.md)\n";
    expect(linkNames(text, page, known)).toBe(text);
  });

  test("every file that names a page is listed there", () => {
    const list = listFiles(page, known);
    expect(filesExplainedOn(known, page).filter(({ path }) => !list.includes(path))).toEqual([]);
  });

  test("the words of the glossary stand below the title, when the text uses them", () => {
    const terms = readTerms("# Glossary\n\n## bind mount\n\nx\n\n## cgroup\n\ny\n");
    expect(addTerms("# A\n\nTwo bind\nmounts, `cgroup`.\n", terms, "/g/")).toContain(
      "*Words:* [bind mount](/g/#bind-mount)\n",
    );
  });
});

describe("readKernelCalls()", () => {
  test("reads man page, capability and sentence of each tagged method", () => {
    const text =
      'interface Mounts {\n/** @syscall mount(2) CAP_SYS_ADMIN "attach\n * it" */\nmount(): void;\n}';
    expect(readKernelCalls("a.ts", text)).toEqual([
      {
        part: "Mounts",
        method: "mount",
        line: 4,
        manPage: "mount(2)",
        capability: "CAP_SYS_ADMIN",
        what: "attach it",
        more: "",
      },
    ]);
  });

  test("refuses a tag of another form", () => {
    const text = "interface A {\n/** @syscall mount */\nmount(): void;\n}";
    expect(() => readKernelCalls("a.ts", text)).toThrow("@syscall of mount has another form");
  });

  test.each(PORT_FILES)("finds every tag of the port in %s", (path) => {
    const text = known.sources.get(path)?.text ?? "";
    const tags = text.match(/^ *(\/\*\*|\*) @syscall /gm)?.length;
    expect(readKernelCalls(path, text).length).toBe(tags);
  });
});

describe("captionDrawings()", () => {
  const drawing = "```text\n a ──▶ b\n```\n";

  test("puts the words below a drawing into its info line", () => {
    const page = `${drawing}\n_In words:_ from a\nto b\n\nMore.\n`;
    const filled = captionDrawings(page, "p");
    expect(filled).toMatch(/^```text drawing=\S+\n a ──▶ b\n```\n\nMore\.\n$/);
    expect(wordsOf(/drawing=\S+/.exec(filled)?.[0])).toBe("from a to b");
    expect(wordsOf("output")).toBeNull();
  });

  test("refuses a drawing without words, and leaves what a command prints alone", () => {
    expect(() => captionDrawings(`${drawing}\nMore.\n`, "p")).toThrow("p: a drawing has no");
    const output = "```text output\nhi\n```\n";
    expect(captionDrawings(output, "p")).toBe(output);
  });

  test("the words may end the page", () => {
    expect(captionDrawings(`${drawing}\n_In words:_ so.\n`, "p")).toContain("drawing=so.");
  });
});

describe("concept pages", () => {
  const folder = join(house, "docs-site/docs/concepts");
  const pages = readdirSync(folder).map((name) => name.replace(/\.md$/, ""));
  const textOf = (name: string): string => readFileSync(join(folder, `${name}.md`), "utf8");
  /** In this order; a page may have sections of its own between them. */
  const SHAPE = [
    "The idea",
    "The kernel interface",
    "Our code",
    "What must hold",
    "Try it here",
    "Try it for real",
    "Exercises",
    "What we left out",
  ];
  /** What they are about is outside of the page: a process, and what clients send to it. */
  const WITHOUT_PLAYGROUND = ["api", "daemon"];

  test("stand in the reading order, each once", () => {
    const order = readFileSync(join(house, "docs-site/sidebars.ts"), "utf8");
    const listed = [...order.matchAll(/page\("([^"]+)"\)/g)].map(([, name = ""]) => name);
    expect(listed.toSorted()).toEqual(pages.toSorted());
  });

  test.each(pages)("%s has the common shape", (name) => {
    const text = textOf(name);
    expect(text).toMatch(/^# .+\n\n\*\*The question\.\*\* /);
    const found = [...text.matchAll(/^## (.+)$/gm)].map(([, title = ""]) => title);
    const common = found.filter((title) => SHAPE.includes(title));
    expect(common).toEqual(SHAPE.filter((title) => common.includes(title)));
    const needed = ["Exercises", "What we left out"];
    if (!WITHOUT_PLAYGROUND.includes(name)) needed.unshift("Try it here");
    expect(common).toEqual(expect.arrayContaining(needed));
    expect(found.at(-1)).toMatch(/^What .+ do(?:es)?$/);
  });

  test.each(pages)("%s says of what language each block is, so that drawings get words", (name) => {
    const fences = textOf(name)
      .split("\n")
      .filter((line) => /^`{3,}/.test(line));
    const openings = fences.filter((_, index) => index % 2 === 0);
    expect(openings.filter((line) => line === "```")).toEqual([]);
  });
});

describe("stale embeds", () => {
  const shown = "runtime/src/undo/undo-stack.ts";
  const block = `\`\`\`embed\n${shown}#UndoStack.commit\nSuccess.\n\`\`\`\n`;
  const notes: string[] = [];
  const dependencies = {
    dependsOn: (file: string) => void notes.push(file),
    dependsOnFolder: (folder: string) => void notes.push(folder),
  };
  let copy: string;

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), "drydock-site-"));
    for (const folder of ["runtime/src", "property-tests", "examples", "docs-site/docs"]) {
      mkdirSync(dirname(join(copy, folder)), { recursive: true });
      cpSync(join(house, folder), join(copy, folder), { recursive: true });
    }
    writeFileSync(join(copy, "map.json"), "{}");
    notes.length = 0;
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  const build = (): string => {
    const docs = join(copy, "docs-site/docs");
    const places = { house: copy, docs, referenceMap: join(copy, "map.json") };
    return pageTransformer(places)(`# A page\n\n${block}`, join(docs, "a.md"), dependencies);
  };
  const edit = (): void => {
    const before = readFileSync(join(copy, shown), "utf8");
    const after = before.replace("/** Success: ", "/** Edited just now: ");
    expect(after).not.toBe(before);
    writeFileSync(join(copy, shown), after);
  };

  test("the loader shows an edit of the source at once, and names the file it is made from", () => {
    expect(build()).toContain("/** Success: ");
    edit();
    expect(build()).toContain("/** Edited just now: ");
    expect(notes).toContain(join(copy, shown));
  });

  test("checkBuilt() tells a block that is not what the file says", () => {
    const docs = join(copy, "docs-site/docs");
    rmSync(docs, { recursive: true });
    mkdirSync(docs);
    writeFileSync(join(docs, "a.md"), block);
    const filled = fillEmbeds(block, readHouse(copy), {});
    const info = decodeInfo(/^```ts (.*)$/m.exec(filled)?.[1]);
    const code = filled.split("\n").slice(1, -2).join("\n").replaceAll("<", "&lt;");
    mkdirSync(join(copy, "out"));
    const origin = `${shown}#L${info?.first}-L${info?.last}`;
    const html = `<figure data-embed="${origin}"><code>${code}</code></figure>`;
    writeFileSync(join(copy, "out/a.html"), html);
    expect(checkBuilt(join(copy, "out"), copy)).toEqual([]);
    edit();
    expect(checkBuilt(join(copy, "out"), copy)).toEqual([
      expect.stringMatching(/undo-stack\.ts, lines \d+ to \d+, is not what the file says/),
    ]);
    writeFileSync(join(copy, "out/a.html"), "");
    expect(checkBuilt(join(copy, "out"), copy)).toEqual([
      "the pages ask for 1 embeds, the site has 0",
    ]);
  });
});
