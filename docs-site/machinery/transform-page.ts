/**
 * Transform page: everything that happens to a page between the file and Docusaurus.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { captionDrawings } from "./drawings.ts";
import { embeddedPaths, fillEmbeds } from "./embed.ts";
import type { ReferenceMap } from "./embed.ts";
import { readHouse, SOURCE_FOLDERS } from "./house.ts";
import { addTerms, linkNames, listFiles, readTerms } from "./links.ts";

/** How a page tells what it is made from. */
export interface Dependencies {
  dependsOn(file: string): void;
  dependsOnFolder(folder: string): void;
}

/** Where things are. */
export interface Places {
  /** The clone. */
  readonly house: string;
  /** The pages. */
  readonly docs: string;
  /** What write-reference.mts wrote. */
  readonly referenceMap: string;
}

/** Makes the function that the page loader calls. */
export function pageTransformer(
  places: Places,
): (markdown: string, file: string, dependencies: Dependencies) => string {
  return (markdown, file, dependencies) => {
    const glossary = join(places.docs, "glossary.md");
    const page = relative(places.docs, file).replaceAll("\\", "/").replace(/\.md$/, "");
    const house = readHouse(places.house);
    const references = JSON.parse(readFileSync(places.referenceMap, "utf8")) as ReferenceMap;
    for (const path of embeddedPaths(markdown)) dependencies.dependsOn(join(places.house, path));
    for (const folder of SOURCE_FOLDERS) dependencies.dependsOnFolder(join(places.house, folder));
    dependencies.dependsOn(glossary);
    dependencies.dependsOn(places.referenceMap);
    if (file === glossary) return markdown;
    const captioned = captionDrawings(markdown, page);
    const filled = fillEmbeds(linkNames(captioned, page, house), house, references);
    if (!page.startsWith("concepts/")) return filled;
    const terms = readTerms(readFileSync(glossary, "utf8"));
    return addTerms(filled, terms, "/glossary/") + listFiles(page, house);
  };
}
