/**
 * Embed info: what a filled code block carries from the build to the page.
 *
 * Apart from `embed.ts` because the page's own script reads it, and needs nothing else from there.
 *
 * @module
 */

/** What a filled block says about itself, as the JSON of its info line. */
export interface EmbedInfo {
  readonly path: string;
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly caption: string;
  /** The page of the reference that describes it, if it has one. */
  readonly reference: string | null;
}

/** An info line has no place for spaces and quotes. */
export function encodeInfo(info: EmbedInfo): string {
  return encodeURIComponent(JSON.stringify(info));
}

/** Reads the info line of a filled block; null when the block is no embed. */
export function decodeInfo(infoLine: string | undefined): EmbedInfo | null {
  const encoded = /(?:^|\s)embed=(\S+)/.exec(infoLine ?? "")?.[1];
  if (encoded === undefined) return null;
  return JSON.parse(decodeURIComponent(encoded)) as EmbedInfo; // what encodeInfo wrote
}
