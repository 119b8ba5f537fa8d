/**
 * Check built: compares every code block of the built pages that claims to be an embed with the
 * source, line by line, and the number of blocks with the number of embeds that the pages ask for.
 *
 * It reads what a browser would read, the HTML, and knows nothing of how it came to be.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cutLines } from "./region.ts";

/** A block of a built page that says which lines of which file it shows. */
export interface BuiltEmbed {
  readonly page: string;
  readonly path: string;
  readonly first: number;
  readonly last: number;
  readonly code: string;
}

/** Faults of a built site, one sentence each; empty when every block equals its source. */
export function checkBuilt(siteDirectory: string, house: string): readonly string[] {
  const embeds = findEmbeds(siteDirectory);
  const faults = embeds.flatMap(({ page, path, first, last, code }) => {
    const now = cutLines(readFileSync(join(house, path), "utf8"), first, last).code;
    return now.trimEnd() === code.trimEnd()
      ? []
      : [`${page}: the block of ${path}, lines ${first} to ${last}, is not what the file says`];
  });
  const asked = countAsked(join(house, "docs-site/docs"));
  if (asked === embeds.length) return faults;
  return [...faults, `the pages ask for ${asked} embeds, the site has ${embeds.length}`];
}

/** Every embed of a built site. */
export function findEmbeds(siteDirectory: string): readonly BuiltEmbed[] {
  return filesBelow(siteDirectory, ".html").flatMap((file) =>
    embedsOf(file.slice(siteDirectory.length), readFileSync(file, "utf8")),
  );
}

function embedsOf(page: string, html: string): readonly BuiltEmbed[] {
  const figure = /<figure[^>]*\bdata-embed="?([^"#]+)#L(\d+)-L(\d+)[^>]*>([\s\S]*?)<\/figure>/g;
  return [...html.matchAll(figure)].map(([, path = "", first, last, inner = ""]) => ({
    page,
    path,
    first: Number(first),
    last: Number(last),
    code: textOf(/<code[^>]*>([\s\S]*?)<\/code>/.exec(inner)?.[1] ?? ""),
  }));
}

/** The text of HTML as a browser would show it in a code block. */
function textOf(html: string): string {
  const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };
  return html
    .replace(/<br\s*\/?>/g, "\n")
    .replace(/<[^>]+>/g, "")
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, decimal: string) => String.fromCodePoint(Number(decimal)))
    .replace(/&(amp|lt|gt|quot);/g, (_, name: string) => entities[name] ?? "");
}

function countAsked(docs: string): number {
  const pages = filesBelow(docs, ".md").map((file) => readFileSync(file, "utf8"));
  return pages.join("\n").match(/^```embed$/gm)?.length ?? 0;
}

function filesBelow(directory: string, ending: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));
}
