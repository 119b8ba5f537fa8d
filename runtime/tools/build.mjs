/**
 * Build: bundle the three programs into runtime/dist.
 *
 * A container engine starts processes all day, so ours start from one file each: the CLI (a script,
 * with its compiled form beside it; a command's code is run only when that command is), the daemon,
 * and the keeper. koffi stays outside because it carries a native library, and the daemon stays
 * outside the CLI. Nothing is done when no source has changed.
 *
 * Each file is written under another name and renamed, so that a program starting during a build
 * finds either the old file or the new one.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compileCli } from "./compile-cli.mjs";

const runtime = fileURLToPath(new URL("..", import.meta.url));
const source = join(runtime, "src");
const target = join(runtime, "dist");
const stampFile = join(target, "built-from");
const launcher = join(runtime, "bin", "drydock.js");
const compiledFile = join(target, "cli.cjs.compiled");

/** name in dist: entry in src, and the kind of file that Node is given */
const programs = {
  cli: { entry: "cli/node/main.ts", format: "cjs" },
  daemon: { entry: "daemon/main.ts", format: "esm" },
  "local-files": { entry: "cli/node/local-files.ts", format: "cjs" },
  "context-archive": { entry: "cli/node/context-archive.ts", format: "cjs" },
  "compose-file": { entry: "cli/compose-file.ts", format: "cjs" },
  "plan-alone": { entry: "cli/node/plan-alone.ts", format: "cjs" },
  keeper: { entry: "keeper/main.ts", format: "esm" },
};

/**
 * What only a few commands need is bundled into files of its own, which the CLI loads then: the
 * daemon, which it becomes, the archives of `cp` and of contexts, compose files, and the plans that
 * are made without a daemon.
 */
const loadedLater = {
  name: "loaded later",
  setup: (build) => {
    build.onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
      if (kind !== "dynamic-import") return undefined;
      const asked = join(resolveDir, path);
      const [name, { format } = {}] =
        Object.entries(programs).find(([, { entry }]) => join(source, entry) === asked) ?? [];
      return name === undefined
        ? undefined
        : { path: `./${name}${extensionOf(format)}`, external: true };
    });
  },
};

function extensionOf(format) {
  return format === "cjs" ? ".cjs" : ".js";
}

/** Bundles the programs if a source changed; returns what was written, in bytes by file name. */
export async function build() {
  const stamp = fingerprint();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return {};
  const present = Object.entries(programs).filter(([, { entry }]) =>
    existsSync(join(source, entry)),
  );
  const files = (await Promise.all(present.map(bundle))).flat();
  mkdirSync(target, { recursive: true });
  for (const file of files) replaceFile(file.path, file.contents);
  removeAllBut(new Set(files.map((file) => basename(file.path))));
  if (present.length < Object.keys(programs).length) {
    throw new Error(
      `Built only ${present.map(([name]) => name).join(", ") || "nothing"}: entries are missing`,
    );
  }
  await compileCli(launcher, compiledFile);
  replaceFile(stampFile, stamp);
  return Object.fromEntries(files.map((file) => [basename(file.path), file.contents.length]));
}

async function bundle([name, { entry, format }]) {
  const { build: esbuild } = await import("esbuild");
  const result = await esbuild({
    entryPoints: { [name]: join(source, entry) },
    outdir: target,
    outExtension: { ".js": extensionOf(format) },
    bundle: true,
    plugins: [loadedLater],
    // In a script that V8 has compiled before there is no import(); the launcher loads for it.
    supported: { "dynamic-import": format === "esm" },
    format,
    platform: "node",
    target: "node20",
    external: ["koffi"],
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    keepNames: false,
    logLevel: "warning",
    write: false,
  });
  return result.outputFiles;
}

/** One hash over every source file's path and content, this script and the locked dependencies. */
function fingerprint() {
  const hash = createHash("sha256");
  const files = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && !file.name.endsWith(".test.ts"))
    .map((file) => join(file.parentPath ?? file.path, file.name))
    .toSorted();
  const lock = join(runtime, "..", "package-lock.json");
  for (const file of [
    ...files,
    launcher,
    fileURLToPath(import.meta.url),
    ...(existsSync(lock) ? [lock] : []),
  ]) {
    const content = readFileSync(file);
    hash.update(`${file.slice(runtime.length)} ${content.length}\n`).update(content);
  }
  return `${hash.digest("hex")}\n`;
}

function replaceFile(path, contents) {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}

function removeAllBut(names) {
  for (const name of readdirSync(target)) {
    if (!names.has(name) && ![basename(stampFile), basename(compiledFile)].includes(name))
      rmSync(join(target, name));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const written = Object.entries(await build()).filter(([name]) => /\.c?js$/.test(name));
  if (written.length === 0) console.log("build: nothing changed");
  for (const [name, bytes] of written) {
    console.log(`build: runtime/dist/${name}  ${(bytes / 1024).toFixed(0)} KiB`);
  }
}
