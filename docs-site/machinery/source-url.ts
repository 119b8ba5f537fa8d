/**
 * Source url: where the site shows a source file.
 *
 * Apart from `house.ts` because pages need it in a browser, where there are no files to read.
 *
 * @module
 */

/** Where the site shows a source file, or a line of it. */
export function sourceUrl(path: string, line?: number): string {
  return `/source/${path}/${line === undefined ? "" : `#L${line}`}`;
}
