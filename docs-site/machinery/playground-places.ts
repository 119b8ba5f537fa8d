/**
 * Playground places: which page explains a file, and what each kernel call does, as one small file
 * that the playground fetches when a reader looks at a call.
 *
 * @module
 */
import type { House } from "./house.ts";
import { titleOf } from "./house.ts";
import { PORT_FILES, readKernelCalls } from "./kernel-calls.ts";

/** What the playground knows about the origin of calls. */
export interface PlaygroundPlaces {
  readonly pages: readonly { readonly title: string; readonly url: string }[];
  /** The place in `pages` of the page that explains a file. */
  readonly files: Readonly<Record<string, number>>;
  /** By method of the port. */
  readonly calls: Readonly<Record<string, { readonly manPage: string; readonly what: string }>>;
}

/** Reads them from the tree. */
export function playgroundPlaces(house: House): PlaygroundPlaces {
  const sources = [...house.sources.values()];
  const names = [...new Set(sources.flatMap(({ page }) => (page === null ? [] : [page])))];
  const calls = PORT_FILES.flatMap((path) =>
    readKernelCalls(path, house.sources.get(path)?.text ?? ""),
  );
  return {
    pages: names.map((page) => ({ title: titleOf(house, page), url: `/${page}/` })),
    files: Object.fromEntries(
      sources.flatMap(({ path, page }) => (page === null ? [] : [[path, names.indexOf(page)]])),
    ),
    calls: Object.fromEntries(
      calls.map(({ method, manPage, what }) => [
        method,
        { manPage, what: what.replaceAll("`", "") },
      ]),
    ),
  };
}
