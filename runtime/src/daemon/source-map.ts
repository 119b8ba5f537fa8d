/**
 * Source map: from a place in the bundle back to the line somebody wrote.
 *
 * We run from one bundled file, but a journal that names its lines teaches nothing. The build
 * leaves a map beside each bundle; it is read when the first place is asked for, since most
 * daemons never are.
 *
 * Kernel interface: none.
 * Specification: ECMA-426, source maps.
 * Invariants: none.
 * Left out: nothing; node:module reads the format.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";

const PLACE = /(?:file:\/\/)?(\/[^\s():]+):(\d+):(\d+)/;

/**
 * Makes a function that turns `…/dist/daemon.js:1200:15` into `src/layers/apply.ts:40`.
 *
 * @returns a function that gives back what it cannot map
 */
export function sourceMapper(): (place: string) => string {
  const maps = new Map<string, SourceMap | null>();
  return (place) => {
    const [, file, line, column] = PLACE.exec(place) ?? [];
    if (file === undefined) return place;
    const map = maps.get(file) ?? readMap(file);
    maps.set(file, map);
    const entry = map?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !("originalSource" in entry)) return shortened(file, line);
    return shortened(entry.originalSource, String(entry.originalLine + 1));
  };
}

function readMap(file: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, "utf8")));
  } catch {
    return null;
  }
}

/** A path from the room on: the part that a reader of the repository knows. */
function shortened(path: string, line: string | undefined): string {
  const known = path.startsWith("file://") ? fileURLToPath(path) : path;
  const start = known.lastIndexOf("src/");
  return `${start < 0 ? known : `runtime/${known.slice(start)}`}:${line}`;
}
