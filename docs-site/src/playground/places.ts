/**
 * Places: from a call in the journal to the line of source that made it and the page about it.
 *
 * The machine is one bundled file, so a call knows a line of that file. The bundle's source map
 * leads to the line that somebody wrote. Both it and the table of pages are fetched when the first
 * call is looked at: a reader who only types commands pays for neither.
 */
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import type { PlaygroundPlaces } from "../../machinery/playground-places.ts";

/** What is known about the origin of calls. */
export interface Places {
  /** The file and line that made a call. @param source as the journal has it */
  line(source: string | undefined): SourceLine | undefined;
  /** The page that explains a file. */
  page(path: string): { readonly title: string; readonly url: string } | undefined;
  /** What the port says about a call. */
  call(name: string): PlaygroundPlaces["calls"][string] | undefined;
}

/** A line of a file of the clone. */
export interface SourceLine {
  readonly path: string;
  readonly line: number;
}

/** Finds places, once somebody has asked for the files that know them. */
export interface PlaceFinder {
  readonly load: () => Promise<Places>;
  /** For `drydock explain`: a place in the source, or the place as it is while nothing is loaded. */
  readonly mapSource: (place: string) => string;
}

/** A finder. @param folder where the machine is loaded from */
export function createPlaces(folder: string): PlaceFinder {
  let loading: Promise<Places> | undefined;
  let loaded: Places | undefined;
  return {
    load: async () => {
      loading ??= fetchPlaces(folder);
      loaded = await loading;
      return loaded;
    },
    mapSource: (place) => {
      const line = loaded?.line(place);
      return line === undefined ? place : `${line.path}:${line.line}`;
    },
  };
}

async function fetchPlaces(folder: string): Promise<Places> {
  const [map, places] = await Promise.all(
    ["machine.js.map", "places.json"].map(async (name) => (await fetch(folder + name)).json()),
  );
  return placesOf(new TraceMap(map), places as PlaygroundPlaces);
}

/** What the two files say. */
export function placesOf(map: TraceMap, { pages, files, calls }: PlaygroundPlaces): Places {
  return {
    line: (source) => {
      const [, line, column] = /:(\d+):(\d+)$/.exec(source ?? "") ?? [];
      if (line === undefined) return undefined;
      const found = originalPositionFor(map, { line: Number(line), column: Number(column) - 1 });
      if (found.source === null) return undefined;
      return { path: found.source.replace(/^.*?(?=runtime\/|examples\/)/, ""), line: found.line };
    },
    page: (path) => {
      const at = Object.hasOwn(files, path) ? files[path] : undefined;
      return at === undefined ? undefined : pages[at];
    },
    call: (name) => (Object.hasOwn(calls, name) ? calls[name] : undefined),
  };
}
