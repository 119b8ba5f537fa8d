/**
 * Build playground: the machine of the playground as one file, its source map, and the pages that
 * explain its calls, all below `dist/static`, which the site serves as it is.
 *
 * Apart from the site's own script for the map's sake: what one bundler made of one tree leads back
 * to it line by line. Names are kept short and lines long, since readers have to load it; the map
 * is loaded only by those who look at a call.
 *
 * @module
 */
import { build } from "esbuild";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readHouse } from "./house.ts";
import { playgroundPlaces } from "./playground-places.ts";

const house = fileURLToPath(new URL("../..", import.meta.url));
const out = join(house, "docs-site/dist/static/playground-machine");

mkdirSync(out, { recursive: true });
await build({
  entryPoints: { machine: join(house, "docs-site/src/playground/machine.ts") },
  outdir: out,
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  sourcemap: "external",
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
});
writeFileSync(join(out, "places.json"), JSON.stringify(playgroundPlaces(readHouse(house))));
