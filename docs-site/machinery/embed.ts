/**
 * Embed: fills the code blocks of a page from the sources.
 *
 * A page says which piece of which file it wants to show, in a block of its own:
 *
 *     ```embed
 *     runtime/src/namespaces/plan.ts#planNamespaces
 *     The order is data.
 *     ```
 *
 * The first line is file and name (region.ts says what can be named); what follows is the caption.
 * When the site is built the block becomes the code, and carries in its info line where it is from:
 * the theme links it there, and `check-built.ts` compares what was built with the source.
 *
 * @module
 */
import { encodeInfo } from "./embed-info.ts";
import type { House } from "./house.ts";
import { cutRegion } from "./region.ts";

/** `path#name` to the page of the reference that describes it: see write-reference.mts. */
export type ReferenceMap = Readonly<Record<string, string>>;

const BLOCK = /^```embed\n([\s\S]*?)^```$/gm;

/**
 * Fills every embed of a page.
 *
 * @throws Error when a file or name does not exist
 */
export function fillEmbeds(markdown: string, house: House, references: ReferenceMap): string {
  return markdown.replace(BLOCK, (_, body: string) => {
    const [target = "", ...caption] = body.trim().split("\n");
    const [path = "", name = ""] = target.split("#");
    const source = house.sources.get(path);
    if (source === undefined) throw new Error(`embed: there is no file ${path}`);
    const { first, last, code } = cutRegion(path, source.text, name);
    const reference = references[`${path}#${name}`] ?? null;
    const info = { path, name, first, last, caption: caption.join(" "), reference };
    return `\`\`\`ts embed=${encodeInfo(info)}\n${code}\n\`\`\``;
  });
}

/** The files that the embeds of a page name. */
export function embeddedPaths(markdown: string): readonly string[] {
  return [...markdown.matchAll(BLOCK)].map(([, body = ""]) => body.split("#")[0] ?? "");
}
