/**
 * Archive: files of a container, out and in.
 *
 * The container's tree is a directory of the host here, with links that mean the container's root.
 * So each name is resolved part by part (`resolve-path.ts`), and an archive that comes in may name
 * what it likes: it lands inside.
 *
 * Kernel interface: openat2(2), lstat(2), readlink(2), fchown(2), lchown(2).
 * Specification: Docker Engine API v1.50, ContainerArchive, ContainerArchiveInfo,
 *   PutContainerArchive; Go's os.FileMode.
 * Invariants:
 *   archive-round-trip     a tree that is read out and put in elsewhere is the same tree
 *   archive-stays-inside   no archive, whatever it names, changes anything outside the root
 * Left out: openat2(2) for what is no file, or replaces something: a program that runs in the
 *   container can swap a directory for a link between two calls. Docker enters the container's root
 *   for that.
 * Docs: docs/concepts/archive.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { cleanPath, KernelError } from "../kernel/index.ts";
import type { Files, FileStat, HeldDirectory, NewFile } from "../kernel/index.ts";
import { attributedAt, makeInode, readTar, removeTree, setAttributes } from "../layers/index.ts";
import type { TarEntry } from "../layers/index.ts";
import { isErrno, resolveInRoot } from "./resolve-path.ts";
import type { KnownTree } from "./resolve-path.ts";

/** A file's bytes are written so many at a time, while the next ones arrive. */
const WRITE_BYTES = 1024 * 1024;

/** What `X-Docker-Container-Path-Stat` says. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** Go's os.FileMode. */
  readonly mode: number;
  /** RFC 3339 */
  readonly mtime: string;
  /** Where a link leads, from the container's root; empty for everything else. */
  readonly linkTarget: string;
}

/** A path of a container that was found. */
export interface FoundPath {
  /** Parents resolved, the last name itself not, unless it was given with a slash. */
  readonly hostPath: string;
  readonly stat: PathStat;
  readonly type: FileStat["type"];
}

/**
 * The path as the container means it, without `.` and `..`; a closing `/` or `/.` stays, since it
 * says that what a link leads to is meant.
 *
 * @example cleanContainerPath("etc/../usr/") // "/usr/"
 */
export function cleanContainerPath(path: string): string {
  const closing = /(?:^|\/)\.$/u.test(path) ? "/." : path.endsWith("/") ? "/" : "";
  const clean = cleanPath(path);
  return clean === "/" ? closing || clean : `${clean}${closing}`;
}

/** The name under which a path stands in its archive. @example archiveNameOf("/etc/hosts") */
export function archiveNameOf(path: string): string {
  if (path === "/") return "/";
  if (path.endsWith("/.")) return ".";
  return path.replace(/\/$/u, "").split("/").at(-1) ?? "";
}

/**
 * Looks a path up in a container's tree.
 *
 * @param path from `cleanContainerPath`
 * @throws RuntimeError archive-path-not-found
 */
export function findPath(kernel: Files, root: string, path: string): FoundPath {
  const follows = path.endsWith("/") || path.endsWith("/.");
  const bare = path.replace(/\/\.?$/u, "");
  const slash = bare.lastIndexOf("/");
  const hostPath = follows
    ? resolveInRoot(kernel, root, bare)
    : `${resolveInRoot(kernel, root, bare.slice(0, slash))}/${bare.slice(slash + 1)}`;
  const stat = kernel.lstatIfPresent(hostPath);
  if (stat === undefined || (follows && stat.type !== "directory")) throw notFound(path);
  return { hostPath, stat: pathStat(kernel, root, path, hostPath), type: stat.type };
}

function pathStat(kernel: Files, root: string, path: string, hostPath: string): PathStat {
  const stat = kernel.lstat(hostPath);
  const target = stat.type === "symlink" ? resolveInRoot(kernel, root, path) : root;
  return {
    name: archiveNameOf(path),
    size: stat.sizeBytes,
    mode: goFileMode(stat),
    mtime: new Date(stat.mtimeMs).toISOString(),
    linkTarget: stat.type === "symlink" ? target.slice(root.length) || "/" : "",
  };
}

const GO_TYPE_BITS: Readonly<Record<FileStat["type"], number>> = {
  file: 0,
  directory: 2 ** 31,
  symlink: 2 ** 27,
  block: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  char: 2 ** 26 + 2 ** 21,
};

/**
 * A mode as Go's os.FileMode, which has the bits elsewhere. Pure.
 *
 * @example goFileMode({ type: "directory", mode: 0o755 }) // 0o755 + 2 ** 31
 */
export function goFileMode({ type, mode }: Pick<FileStat, "type" | "mode">): number {
  const setId = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0);
  return GO_TYPE_BITS[type] + setId + (mode & 0o1000 ? 2 ** 20 : 0) + (mode & 0o777);
}

/** How an archive is put in. */
export interface ExtractOptions {
  /** The directory in the container, from `cleanContainerPath`. */
  readonly containerPath: string;
  /** Refuse to replace a directory by something else, and the other way round. */
  readonly keepTypes: boolean;
  /** Who owns what is made; null: who the archive says. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/**
 * Puts an archive into a directory of a container's tree.
 *
 * @param root host path of the tree
 * @throws RuntimeError archive-path-not-found, archive-refused, layer-invalid
 */
export async function extractArchive(
  kernel: Files,
  root: string,
  archive: AsyncIterable<Uint8Array>,
  options: ExtractOptions,
): Promise<void> {
  const base = options.containerPath.replace(/\/\.?$/u, "");
  const target = resolveInRoot(kernel, root, base);
  const found = kernel.lstatIfPresent(target);
  if (found === undefined) throw notFound(options.containerPath);
  if (found.type !== "directory") throw refused("extraction point is not a directory", target);
  const buffer = (): Uint8Array => new Uint8Array(WRITE_BYTES);
  const place: Place = { kernel, root, base, options, buffers: [buffer(), buffer()] };
  const directories = await putEntries(place, archive);
  // A directory's time changes with every name made in it.
  for (const { entry, hostPath } of directories.toReversed()) {
    if (isStillThere(place, entry, hostPath)) {
      kernel.lutimes(hostPath, entry.mtimeSeconds * 1000);
    }
  }
}

interface Place {
  readonly kernel: Files;
  readonly root: string;
  readonly base: string;
  readonly options: ExtractOptions;
  /** One is filled while the other is written. */
  readonly buffers: [Uint8Array, Uint8Array];
}

interface MadeDirectory {
  readonly entry: TarEntry;
  readonly hostPath: string;
}

async function putEntries(
  place: Place,
  archive: AsyncIterable<Uint8Array>,
): Promise<readonly MadeDirectory[]> {
  const directories: MadeDirectory[] = [];
  using parents = new Parents(place);
  for await (const { entry, pieces } of readTar(archive)) {
    if (entry.type === "file") {
      await putFile(place, parents, entry, pieces);
      continue;
    }
    // What led somewhere may lead elsewhere now.
    parents.letGo();
    const hostPath = putInode(place, entry);
    if (entry.type === "directory") directories.push({ entry, hostPath });
  }
  return directories;
}

function putInode(place: Place, entry: TarEntry): string {
  if (partsOf(entry.path).length === 0 && entry.type !== "directory") throw rootStays(entry);
  const { kernel, options } = place;
  // For this moment alone: before the next one a program of the container may change things.
  const known: KnownTree = new Map();
  const hostPath = hostPathOf(place, entry.path, known);
  makePlace(place, hostPath, entry, known);
  if (entry.type !== "link") {
    setAttributes(attributedAt(kernel, hostPath), entry, options.owner ?? undefined);
  }
  return hostPath;
}

/** Where the last file was put: most archives list one directory after the other. */
class Parents implements Disposable {
  readonly #place: Place;
  #name = "";
  #held: HeldDirectory | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  /** A path that leads to a directory of the container. @throws KernelError when there is none */
  pathOf(name: string): string {
    if (this.#held === undefined || name !== this.#name) {
      this.letGo();
      this.#held = this.#place.kernel.holdDirectory(this.#place.root, name);
      this.#name = name;
    }
    return this.#held.path;
  }

  letGo(): void {
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
  }

  [Symbol.dispose](): void {
    this.letGo();
  }
}

async function putFile(
  place: Place,
  parents: Parents,
  entry: TarEntry,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  using file = makeFile(place, parents, entry);
  await fillFile(file, pieces, place.buffers);
  setAttributes(file, entry, place.options.owner ?? undefined);
}

/** A new file. Most names are new: what is in the way is looked for after. */
function makeFile(place: Place, parents: Parents, entry: TarEntry): NewFile {
  const parts = insideParts(entry.path);
  const name = parts.at(-1);
  if (name === undefined) throw rootStays(entry);
  try {
    const parent = parents.pathOf([place.base, ...parts.slice(0, -1)].join("/"));
    return place.kernel.createFile(`${parent}/${name}`);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
  parents.letGo();
  const known: KnownTree = new Map();
  const hostPath = hostPathOf(place, entry.path, known);
  makePlace(place, hostPath, entry, known);
  return place.kernel.createFile(hostPath);
}

function rootStays({ path }: TarEntry): RuntimeError {
  return refused("the directory itself cannot become something else", path);
}

/**
 * Pieces are small, and let go of soon. The last bytes, which are all of most files, are written
 * sooner than another thread would have begun.
 */
async function fillFile(
  file: NewFile,
  pieces: AsyncIterable<Uint8Array>,
  buffers: [Uint8Array, Uint8Array],
): Promise<void> {
  let writing: Promise<unknown> = Promise.resolve();
  let usedBytes = 0;
  const flush = async (): Promise<void> => {
    await writing;
    writing = file.writeAside(buffers[0].subarray(0, usedBytes));
    // Whoever waits for it next hears why it failed.
    writing.catch(() => undefined);
    buffers.reverse();
    usedBytes = 0;
  };
  try {
    for await (const piece of pieces) {
      if (usedBytes + piece.length > WRITE_BYTES) await flush();
      if (piece.length > WRITE_BYTES) {
        await writing;
        file.write(piece);
        continue;
      }
      buffers[0].set(piece, usedBytes);
      usedBytes += piece.length;
    }
  } finally {
    await writing;
  }
  file.write(buffers[0].subarray(0, usedBytes));
}

function partsOf(path: string): readonly string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function insideParts(path: string): readonly string[] {
  const parts = partsOf(path);
  if (parts.includes("..")) throw refused(`"${path}" leads out of the directory`, path);
  return parts;
}

/** Parents as the container follows them; the last name itself, never what a link leads to. */
function hostPathOf({ kernel, root, base }: Place, path: string, known?: KnownTree): string {
  const parts = insideParts(path);
  const name = parts.at(-1);
  const parent = resolveInRoot(kernel, root, [base, ...parts.slice(0, -1)].join("/"), known);
  return name === undefined ? parent : `${parent}/${name}`;
}

/** Makes the name, after what is in its way is gone. */
function makePlace(place: Place, hostPath: string, entry: TarEntry, known: KnownTree): void {
  const { kernel, options } = place;
  const present = kernel.lstatIfPresent(hostPath);
  const isDirectory = entry.type === "directory";
  if (present !== undefined) {
    const wasDirectory = present.type === "directory";
    if (wasDirectory && isDirectory) return;
    if (options.keepTypes && wasDirectory !== isDirectory)
      throw wouldReplace(hostPath, isDirectory);
  } else makeParents(place.kernel, hostPath, known);
  // The other name of a hard link may be the very name that is replaced.
  const source = entry.type === "link" ? hostPathOf(place, entry.linkPath) : "";
  if (source === hostPath) return;
  if (present !== undefined) removeTree(kernel, hostPath);
  makeInode(kernel, hostPath, entry, source);
}

function makeParents(kernel: Files, hostPath: string, known: KnownTree): void {
  const parent = hostPath.slice(0, hostPath.lastIndexOf("/"));
  if (known.get(parent) !== "missing") return;
  makeParents(kernel, parent, known);
  kernel.mkdir(parent, 0o755);
}

/** A later entry may have put something else there, or above it a link to elsewhere. */
function isStillThere(place: Place, { path }: TarEntry, hostPath: string): boolean {
  try {
    if (hostPathOf(place, path) !== hostPath) return false;
    return place.kernel.lstatIfPresent(hostPath)?.type === "directory";
  } catch (error) {
    if (isErrno(error, "ELOOP")) return false;
    throw error;
  }
}

function notFound(path: string): RuntimeError {
  return new RuntimeError({
    code: "archive-path-not-found",
    class: "not-found",
    message: `Could not find the file ${path} in container`,
    operation: "copy files",
    subject: path,
    hint: "Paths begin at the container's root; drydock exec CONTAINER ls shows what is there.",
  });
}

function refused(message: string, subject: string): RuntimeError {
  return new RuntimeError({
    code: "archive-refused",
    class: "invalid",
    message,
    operation: "copy files",
    subject,
    hint: "Nothing after this entry was copied.",
  });
}

function wouldReplace(path: string, isDirectory: boolean): RuntimeError {
  const [made, present] = isDirectory
    ? ["directory", "non-directory"]
    : ["non-directory", "directory"];
  return refused(`cannot overwrite ${present} "${path}" with ${made} "${path}"`, path);
}
