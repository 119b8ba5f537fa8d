#!/usr/bin/env -S node --
// The launcher. A command line lives for milliseconds, so it is a script (Node starts those faster
// than modules) and runs one bundle whose compiled form lies beside it: V8 takes that if it is its
// own, and compiles the source if not. Both are written by `npm run build`. The "--" above keeps
// Node from taking `--env-file` for itself, which it does wherever the words stand.
"use strict";
const { readFileSync, renameSync, rmSync, statSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { setFlagsFromString } = require("node:v8");
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

/** V8 compares only the lengths of the sources, so a form older than the bundle is not offered. */
function readCompiled() {
  const form = statSync(compiled, { throwIfNoEntry: false });
  if (form === undefined || form.mtimeMs < statSync(bundle).mtimeMs) return undefined;
  return read(compiled);
}

function keepCompiled(script, source) {
  const temporary = `${compiled}.${process.pid}`;
  writeFileSync(temporary, script.createCachedData());
  if (read(bundle, "utf8") === source) renameSync(temporary, compiled);
  else rmSync(temporary);
}

// What lies beside the bundle is a script like it, but for the daemon: that is a module, which only
// import() loads. It answers now and then, never often enough in a row for V8 to compile it by
// itself: so at once. What goes through it is young garbage, which a small young generation gives
// back soon. In one that grows, bytes pile up outside of the heap until all of it is searched,
// every few megabytes. That search is done at once: the heap is small, and in steps it takes longer
// and slows down what runs between them, a copy of 100 MB by a fifth.
const DAEMON_FLAGS = [
  "--always-sparkplug",
  "--semi-space-growth-factor=1",
  "--no-incremental-marking",
];
function load(name) {
  if (!name.startsWith("./")) return require(name);
  if (name !== "./daemon.js") return require(join(dirname(bundle), name));
  for (const flag of DAEMON_FLAGS) setFlagsFromString(flag);
  return { loading: import(join(__dirname, "../dist/daemon.js")) };
}

const source = read(bundle, "utf8");
if (source === undefined) {
  process.stderr.write("drydock: not built yet; run `npm install && npm run build` in the clone\n");
  process.exitCode = 1;
} else {
  const script = new vm.Script(
    `(function (exports, require, module, __filename, __dirname) {${source}\n})`,
    { filename: bundle, cachedData: readCompiled() },
  );
  if (process.env.DRYDOCK_COMPILE !== undefined) {
    process.on("exit", () => keepCompiled(script, source));
  }
  script.runInThisContext()(exports, load, module, bundle, dirname(bundle));
}
