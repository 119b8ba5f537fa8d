/**
 * Files: names, bytes and attributes, through Node's synchronous calls and, where Node has none,
 * through libc.
 *
 * Node's `fs.…Sync` functions are one system call each (or open, that call, close), made on the
 * calling thread, so they are used as they are and only their errors are translated. Asynchronous
 * ones run on a thread pool and are never used: in a process that has entered another mount
 * namespace the pool would still see the old one.
 *
 * Two promises of the port need care. Permissions are applied exactly: the process has a umask,
 * which would take bits away, so a name made with such bits gets a chmod(2). And `writeFile` writes
 * once: kernel files take one write(2) as one request, where a second one would be a second
 * request.
 *
 * Kernel interface: open(2), read(2), write(2), getdents64(2), stat(2), xattr(7), flock(2),
 * mknod(2).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import { bytesOfName, isEscaped, nameOf } from "../file-names.ts";
import {
  KernelError,
  type DeviceNode,
  type Files,
  type FileStat,
  type Lock,
  type NewFile,
  type OpenFile,
  type WriteMode,
} from "../port.ts";
import { errnoName } from "./errno.ts";
import { fileStatOf, packDevice } from "./file-stat.ts";
import { holdInside, O_PATH } from "./held-directory.ts";
import { check, cName, type Libc } from "./libc.ts";
import { extendedAttributes, openAttributes, setXattrOf } from "./xattr.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const S_IFIFO = 0o010000;
const NODE_TYPE = { char: S_IFCHR, block: S_IFBLK, fifo: S_IFIFO } as const;
const AT_FDCWD = -100;

/** Permission bits that mkdir(2) ignores (set-id and sticky), so that they need a chmod(2). */
const MKDIR_IGNORES = 0o7000;

/**
 * Makes a call of Node's fs and lets its failure be a `KernelError`.
 *
 * @param syscall the man page name of what is done
 * @param subject the path
 */
export function callFs<T>(syscall: string, subject: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw kernelErrorOf(error, syscall, subject);
  }
}

function kernelErrorOf(error: unknown, syscall: string, subject: string): unknown {
  if (error instanceof KernelError || !(error instanceof Error)) return error;
  if ("errno" in error && typeof error.errno === "number") {
    return new KernelError(syscall, errnoName(-error.errno), subject);
  }
  // Node checks some arguments itself, a NUL in a path above all; the kernel would say EINVAL.
  const code = "code" in error ? String(error.code) : "";
  return code.startsWith("ERR_") ? new KernelError(syscall, "EINVAL", subject) : error;
}

/**
 * The file calls of the port on Linux.
 *
 * @param libc for what Node has no function for
 */
export function linuxFiles(libc: Libc): Files {
  return {
    ...contents(),
    ...names(),
    ...descriptions(),
    ...attributes(libc),
    ...extendedAttributes(libc),
    openFile: (path) => openToRead(libc, path),
    createFile: (path) => createFile(libc, path),
    holdDirectory: (root, path) =>
      callFs("open", root, () => {
        using top = openFile(root, O_PATH | fs.constants.O_DIRECTORY);
        return holdInside(libc, top.fd, path);
      }),
    lockFile: (path) => lockFile(libc, path),
  };
}

function contents(): Pick<
  Files,
  "readFile" | "readText" | "readRange" | "writeFile" | "writeEach" | "fsync" | "truncate"
> {
  return {
    readFile: (path) => callFs("read", path, () => new Uint8Array(fs.readFileSync(onDisk(path)))),
    readText: (path) => callFs("read", path, () => fs.readFileSync(onDisk(path), "utf8")),
    readRange: (path, offsetBytes, lengthBytes) =>
      callFs("pread", path, () => {
        using file = openFile(path, fs.constants.O_RDONLY);
        const bytes = new Uint8Array(lengthBytes);
        return bytes.subarray(0, fs.readSync(file.fd, bytes, 0, lengthBytes, offsetBytes));
      }),
    writeFile: (path, data, mode, permissions = 0o644) =>
      callFs("write", path, () => {
        using file = openForWriting(path, mode, permissions);
        writeAll(path, file.fd, { data, once: mode === "existing" });
      }),
    writeEach: (path, texts) =>
      callFs("write", path, () => {
        using file = openForWriting(path, "existing", 0);
        for (const data of texts) writeAll(path, file.fd, { data, once: true });
      }),
    fsync: (path) =>
      callFs("fsync", path, () => {
        using file = openFile(path, fs.constants.O_RDONLY);
        fs.fsyncSync(file.fd);
      }),
    truncate: (path, sizeBytes) =>
      callFs("truncate", path, () => fs.truncateSync(onDisk(path), sizeBytes)),
  };
}

function names(): Pick<
  Files,
  "mkdir" | "rmdir" | "unlink" | "rename" | "link" | "symlink" | "readlink" | "readdir"
> {
  return {
    mkdir: (path, permissions) =>
      callFs("mkdir", path, () => {
        fs.mkdirSync(onDisk(path), permissions);
        if ((permissions & (process.umask() | MKDIR_IGNORES)) !== 0) {
          fs.chmodSync(onDisk(path), permissions);
        }
      }),
    rmdir: (path) => callFs("rmdir", path, () => fs.rmdirSync(onDisk(path))),
    unlink: (path) => callFs("unlink", path, () => fs.unlinkSync(onDisk(path))),
    rename: (from, to) => callFs("rename", from, () => fs.renameSync(onDisk(from), onDisk(to))),
    link: (existing, path) =>
      callFs("link", path, () => fs.linkSync(onDisk(existing), onDisk(path))),
    symlink: (target, path) =>
      callFs("symlink", path, () => fs.symlinkSync(onDisk(target), onDisk(path))),
    readlink: (path) => callFs("readlink", path, () => readLink(path)),
    readdir: (path) => callFs("getdents64", path, () => readNames(path).toSorted()),
  };
}

/** A path as Node takes it: a text, or where that would not say which bytes are meant, these. */
function onDisk(path: string): fs.PathLike {
  // Any array of bytes will do; the types name only Node's own.
  return isEscaped(path) ? (bytesOfName(path) as fs.PathLike) : path;
}

/** What Node puts in the place of bytes that are no UTF-8. */
const REPLACED = "\ufffd";

/** Only a directory with odd names is read twice. */
function readNames(path: string): readonly string[] {
  const names = fs.readdirSync(onDisk(path));
  if (!names.some((name) => name.includes(REPLACED))) return names;
  return fs.readdirSync(onDisk(path), { encoding: "buffer" }).map(nameOf);
}

function readLink(path: string): string {
  const target = fs.readlinkSync(onDisk(path));
  if (!target.includes(REPLACED)) return target;
  return nameOf(fs.readlinkSync(onDisk(path), { encoding: "buffer" }));
}

function descriptions(): Pick<
  Files,
  "lstat" | "stat" | "lstatIfPresent" | "statIfPresent" | "reach"
> {
  return {
    lstat: (path) => callFs("lstat", path, () => fileStatOf(fs.lstatSync(onDisk(path)))),
    stat: (path) => callFs("stat", path, () => fileStatOf(fs.statSync(onDisk(path)))),
    lstatIfPresent: (path) => callFs("lstat", path, () => ifPresent(fs.lstatSync, path)),
    statIfPresent: (path) => callFs("stat", path, () => ifPresent(fs.statSync, path)),
    reach: createReach(),
  };
}

/** Of Node's four threads for such calls, as many may hang. */
const MOST_ASKED = 2;

/** A path that is being asked for is not asked for again. */
function createReach(): Files["reach"] {
  const asked = new Map<string, Promise<void>>();
  return async (path) => {
    while (asked.size >= MOST_ASKED && !asked.has(path)) await Promise.race(asked.values());
    const answer = asked.get(path) ?? ask(path).finally(() => void asked.delete(path));
    asked.set(path, answer);
    await answer;
  };
}

async function ask(path: string): Promise<void> {
  try {
    await fs.promises.stat(onDisk(path));
  } catch {
    // That is an answer, too.
  }
}

/** Asks without an exception where there is nothing: that would take longer than asking. */
function ifPresent(
  stat: (path: fs.PathLike, options: { readonly throwIfNoEntry: false }) => fs.Stats | undefined,
  path: string,
): FileStat | undefined {
  try {
    const stats = stat(onDisk(path), { throwIfNoEntry: false });
    return stats === undefined ? undefined : fileStatOf(stats);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return undefined;
    throw error;
  }
}

function attributes(libc: Libc): Pick<Files, "chmod" | "lchown" | "lutimes" | "mknod"> {
  return {
    chmod: (path, permissions) =>
      callFs("chmod", path, () => fs.chmodSync(onDisk(path), permissions)),
    lchown: (path, uid, gid) => callFs("lchown", path, () => fs.lchownSync(onDisk(path), uid, gid)),
    lutimes: (path, mtimeMs) =>
      callFs("utimensat", path, () => fs.lutimesSync(onDisk(path), mtimeMs / 1000, mtimeMs / 1000)),
    mknod: (path, node) => makeNode(libc, path, node),
  };
}

function makeNode(libc: Libc, path: string, node: DeviceNode): void {
  const mode = NODE_TYPE[node.type] | node.permissions;
  const device = packDevice(node.major, node.minor);
  check(libc.rawAt("mknodat", AT_FDCWD, cName("mknod", path), mode, device), "mknod", path);
  if ((node.permissions & process.umask()) !== 0) {
    callFs("chmod", path, () => fs.chmodSync(onDisk(path), node.permissions));
  }
}

function openToRead(libc: Libc, path: string): OpenFile {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
  const fd = callFs("open", path, () => fs.openSync(onDisk(path), flags));
  const { listXattr, getXattr } = openAttributes(libc, fd, path);
  // Written out: to spread an object takes as long as the call, and there can be many files.
  return {
    listXattr,
    getXattr,
    [Symbol.dispose]: () => fs.closeSync(fd),
    read: (into, at) => callFs("pread", path, () => fs.readSync(fd, into, 0, into.length, at)),
  };
}

function createFile(libc: Libc, path: string): NewFile {
  const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
  const flags = O_WRONLY | O_CREAT | O_EXCL;
  const fd = callFs("open", path, () => fs.openSync(onDisk(path), flags, 0o600));
  return {
    [Symbol.dispose]: () => fs.closeSync(fd),
    write: (data) => callFs("write", path, () => writeAll(path, fd, { data, once: false })),
    writeAside: async (bytes) => {
      try {
        await writeAside(fd, bytes);
      } catch (error) {
        throw kernelErrorOf(error, "write", path);
      }
    },
    chown: (uid, gid) => callFs("fchown", path, () => fs.fchownSync(fd, uid, gid)),
    chmod: (permissions) => callFs("fchmod", path, () => fs.fchmodSync(fd, permissions)),
    utimes: (mtimeMs) =>
      callFs("utimensat", path, () => fs.futimesSync(fd, mtimeMs / 1000, mtimeMs / 1000)),
    setXattr: (name, value) => setXattrOf(libc, fd, { subject: path, name, value }),
  };
}

/** On a thread of the pool: the file is open, so it is the same one there. */
async function writeAside(fd: number, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    const asked = rest;
    const written = await new Promise<number>((resolve, reject) => {
      fs.write(fd, asked, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
    rest = asked.subarray(written);
  }
}

/** A descriptor that closes itself at the end of its block. */
interface Descriptor extends Disposable {
  readonly fd: number;
}

function openFile(path: string, flags: number, permissions = 0): Descriptor {
  const fd = fs.openSync(onDisk(path), flags, permissions);
  return { fd, [Symbol.dispose]: () => fs.closeSync(fd) };
}

function openForWriting(path: string, mode: WriteMode, permissions: number): Descriptor {
  const { O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_APPEND } = fs.constants;
  if (mode === "existing") return openFile(path, O_WRONLY | O_TRUNC);
  const keep = mode === "append" ? O_APPEND : O_TRUNC;
  const masked = (permissions & process.umask()) !== 0;
  if (!masked) {
    const create = mode === "exclusive" ? O_CREAT | O_EXCL : O_CREAT;
    return openFile(path, O_WRONLY | create | keep, permissions);
  }
  // Only the one who made the file may set its permissions, so find out who that is.
  try {
    const made = openFile(path, O_WRONLY | O_CREAT | O_EXCL | keep, permissions);
    fs.fchmodSync(made.fd, permissions);
    return made;
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!isThere || mode === "exclusive") throw error;
    return openFile(path, O_WRONLY | O_CREAT | keep, permissions);
  }
}

/** One write(2); the rest of a short one, unless the file wants its bytes at `once`. */
function writeAll(
  path: string,
  fd: number,
  what: { readonly data: Uint8Array | string; readonly once: boolean },
): void {
  let rest = typeof what.data === "string" ? new TextEncoder().encode(what.data) : what.data;
  while (rest.length > 0) {
    // A disk that fills up takes a part; the kernel says ENOSPC only when asked for the rest.
    const written = fs.writeSync(fd, rest);
    rest = rest.subarray(written);
    if (rest.length > 0 && (what.once || written === 0)) {
      throw new KernelError("write", "EIO", path);
    }
  }
}

function lockFile(libc: Libc, path: string): Lock {
  const { O_RDWR, O_CREAT } = fs.constants;
  const fd = callFs("flock", path, () => fs.openSync(onDisk(path), O_RDWR | O_CREAT, 0o644));
  try {
    check(libc.flock(fd, LOCK_EX | LOCK_NB), "flock", path);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    // A child before its exec shares the open file: closing ours alone would not unlock.
    libc.flock(fd, LOCK_UN);
    fs.closeSync(fd);
  };
  return { release };
}
