/**
 * Layers: a directory as a tar file, in pieces.
 *
 * For trees of any size: nothing but one chunk is in memory, and what it is made of is read into
 * its place there. What a program changes in the tree meanwhile may be in the archive or not, but
 * the archive is whole: a file that shrinks is filled up with zeros, one that grows is cut.
 *
 * Kernel interface: getdents64(2), lstat(2), open(2), pread(2), listxattr(2).
 * Specification: POSIX.1-2017, pax, "ustar Interchange Format".
 * Invariants:
 *   archive-stays-whole   whatever becomes of the files while they are read, the archive can be
 *       read, and what nobody changed is in it as it is
 * Left out: sockets, which tar cannot hold.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { KernelError } from "../kernel/index.ts";
import type { Files, FileStat, OpenFile } from "../kernel/index.ts";
import { readXattrs, readXattrsOf } from "./pack.ts";
import { formatTarHead, paddingBytes, tarEnd } from "./tar-print.ts";
import type { TarEntry } from "./tar.ts";

/** Each chunk costs several turns on its way to a client, and nothing else is done meanwhile. */
const CHUNK_BYTES = 256 * 1024;
/** As much of one large file is read in less time. */
const LARGE_CHUNK_BYTES = 1024 * 1024;

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
  yield* chunksOf(piecesOf({ kernel, ...options, firstNames: new Map() }));
}

type Walk = TreeStreamOptions & {
  readonly kernel: Files;
  readonly firstNames: Map<string, string>;
};

/** Some bytes of the archive, which are made where they are wanted. */
interface Piece {
  readonly sizeBytes: number;
  /** @param into zeros, to become the bytes from `offsetBytes` of this piece */
  readonly put: (into: Uint8Array, offsetBytes: number) => void;
}

function* piecesOf(walk: Walk): Generator<Piece> {
  if (walk.name === "") yield* childPieces(walk, walk.path, "");
  else yield* entryPieces(walk, walk.path, walk.name);
  yield pieceOf(tarEnd());
}

function* childPieces(walk: Walk, path: string, name: string): Generator<Piece> {
  const prefix = name === "" || name.endsWith("/") ? name : `${name}/`;
  const above = path === "/" ? "" : path;
  for (const child of stillThere(() => walk.kernel.readdir(path)) ?? []) {
    yield* entryPieces(walk, `${above}/${child}`, `${prefix}${child}`);
  }
}

function* entryPieces(walk: Walk, path: string, name: string): Generator<Piece> {
  const { kernel, hidden } = walk;
  const stat = kernel.lstatIfPresent(path);
  if (stat === undefined || stat.type === "socket") return;
  const entry = entryOf(name, stat);
  const first = firstNameOf(walk, name, stat);
  if (first !== undefined) {
    return yield* headPieces({ ...entry, type: "link", linkPath: first }, 0);
  }
  if (stat.type === "symlink") return yield* linkPieces(kernel, path, entry);
  const kind = hidden.has(path) ? "hidden" : stat.type;
  if (kind === "file" && stat.sizeBytes > 0) {
    return yield* filePieces(kernel, path, entry, stat.sizeBytes);
  }
  const isThere = yield* emptyPieces(kernel, path, entry);
  if (isThere && kind === "directory") yield* childPieces(walk, path, name);
}

/** What has no bytes of its own. @returns whether it was still there */
function* emptyPieces(kernel: Files, path: string, entry: TarEntry): Generator<Piece, boolean> {
  const xattrs = stillThere(() => readXattrs(kernel, path));
  if (xattrs === undefined) return false;
  yield* headPieces({ ...entry, xattrs }, 0);
  return true;
}

function* linkPieces(kernel: Files, path: string, entry: TarEntry): Generator<Piece> {
  const linkPath = stillThere(() => kernel.readlink(path));
  if (linkPath !== undefined) yield* headPieces({ ...entry, linkPath }, 0);
}

/** The name under which the same file was packed before. */
function firstNameOf({ firstNames }: Walk, name: string, stat: FileStat): string | undefined {
  const inode = `${stat.device}:${stat.inode}`;
  const first = firstNames.get(inode);
  const isFirst = first === undefined && stat.links > 1 && stat.type !== "directory";
  if (isFirst) firstNames.set(inode, name);
  return first;
}

function entryOf(name: string, stat: FileStat): TarEntry {
  if (stat.type === "socket") throw new Error(`A socket has no tar entry: ${name}`);
  return {
    // A directory gets its slash when it is printed.
    path: name.replace(/\/$/u, ""),
    type: stat.type,
    mode: stat.mode,
    uid: stat.hostUid,
    gid: stat.hostGid,
    mtimeSeconds: Math.floor(stat.mtimeMs / 1000),
    linkPath: "",
    major: stat.rdevMajor,
    minor: stat.rdevMinor,
    xattrs: NO_XATTRS,
    data: NO_BYTES,
  };
}

const NO_XATTRS: TarEntry["xattrs"] = new Map();
const NO_BYTES = new Uint8Array(0);

function* headPieces(entry: TarEntry, sizeBytes: number): Generator<Piece> {
  for (const bytes of formatTarHead(entry, sizeBytes)) yield pieceOf(bytes);
}

function pieceOf(bytes: Uint8Array): Piece {
  return {
    sizeBytes: bytes.length,
    put: (into, at) => into.set(bytes.subarray(at, at + into.length)),
  };
}

/** A file is opened once for all that is asked of it: to follow a path takes the longest. */
function* filePieces(
  kernel: Files,
  path: string,
  entry: TarEntry,
  sizeBytes: number,
): Generator<Piece> {
  using file = stillThere(() => kernel.openFile(path));
  if (file === undefined) return;
  yield* headPieces({ ...entry, xattrs: readXattrsOf(file) }, sizeBytes);
  yield {
    sizeBytes: sizeBytes + paddingBytes(sizeBytes),
    put: (into, at) => fill(file, into.subarray(0, Math.max(0, sizeBytes - at)), at),
  };
}

/** undefined: it has gone, or is something else meanwhile. */
function stillThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const isGone =
      error instanceof KernelError && /^(?:ENOENT|ENOTDIR|ELOOP|EINVAL)$/.test(error.errno);
    if (isGone) return undefined;
    throw error;
  }
}

/** What the file does not have any more stays as it is. */
function fill(file: OpenFile, into: Uint8Array, offsetBytes: number): void {
  for (let done = 0; done < into.length;) {
    const count = file.read(into.subarray(done), offsetBytes + done);
    if (count === 0) return;
    done += count;
  }
}

function* chunksOf(pieces: Iterable<Piece>): Generator<Uint8Array> {
  let chunk = new Uint8Array(CHUNK_BYTES);
  let used = 0;
  for (const { sizeBytes, put } of pieces) {
    for (let done = 0; done < sizeBytes;) {
      const missing = sizeBytes - done;
      if (used === chunk.length) {
        yield chunk;
        chunk = new Uint8Array(missing < LARGE_CHUNK_BYTES ? CHUNK_BYTES : LARGE_CHUNK_BYTES);
        used = 0;
      }
      const length = Math.min(missing, chunk.length - used);
      put(chunk.subarray(used, used + length), done);
      used += length;
      done += length;
    }
  }
  yield chunk.subarray(0, used);
}
