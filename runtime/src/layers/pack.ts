/**
 * Layers: a directory becomes a layer's tar.
 *
 * The way back from unpack.ts: overlay's marks become whiteout names, everything else is listed as
 * it is. The bytes are a function of the tree alone: names in one order, no clock, no user names,
 * inode numbers only to find hard links. So the same tree gives the same digest on every machine.
 *
 * Kernel interface: getdents64(2), lstat(2), listxattr(2), overlayfs.
 * Specification: OCI image-spec v1.1, layer.md, "Representing Changes", "Whiteouts".
 * Invariants:
 *   pack-unpack-round-trip   unpacking a packed tree gives the tree again
 *   pack-is-tree-function    equal trees give equal bytes, whatever the order in which they were
 *                            made
 * Left out: sockets, which tar cannot hold and Docker skips too; fractions of a second.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import type { FileStat, Files, OpenFile } from "../kernel/index.ts";
import { KernelError } from "../kernel/index.ts";
import { formatTar } from "./tar-print.ts";
import { EMPTY_ENTRY, type TarEntry } from "./tar.ts";
import { OPAQUE_XATTR } from "./unpack.ts";

/**
 * Packs a tree. Links are not followed.
 *
 * @param root a plain directory, or the upper directory of an overlay
 * @throws RuntimeError `layer-invalid` when a name begins with `.wh.`, since a layer could not say
 *   what it means
 */
export function packTree(kernel: Files, root: string): Uint8Array<ArrayBuffer> {
  return formatTar(readTreeEntries(kernel, root));
}

/** The entries of a tree, parents before children, names in code unit order. */
export function readTreeEntries(kernel: Files, root: string): readonly TarEntry[] {
  const walk = { kernel, root, firstNames: new Map<string, string>(), entries: [] };
  addDirectory(walk, "");
  return walk.entries;
}

interface Walk {
  readonly kernel: Files;
  readonly root: string;
  /** Of every inode with several names: the name that was listed first. */
  readonly firstNames: Map<string, string>;
  readonly entries: TarEntry[];
}

function addDirectory(walk: Walk, path: string): void {
  const { kernel, entries } = walk;
  const absolute = path === "" ? walk.root : `${walk.root}/${path}`;
  entries.push(entryOf(walk, path, kernel.lstat(absolute)));
  if (isOpaque(kernel, absolute)) entries.push(whiteout(path, ".wh..wh..opq"));
  for (const name of kernel.readdir(absolute)) {
    if (name.startsWith(".wh.")) refuseName(`${path}/${name}`);
    addEntry(walk, path, name);
  }
}

function addEntry(walk: Walk, parent: string, name: string): void {
  const path = parent === "" ? name : `${parent}/${name}`;
  const stat = walk.kernel.lstat(`${walk.root}/${path}`);
  if (stat.type === "socket") return;
  if (stat.type === "directory") addDirectory(walk, path);
  else if (isWhiteout(stat)) walk.entries.push(whiteout(parent, `.wh.${name}`));
  else walk.entries.push(entryOf(walk, path, stat));
}

/** Whether a name is overlay's mark for "deleted". */
export function isWhiteout(stat: FileStat): boolean {
  return stat.type === "char" && stat.rdevMajor === 0 && stat.rdevMinor === 0;
}

/** Whether a directory hides what lower layers hold in it. */
export function isOpaque(kernel: Files, path: string): boolean {
  try {
    return kernel.listXattr(path).includes(OPAQUE_XATTR);
  } catch (error) {
    if (error instanceof KernelError && /NOTSUPP?$/.test(error.errno)) return false;
    throw error;
  }
}

function whiteout(parent: string, name: string): TarEntry {
  return { ...EMPTY_ENTRY, path: parent === "" ? name : `${parent}/${name}`, type: "file" };
}

function entryOf(walk: Walk, path: string, stat: FileStat): TarEntry {
  const { kernel, firstNames } = walk;
  const absolute = path === "" ? walk.root : `${walk.root}/${path}`;
  const common = {
    ...EMPTY_ENTRY,
    path: path === "" ? "." : path,
    mode: stat.mode,
    uid: stat.hostUid,
    gid: stat.hostGid,
    mtimeSeconds: Math.floor(stat.mtimeMs / 1000),
  };
  const inode = `${stat.device}:${stat.inode}`;
  const firstName = firstNames.get(inode);
  if (firstName !== undefined) return { ...common, type: "link", linkPath: firstName };
  if (stat.links > 1 && stat.type !== "directory") firstNames.set(inode, path);
  return { ...common, xattrs: readXattrs(kernel, absolute), ...contentOf(kernel, absolute, stat) };
}

/** What a file holds, besides what every file has. */
function contentOf(
  kernel: Files,
  path: string,
  stat: FileStat,
): Pick<TarEntry, "type"> & Partial<TarEntry> {
  switch (stat.type) {
    case "file":
      return { type: "file", data: kernel.readFile(path) };
    case "symlink":
      return { type: "symlink", linkPath: kernel.readlink(path) };
    case "char":
    case "block":
      return { type: stat.type, major: stat.rdevMajor, minor: stat.rdevMinor };
    case "directory":
    case "fifo":
      return { type: stat.type };
    case "socket":
      throw new Error(`A socket has no tar entry: ${path}`);
  }
  return stat.type satisfies never;
}

/** The extended attributes of a name. */
export function readXattrs(kernel: Files, path: string): ReadonlyMap<string, Uint8Array> {
  return readXattrsOf({
    listXattr: () => kernel.listXattr(path),
    getXattr: (name) => kernel.getXattr(path, name),
  });
}

/** Those of a file that is open. Overlay's own are not the tree's. */
export function readXattrsOf(
  file: Pick<OpenFile, "listXattr" | "getXattr">,
): ReadonlyMap<string, Uint8Array> {
  try {
    const names = file.listXattr().filter((name) => !/^(trusted|user)\.overlay\./.test(name));
    return new Map(names.map((name) => [name, file.getXattr(name)]));
  } catch (error) {
    if (error instanceof KernelError && /NOTSUPP?$/.test(error.errno)) return new Map();
    throw error;
  }
}

function refuseName(path: string): never {
  throw new RuntimeError({
    code: "layer-invalid",
    class: "invalid",
    operation: "pack tree",
    subject: path,
    message: `Cannot pack "${path}": names that begin with .wh. mean deletions in a layer`,
    hint: "Rename the file before making a layer of this tree.",
  });
}
