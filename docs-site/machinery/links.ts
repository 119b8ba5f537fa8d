/**
 * Links: makes of names in a page what a reader can follow.
 *
 * Pages name things in `code`: a file of the clone, a file of the room that the page explains, an
 * invariant. Each becomes a link, to the source or to the property test. At the end of a concept
 * page stands the list of all files whose header names it, and below its title the words of the
 * glossary that it uses. All of it is read from the tree, so none of it can go stale.
 *
 * @module
 */
import { filesExplainedOn } from "./house.ts";
import { sourceUrl } from "./source-url.ts";
import type { House } from "./house.ts";

/** A word of the glossary. */
export interface Term {
  readonly word: string;
  readonly anchor: string;
}

/** The words of the glossary: its headings of the second level. */
export function readTerms(glossary: string): readonly Term[] {
  return [...glossary.matchAll(/^## (.+)$/gm)].map(([, word = ""]) => {
    const letters = word.toLowerCase().replace(/[^a-z0-9 -]/g, "");
    return { word, anchor: letters.replaceAll(" ", "-") };
  });
}

/** The words of the glossary that a text uses, in the glossary's order. */
export function termsUsed(text: string, terms: readonly Term[]): readonly Term[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
  return terms.filter(({ word }) => {
    const flexible = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(" ", "\\s+");
    return new RegExp(`(?<![\\w-])${flexible}(s|es)?(?![\\w-])`, "i").test(prose);
  });
}

/** Turns names in `code` into links, outside of code blocks. */
export function linkNames(markdown: string, page: string, house: House): string {
  const targets = targetsOn(page, house);
  let fenced = false;
  const lines = markdown.split("\n").map((line) => {
    if (line.startsWith("```")) fenced = !fenced;
    return fenced ? line : linkLine(line, targets);
  });
  return lines.join("\n");
}

function linkLine(line: string, targets: (name: string) => string | undefined): string {
  return line.replace(/(?<!\[)`([^`]+)`(?!\])/g, (whole, name: string) => {
    const target = targets(name);
    return target === undefined ? whole : `[${whole}](${target})`;
  });
}

/** What a name stands for on a page: a path, a file of its rooms, an invariant. */
function targetsOn(page: string, house: House): (name: string) => string | undefined {
  const own = filesExplainedOn(house, page);
  return (name) => {
    if (house.sources.has(name)) return sourceUrl(name);
    const test = house.tests.get(name);
    if (test !== undefined) return sourceUrl(test.path, test.line);
    const [match, second] = own.filter(({ path }) => path.endsWith(`/${name}`));
    return match !== undefined && second === undefined ? sourceUrl(match.path) : undefined;
  };
}

/** Puts the words of the glossary below the title of a page. */
export function addTerms(markdown: string, terms: readonly Term[], glossary: string): string {
  const used = termsUsed(markdown, terms);
  if (used.length === 0) return markdown;
  const links = used.map(({ word, anchor }) => `[${word}](${glossary}#${anchor})`).join(" · ");
  return markdown.replace(/^# .+\n/m, (title) => `${title}\n*Words:* ${links}\n`);
}

/** The list of files at the end of a concept page; empty when no header names the page. */
export function listFiles(page: string, house: House): string {
  const files = filesExplainedOn(house, page);
  if (files.length === 0) return "";
  const lines = files.map(
    ({ path, summary }) => `- [\`${path}\`](${sourceUrl(path)}): ${escapeMarkdown(summary)}`,
  );
  const intro = "The header of each names this page; here is its first sentence.";
  return `\n\n## The files of this page\n\n${intro}\n\n${lines.join("\n")}\n`;
}

function escapeMarkdown(text: string): string {
  return text.replace(/[<>*_[\]\\]/g, "\\$&");
}
