#!/usr/bin/env -S node --
// The launcher. A command line lives for milliseconds, so it is a script (Node starts those faster
// than modules) and runs one bundle whose compiled form lies beside it: V8 takes that if it is its
// own, and compiles the source if not. Both are written by `npm run build`. The "--" above keeps Node
// from taking `--env-file` for itself, which it does wherever the words stand.
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const vm = require("node:vm");

const bundle = join(__dirname, "../dist/cli.cjs");
const compiled = `${bundle}.compiled`;

function read(path, encoding) {
  try {
    return readFileSync(path, encoding);
  } catch {
    return undefined;
  }
}

// The daemon is a module, which only import() loads; everything else that is outside is not.
function load(name) {
  return name === "./daemon.js"
    ? { loading: import(join(__dirname, "../dist/daemon.js")) }
    : require(name);
}

const source = read(bundle, "utf8");
if (source === undefined) {
  process.stderr.write("drydock: not built yet; run `npm install && npm run build` in the clone\n");
  process.exitCode = 1;
} else {
  const script = new vm.Script(
    `(function (exports, require, module, __filename, __dirname) {${source}\n})`,
    { filename: bundle, cachedData: read(compiled) },
  );
  if (process.env.DRYDOCK_COMPILE !== undefined) {
    process.on("exit", () => writeFileSync(compiled, script.createCachedData()));
  }
  script.runInThisContext()(exports, load, module, bundle, dirname(bundle));
}
