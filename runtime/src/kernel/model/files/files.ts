/**
 * Files of the model: the port's calls, in the name of one process.
 *
 * Kernel interface: path_resolution(7), inode(7), xattr(7).
 * Invariants:
 *   files-agree   a random program of file operations has the same answers as on Linux, errno for
 *                 errno, and leaves the same tree after each step
 * Left out: see the files beside this one.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError, type Files, type FileStat, type NewFile, type OpenFile } from "../../port.ts";
import { holdDirectory } from "../processes/namespaces.ts";
import { call, refuse } from "../refusal.ts";
import type { Process } from "../state.ts";
import * as attributes from "./attributes.ts";
import * as names from "./names.ts";
import * as open from "./open.ts";
import { resolve } from "./walk.ts";

/** Makes one call about a path: a NUL in it is EINVAL before anything else. */
function about<T>(syscall: string, path: string, body: () => T): T {
  if (path.includes("\0")) throw new KernelError(syscall, "EINVAL", path);
  return call(syscall, path, body);
}

/** The file calls of the port, made by a process. */
export function modelFiles(process: Process): Files {
  return {
    ...contents(process),
    ...tree(process),
    ...descriptions(process),
    ...changesOf(process),
    ...xattrs(process),
  };
}

function contents(
  process: Process,
): Pick<
  Files,
  | "readFile"
  | "readText"
  | "readRange"
  | "openFile"
  | "createFile"
  | "holdDirectory"
  | "writeFile"
  | "writeEach"
  | "fsync"
  | "truncate"
  | "lockFile"
> {
  const read = (path: string): Uint8Array =>
    about("read", path, () => open.readFile(process, path));
  return {
    readFile: read,
    readText: (path) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(read(path)),
    readRange: (path, offsetBytes, lengthBytes) =>
      about("pread", path, () => open.readRange(process, path, { offsetBytes, lengthBytes })),
    openFile: (path) => openFile(process, path),
    createFile: (path) => createFile(process, path),
    holdDirectory: (root, path) => about("openat2", path, () => holdDirectory(process, root, path)),
    writeFile: (path, data, mode, permissions = 0o644) =>
      about("write", path, () => open.writeFile(process, path, { data, mode, permissions })),
    writeEach: (path, texts) => about("write", path, () => open.writeEach(process, path, texts)),
    fsync: (path) => about("fsync", path, () => open.fsync(process, path)),
    truncate: (path, sizeBytes) =>
      about("truncate", path, () => open.truncate(process, path, sizeBytes)),
    lockFile: (path) => about("flock", path, () => open.lockFile(process, path)),
  };
}

function openFile(process: Process, path: string): OpenFile {
  const { place, read } = about("open", path, () => open.openToRead(process, path, "keep"));
  return {
    read: (into, offsetBytes) =>
      about("pread", path, () => {
        const bytes = read(offsetBytes, into.length);
        into.set(bytes);
        return bytes.length;
      }),
    listXattr: () => about("listxattr", path, () => attributes.listXattrAt(process, place)),
    getXattr: (name) => about("getxattr", path, () => attributes.getXattrAt(process, place, name)),
    [Symbol.dispose]: () => undefined,
  };
}

function createFile(process: Process, path: string): NewFile {
  const how = { mode: "exclusive", permissions: 0o600 } as const;
  const file = about("open", path, () => open.openToWrite(process, path, how));
  const { place } = file;
  const write = (bytes: Uint8Array): void => about("write", path, () => file.write(bytes));
  return {
    write,
    writeAside: async (bytes) => write(bytes),
    chown: (uid, gid) =>
      about("fchown", path, () => attributes.chownAt(process, place, [uid, gid])),
    chmod: (bits) => about("fchmod", path, () => attributes.chmodAt(process, place, bits)),
    utimes: (mtimeMs) =>
      about("utimensat", path, () => attributes.utimesAt(process, place, mtimeMs)),
    setXattr: (name, value) =>
      about("setxattr", path, () => attributes.setXattrAt(process, place, name, value)),
    [Symbol.dispose]: () => undefined,
  };
}

function tree(
  process: Process,
): Pick<
  Files,
  "mkdir" | "rmdir" | "unlink" | "rename" | "link" | "symlink" | "readlink" | "readdir" | "mknod"
> {
  return {
    mkdir: (path, permissions) =>
      about("mkdir", path, () => names.mkdir(process, path, permissions)),
    rmdir: (path) => about("rmdir", path, () => names.rmdir(process, path)),
    unlink: (path) => about("unlink", path, () => names.unlink(process, path)),
    rename: (from, to) =>
      about("rename", from, () => about("rename", to, () => names.rename(process, from, to))),
    link: (existing, path) =>
      about("link", path, () => about("link", existing, () => names.link(process, existing, path))),
    symlink: (target, path) =>
      about("symlink", path, () =>
        about("symlink", target, () => names.symlink(process, target, path)),
      ),
    readlink: (path) =>
      about("readlink", path, () => {
        const { dentry } = resolve(process, path, "keep");
        if (dentry.inode.type !== "symlink") refuse("EINVAL");
        return dentry.fs.readlink(dentry, process);
      }),
    readdir: (path) =>
      about("getdents64", path, () => {
        const { dentry } = open.openDirectory(process, path);
        return dentry.gone ? [] : dentry.fs.names(dentry, process).toSorted();
      }),
    mknod: (path, node) => about("mknod", path, () => names.mknod(process, path, node)),
  };
}

function descriptions(
  process: Process,
): Pick<Files, "lstat" | "stat" | "lstatIfPresent" | "statIfPresent" | "reach"> {
  const lstat = (path: string): FileStat =>
    about("lstat", path, () => attributes.describe(process, resolve(process, path, "keep")));
  const stat = (path: string): FileStat =>
    about("stat", path, () => attributes.describe(process, resolve(process, path, "follow")));
  return {
    lstat,
    stat,
    lstatIfPresent: (path) => ifPresent(() => lstat(path)),
    statIfPresent: (path) => ifPresent(() => stat(path)),
    // No file system here has a server that could be gone.
    reach: () => Promise.resolve(),
  };
}

function ifPresent(describe: () => FileStat): FileStat | undefined {
  try {
    return describe();
  } catch (error) {
    if (error instanceof KernelError && /^ENO(?:ENT|TDIR)$/.test(error.errno)) return undefined;
    throw error;
  }
}

function changesOf(process: Process): Pick<Files, "chmod" | "lchown" | "lutimes"> {
  return {
    chmod: (path, permissions) =>
      about("chmod", path, () => attributes.chmod(process, path, permissions)),
    lchown: (path, uid, gid) =>
      about("lchown", path, () => attributes.lchown(process, path, [uid, gid])),
    lutimes: (path, mtimeMs) =>
      about("utimensat", path, () => attributes.lutimes(process, path, mtimeMs)),
  };
}

function xattrs(
  process: Process,
): Pick<Files, "listXattr" | "getXattr" | "setXattr" | "removeXattr"> {
  return {
    listXattr: (path) => about("listxattr", path, () => attributes.listXattr(process, path)),
    getXattr: (path, name) =>
      about("getxattr", path, () => attributes.getXattr(process, path, name)),
    setXattr: (path, name, value) =>
      about("setxattr", path, () => attributes.setXattr(process, path, name, value)),
    removeXattr: (path, name) =>
      about("removexattr", path, () => attributes.removeXattr(process, path, name)),
  };
}
