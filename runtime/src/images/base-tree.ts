/**
 * Base tree: the files of the embedded image, taken from this machine.
 *
 * An image must come from somewhere, and a fresh machine has no registry. A static busybox is a
 * whole userland in one file: the program looks at the name it was called by, so a link for each of
 * its names makes all the commands. Its names are in the file itself, as a table of strings, so
 * nothing is executed to find them. Without busybox the system's own shell and core tools are
 * taken, with the libraries that they load, found as the dynamic loader would find them.
 *
 * Kernel interface: elf(5), passwd(5), group(5), shadow(5).
 * Specification: Filesystem Hierarchy Standard 3.0.
 * Invariants:
 *   base-is-deterministic   the same programs give the same tree, the same layer and the same image
 *       id
 * Left out: character sets, time zones, and what programs load by name at run time.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { Files } from "../kernel/index.ts";
import { parseElf, parseLoaderCache } from "./elf.ts";

/** One name of the tree. Paths have no leading slash; parents come before what is in them. */
export type BaseEntry = { readonly path: string; readonly permissions: number } & (
  | { readonly type: "directory" }
  | { readonly type: "file"; readonly content: Uint8Array }
  | { readonly type: "symlink"; readonly target: string }
);

/** A tree and where it came from, for the image's history. */
export interface BaseTree {
  readonly entries: readonly BaseEntry[];
  readonly origin: string;
}

const BUSYBOX_PATHS = ["/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"];

/** Core tools worth having without busybox: what the first tutorials and tests use. */
const TOOLS = (
  "[ awk basename bash cat chmod chown cp cut date dd df dirname du echo env expr false find " +
  "free grep gzip head hostname id ip kill less ln ls mkdir mkfifo mktemp more mount mv nice " +
  "nproc od pgrep ping printenv printf ps pwd readlink realpath rm rmdir sed seq sh sha256sum " +
  "sleep sort stat sync tail tar tee test timeout top touch tr true umount uname uniq uptime " +
  "vi wc which whoami xargs yes"
).split(" ");

const DIRECTORIES: readonly (readonly [path: string, permissions: number])[] = [
  ["bin", 0o755],
  ["dev", 0o755],
  ["etc", 0o755],
  ["home", 0o755],
  ["lib", 0o755],
  ["proc", 0o755],
  ["root", 0o700],
  ["run", 0o755],
  ["sbin", 0o755],
  ["sys", 0o755],
  ["tmp", 0o1777],
  ["usr", 0o755],
  ["usr/bin", 0o755],
  ["usr/sbin", 0o755],
  ["var", 0o755],
  ["var/spool", 0o755],
  ["var/tmp", 0o1777],
  ["var/www", 0o755],
];

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;
const GROUP = `root:x:0:
daemon:x:1:
tty:x:5:
www-data:x:33:
users:x:100:
nogroup:x:65534:
`;
const SHADOW = "root:*:::::::\ndaemon:*:::::::\nwww-data:*:::::::\nnobody:*:::::::\n";
const SHADOW_PERMISSIONS = 0o640;

/**
 * Reads the programs of this machine and lays out the tree.
 *
 * @throws RuntimeError image-invalid when there is neither a static busybox nor a shell
 */
export function readBaseTree(kernel: Files): BaseTree {
  const { entries, origin } = busyboxPrograms(kernel) ?? systemPrograms(kernel);
  const all = [...skeleton(), ...entries];
  const byPath = new Map<string, BaseEntry>();
  for (const entry of all) {
    for (const parent of parentsOf(entry.path)) {
      if (!byPath.has(parent)) byPath.set(parent, directory(parent, 0o755));
    }
    if (!byPath.has(entry.path)) byPath.set(entry.path, entry);
  }
  return { entries: [...byPath.values()].toSorted(byName), origin };
}

function skeleton(): readonly BaseEntry[] {
  const text = (path: string, content: string, permissions = 0o644): BaseEntry => ({
    type: "file",
    path,
    permissions,
    content: new TextEncoder().encode(content),
  });
  return [
    ...DIRECTORIES.map(([path, permissions]) => directory(path, permissions)),
    text("etc/passwd", PASSWD),
    text("etc/group", GROUP),
    text("etc/shadow", SHADOW, SHADOW_PERMISSIONS),
    // Every container has its own bound over these: made here, they need not be made in each.
    ...["etc/hostname", "etc/hosts", "etc/resolv.conf"].map((path) => text(path, "")),
    text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
  ];
}

/** Null when there is no busybox, or one that needs libraries. */
function busyboxPrograms(kernel: Files): BaseTree | null {
  for (const path of BUSYBOX_PATHS) {
    const content = programAt(kernel, path);
    if (content === null || parseElf(content)?.interpreter !== null) continue;
    const applets = readApplets(content);
    if (!applets.includes("sh")) continue;
    const links = applets
      .filter((name) => name !== "busybox")
      .map((name) => symlink(`bin/${name}`, "busybox"));
    const entries = [
      file("bin/busybox", content),
      ...links,
      symlink("usr/bin/env", "../../bin/env"),
    ];
    return { entries, origin: `${path}, ${applets.length} applets` };
  }
  return null;
}

/**
 * The names that a busybox answers to, from the table of strings in the program.
 *
 * The table is sorted and begins with `[` and `[[`, each name ended by a zero byte; an empty name
 * ends it.
 *
 * @returns empty when the program has no such table
 * @example readApplets(new TextEncoder().encode("\0[\0[[\0ash\0sh\0\0")) // ["[", "[[", "ash",
 * "sh"]
 */
export function readApplets(program: Uint8Array): readonly string[] {
  const start = indexOfBytes(program, new TextEncoder().encode("\0[\0[[\0"));
  if (start < 0) return [];
  const names: string[] = [];
  for (let at = start + 1; at < program.length;) {
    const end = program.indexOf(0, at);
    const name = new TextDecoder().decode(program.subarray(at, end < 0 ? at : end));
    if (!/^[a-zA-Z0-9_[.+-]+$/u.test(name) || name <= (names.at(-1) ?? "")) break;
    names.push(name);
    at = end + 1;
  }
  return names;
}

function indexOfBytes(haystack: Uint8Array, needle: Uint8Array): number {
  const first = needle[0] ?? 0;
  for (let at = haystack.indexOf(first); at >= 0; at = haystack.indexOf(first, at + 1)) {
    if (needle.every((byte, offset) => haystack[at + offset] === byte)) return at;
  }
  return -1;
}

/** The system's own tools with everything that the loader would load for them. */
function systemPrograms(kernel: Files): BaseTree {
  const found = new Map<string, BaseEntry>();
  const cache = loaderCache(kernel);
  let count = 0;
  for (const tool of TOOLS) {
    const path = [`/bin/${tool}`, `/usr/bin/${tool}`].find((p) => programAt(kernel, p) !== null);
    if (path === undefined) continue;
    count++;
    addProgram(kernel, `bin/${tool}`, path, { found, cache });
  }
  if (!found.has("bin/sh")) throw noShell();
  found.set("usr/bin/env", symlink("usr/bin/env", "../../bin/env"));
  return { entries: [...found.values()], origin: `the system's shell and ${count - 1} core tools` };
}

interface Collected {
  readonly found: Map<string, BaseEntry>;
  readonly cache: ReadonlyMap<string, string>;
}

/**
 * Adds one file and, for a program, what it needs; a file that is there already is not read again.
 */
function addProgram(kernel: Files, path: string, source: string, collected: Collected): void {
  if (collected.found.has(path)) return;
  const content = programAt(kernel, source);
  if (content === null) return;
  collected.found.set(path, file(path, content));
  const needs = parseElf(content);
  if (needs === null) return;
  const { interpreter } = needs;
  if (interpreter !== null) addProgram(kernel, interpreter.slice(1), interpreter, collected);
  for (const name of needs.libraries) {
    const library = locateLibrary(kernel, name, collected.cache);
    // The same path as on the host: the loader looks in the same standard directories.
    if (library !== null) addProgram(kernel, library.slice(1), library, collected);
  }
}

function locateLibrary(
  kernel: Files,
  name: string,
  cache: ReadonlyMap<string, string>,
): string | null {
  const standard = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map((dir) => `${dir}/${name}`);
  const candidates = [cache.get(name) ?? "", ...standard];
  return candidates.find((path) => path !== "" && programAt(kernel, path) !== null) ?? null;
}

function loaderCache(kernel: Files): ReadonlyMap<string, string> {
  return parseLoaderCache(contentOf(kernel, "/etc/ld.so.cache") ?? new Uint8Array(0));
}

/** The bytes of a program, or null when it is missing or no file. */
function programAt(kernel: Files, path: string): Uint8Array | null {
  const content = contentOf(kernel, path);
  return content === null || content.length === 0 ? null : content;
}

function contentOf(kernel: Files, path: string): Uint8Array | null {
  try {
    return kernel.stat(path).type === "file" ? kernel.readFile(path) : null;
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}

function noShell(): RuntimeError {
  return new RuntimeError({
    code: "image-invalid",
    class: "unavailable",
    message:
      "Cannot make the embedded image: this machine has neither a static busybox nor a shell",
    operation: "make base image",
    subject: BUSYBOX_PATHS.join(", "),
    hint: "Install the package busybox-static.",
  });
}

function directory(path: string, permissions: number): BaseEntry {
  return { type: "directory", path, permissions };
}

function file(path: string, content: Uint8Array): BaseEntry {
  return { type: "file", path, permissions: 0o755, content };
}

function symlink(path: string, target: string): BaseEntry {
  return { type: "symlink", path, permissions: 0o777, target };
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

function byName(left: BaseEntry, right: BaseEntry): number {
  return left.path < right.path ? -1 : 1;
}
