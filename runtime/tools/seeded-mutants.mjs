/**
 * Seeded mutants: small faults on paper, one place in the source each.
 *
 * `property-tests/mutants/*.yaml` lists them by the invariant that must notice them. None is ever
 * written into the tree: a plugin of Vite puts it into the one module as it is loaded.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const house = fileURLToPath(new URL("../..", import.meta.url));

/** Where a run is told its mutant, as JSON. */
export const MUTANT_VARIABLE = "DRYDOCK_MUTANT";

/** All mutants: `{ slug, file, text, becomes }`, and `list`, the file that names it. */
export function readMutants() {
  const folder = join(house, "property-tests/mutants");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .flatMap((list) =>
      Object.entries(parse(readFileSync(join(folder, list), "utf8"))).flatMap(([slug, mutants]) =>
        mutants.map((mutant) => ({ slug, list, ...mutant })),
      ),
    );
}

/** The source with its fault. @throws Error unless the text is there exactly once */
export function mutate(source, { file, text, becomes }) {
  const parts = source.split(text);
  if (parts.length !== 2) throw new Error(`${file}: found ${parts.length - 1} times: ${text}`);
  return parts.join(becomes);
}

/** The mutant of this run; there is none in any but those of `npm run mutants`. */
function mutantOfRun() {
  const told = process.env[MUTANT_VARIABLE];
  return told === undefined ? undefined : JSON.parse(told);
}

/** For Vite. */
export function mutantPlugins(mutant = mutantOfRun()) {
  if (mutant === undefined) return [];
  const transform = (source, id) =>
    id.split("?")[0] === join(house, mutant.file) ? mutate(source, mutant) : undefined;
  return [{ name: "mutant", enforce: "pre", transform }];
}

/** For esbuild, which bundles the programs that tests start. */
export function mutantBundlePlugins(mutant = mutantOfRun()) {
  if (mutant === undefined) return [];
  const load = ({ path }) =>
    path === join(house, mutant.file)
      ? { contents: mutate(readFileSync(path, "utf8"), mutant), loader: "ts" }
      : undefined;
  return [{ name: "mutant", setup: (build) => build.onLoad({ filter: /\.ts$/ }, load) }];
}
