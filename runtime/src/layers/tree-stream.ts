/**
 * Layers: a directory as a tar file, in pieces.
 *
 * For trees of any size: nothing but one piece of one file is in memory. What a program changes in
 * the tree meanwhile may be in the archive or not, but the archive is whole: a file that shrinks is
 * filled up with zeros, one that grows is cut.
 *
 * Kernel interface: getdents64(2), lstat(2), pread(2), listxattr(2).
 * Specification: POSIX.1-2017, pax, "ustar Interchange Format".
 * Invariants: see `container/archive.ts`.
 * Left out: sockets, which tar cannot hold.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { KernelError } from "../kernel/index.ts";
import type { Files, FileStat } from "../kernel/index.ts";
import { readXattrs } from "./pack.ts";
import { formatTarHead, tarEnd, tarPadding } from "./tar-print.ts";
import type { TarEntry } from "./tar.ts";

const PIECE_BYTES = 1024 * 1024;
/** Small pieces are joined: each costs several turns on its way to a client. */
const JOIN_BYTES = 64 * 1024;

/** What to pack and under which name. */
export interface TreeStreamOptions {
  /** Host path of a file or directory; a link is packed as a link. */
  readonly path: string;
  /** The name of `path` in the archive; those below follow it. Empty: only those below. */
  readonly name: string;
  /** Host paths that are packed as empty: other file systems are mounted there. */
  readonly hidden: ReadonlySet<string>;
}

/** The archive of a file or directory, parents before children, names in code unit order. */
export function* streamTree(kernel: Files, options: TreeStreamOptions): Generator<Uint8Array> {
  yield* joined(piecesOf({ kernel, ...options, firstNames: new Map() }));
}

type Walk = TreeStreamOptions & {
  readonly kernel: Files;
  readonly firstNames: Map<string, string>;
};

function* piecesOf(walk: Walk): Generator<Uint8Array> {
  if (walk.name === "") yield* childPieces(walk, walk.path, "");
  else yield* entryPieces(walk, walk.path, walk.name);
  yield tarEnd();
}

function* entryPieces(walk: Walk, path: string, name: string): Generator<Uint8Array> {
  const { kernel, hidden } = walk;
  const stat = kernel.lstatIfPresent(path);
  if (stat === undefined || stat.type === "socket") return;
  const entry = entryOf(walk, path, name, stat);
  const size = entry.type === "file" && !hidden.has(path) ? stat.sizeBytes : 0;
  yield* formatTarHead(entry, size);
  if (size > 0) yield* filePieces(kernel, path, size);
  if (stat.type === "directory" && !hidden.has(path)) yield* childPieces(walk, path, name);
}

function* childPieces(walk: Walk, path: string, name: string): Generator<Uint8Array> {
  const prefix = name === "" || name.endsWith("/") ? name : `${name}/`;
  const above = path === "/" ? "" : path;
  for (const child of walk.kernel.readdir(path)) {
    yield* entryPieces(walk, `${above}/${child}`, `${prefix}${child}`);
  }
}

function entryOf(
  { kernel, firstNames }: Walk,
  path: string,
  name: string,
  stat: FileStat,
): TarEntry {
  const common = {
    // A directory gets its slash when it is printed.
    path: name.replace(/\/$/u, ""),
    mode: stat.mode,
    uid: stat.hostUid,
    gid: stat.hostGid,
    mtimeSeconds: Math.floor(stat.mtimeMs / 1000),
    linkPath: "",
    major: stat.rdevMajor,
    minor: stat.rdevMinor,
    xattrs: new Map<string, Uint8Array>(),
    data: new Uint8Array(0),
  };
  const inode = `${stat.device}:${stat.inode}`;
  const first = firstNames.get(inode);
  if (first !== undefined) return { ...common, type: "link", linkPath: first };
  if (stat.links > 1 && stat.type !== "directory") firstNames.set(inode, name);
  if (stat.type === "symlink") {
    return { ...common, type: "symlink", linkPath: kernel.readlink(path) };
  }
  if (stat.type === "socket") throw new Error(`A socket has no tar entry: ${path}`);
  return { ...common, type: stat.type, xattrs: readXattrs(kernel, path) };
}

function* filePieces(kernel: Files, path: string, size: number): Generator<Uint8Array> {
  for (let at = 0; at < size;) {
    const wanted = Math.min(PIECE_BYTES, size - at);
    const bytes = rangeOr(kernel, path, at, wanted);
    yield bytes.length === 0 ? new Uint8Array(wanted) : bytes;
    at += bytes.length === 0 ? wanted : bytes.length;
  }
  yield tarPadding(size);
}

/** Empty when the file has gone meanwhile. */
function rangeOr(kernel: Files, path: string, at: number, length: number): Uint8Array {
  try {
    return kernel.readRange(path, at, length);
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") return new Uint8Array(0);
    throw error;
  }
}

function* joined(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  let buffer = new Uint8Array(JOIN_BYTES);
  let used = 0;
  for (const piece of pieces) {
    if (used + piece.length > JOIN_BYTES && used > 0) {
      yield buffer.subarray(0, used);
      buffer = new Uint8Array(JOIN_BYTES);
      used = 0;
    }
    if (piece.length > JOIN_BYTES) {
      yield piece;
      continue;
    }
    buffer.set(piece, used);
    used += piece.length;
  }
  if (used > 0) yield buffer.subarray(0, used);
}
