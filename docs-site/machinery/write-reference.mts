/**
 * Write reference: the doc comments of every room as Markdown pages, for the site to compile.
 *
 * typedoc reads the exports of each room's door. Three things are added here: beside each "Defined
 * in" stands the page that explains the file, since its header names it; a map from source names to
 * places in the reference, by which embeds link there; and the table of kernel calls.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Application, DeclarationReflection } from "typedoc";
import type { PageEvent } from "typedoc";
import { MarkdownPageEvent } from "typedoc-plugin-markdown";
import { readHouse, titleOf } from "./house.ts";
import { sourceUrl } from "./source-url.ts";
import { kernelCallsPage, PORT_FILES } from "./kernel-calls.ts";

const house = fileURLToPath(new URL("../..", import.meta.url));
const out = join(house, "docs-site/dist/reference");

const sourceRoot = "runtime/src/";

const app = await Application.bootstrapWithPlugins({
  options: join(house, "docs-site/typedoc.json"),
  displayBasePath: join(house, sourceRoot),
  disableGit: true,
  sourceLinkTemplate: `${sourceUrl("{path}")}#L{line}`,
});
const project = await app.convert();
if (project === undefined) throw new Error("typedoc could not read the sources");

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const known = readHouse(house);
const places: Record<string, string> = {};

app.renderer.on(MarkdownPageEvent.END, (page: PageEvent) => {
  if (page.model instanceof DeclarationReflection) {
    page.contents = nameRoom(page.model.name, tellOrigins(page.contents ?? ""));
    notePlaces(page.model);
  } else {
    page.contents = listRooms();
  }
});
await app.generateOutputs(project);
if (app.logger.hasErrors()) throw new Error("typedoc met errors");
for (const file of markdownFiles()) writeFileSync(file, mendAnchors(readFileSync(file, "utf8")));
const portFiles = PORT_FILES.flatMap((path) => known.sources.get(path) ?? []);
writeFileSync(join(out, "kernel-calls.md"), kernelCallsPage(portFiles, sourceUrl));
writeFileSync(join(out, "..", "reference-map.json"), JSON.stringify(places, null, 1));

/** Links the origin of each export to line and concept page; those of its members go. */
function tellOrigins(contents: string): string {
  return contents
    .replace(/^(#{4,} .+\n\n(?:>.*\n\n)?)Defined in: .*\n\n?/gm, "$1")
    .replace(/^Defined in: \[([^\]:]+):(\d+)\]\([^)]*\)$/gm, (_, file: string, line: string) => {
      const path = sourceRoot + file;
      const page = known.sources.get(path)?.page ?? null;
      const explained = page === null ? "" : `, explained on ${linkTo(page)}`;
      return `Defined in [${path}:${line}](${sourceUrl(path, Number(line))})${explained}`;
    });
}

function linkTo(page: string): string {
  return `[${titleOf(known, page)}](/${page}/)`;
}

/**
 * Gives the page of a room a title of its own: `# api` and `### Api` would want the same anchor.
 */
function nameRoom(room: string, contents: string): string {
  const title = `---\nsidebar_label: ${room}\ntitle: "The room ${room}"\n---\n`;
  const about = `What \`${sourceRoot}${room}/index.ts\` exports.${explainedOn(room)}`;
  return contents.replace(/^# .+\n/, () => `${title}\n${about}\n`);
}

/** The first page: every room, and where it is explained. */
function listRooms(): string {
  const rooms = (project?.children ?? []).map(
    ({ name }) => `- [${name}](${name}.md).${explainedOn(name)}`,
  );
  const about =
    "A room is a folder of `runtime/src`; its `index.ts` is its only door. Here is what each room" +
    " offers to the others. What stays inside is among the sources.";
  const calls = "Every call on the kernel is in one table: [kernel calls](kernel-calls.md).";
  return `---\nsidebar_position: 0\n---\n\n# Reference\n\n${about}\n\n${rooms.join("\n")}\n\n${calls}\n`;
}

function explainedOn(room: string): string {
  const own = [...known.sources.values()].filter(({ path }) =>
    path.startsWith(`${sourceRoot}${room}/`),
  );
  const pages = new Set(own.flatMap(({ page }) => page ?? []));
  return pages.size === 0 ? "" : ` Explained on ${[...pages].map(linkTo).join(", ")}.`;
}

/**
 * Takes a number away that belongs to no heading. typedoc's slugs also count the full names of
 * members (`Image.config` takes `imageconfig`), and so number an export that is the only heading
 * of its name. Exports differ in more than case, so no second one exists.
 */
function mendAnchors(contents: string): string {
  return contents.replace(/(\]\([^)\s]*#[a-z0-9_]+)-\d+\)/g, "$1)");
}

function markdownFiles(): readonly string[] {
  return readdirSync(out, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(out, name));
}

/** Notes where each export of a room stands in the reference: `path#name` to its place. */
function notePlaces(room: DeclarationReflection): void {
  for (const child of room.children ?? []) {
    const file = child.sources?.[0]?.fileName;
    const url = app.renderer.router?.getFullUrl(child);
    if (file === undefined || url === undefined) continue;
    places[`${sourceRoot}${file}#${child.name}`] =
      `/reference/${url.replace(".md#", "/#").replace(/-\d+$/, "")}`;
  }
}
