#!/usr/bin/env node
// The launcher: everything is in the bundle, so that one file is read and nothing is searched.
import { existsSync } from "node:fs";

const bundle = new URL("../dist/cli.js", import.meta.url);

if (existsSync(bundle)) {
  await import(bundle.href);
} else {
  process.stderr.write("drydock: not built yet; run `npm install && npm run build` in the clone\n");
  process.exitCode = 1;
}
