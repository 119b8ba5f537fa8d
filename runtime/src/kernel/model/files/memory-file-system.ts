/**
 * Memory file system: directories, files, links and nodes in memory.
 *
 * The directory tree is the dentry tree, as in the kernel's tmpfs: a directory's inode has a map
 * from names to dentries, and a file with two names is an inode with two dentries. The host's own
 * file system, tmpfs, devtmpfs and mqueue are all made of it.
 *
 * Kernel interface: tmpfs(5), inode(7).
 * Invariants: none; property-tests/model-files.test.ts compares it with the kernel's tmpfs.
 * Left out: sizes in blocks, and limits (size=, nr_inodes=): nothing is ever full.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { concatBytes } from "../../bytes.ts";
import { refuse } from "../refusal.ts";
import {
  nextNumber,
  type AttributeChange,
  type Attributes,
  type Dentry,
  type FileSystem,
  type MemoryInode,
  type NewNode,
  type UserNamespace,
  type World,
} from "../state.ts";

const NOTHING = new Uint8Array(0);

/** What a memory file system is made with. */
export interface MemoryFileSystemOptions {
  readonly type: string;
  readonly device: readonly [number, number];
  readonly userNamespace: UserNamespace;
  readonly root: Pick<NewNode, "mode" | "uid" | "gid">;
  readonly options?: string;
}

/** Makes an empty file system. */
export function createMemoryFileSystem(world: World, how: MemoryFileSystemOptions): FileSystem {
  const makeInode = (node: NewNode): MemoryInode => ({
    kind: "memory",
    ino: nextNumber(world, `inode ${how.device.join(":")}`, 1),
    type: node.type,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    links: node.type === "directory" ? 2 : 1,
    mtimeMs: world.clock.nowMs(),
    // The size of a symbolic link is that of its text.
    bytes: node.target === undefined ? NOTHING : new TextEncoder().encode(node.target),
    target: node.target ?? "",
    rdevMajor: node.device?.major ?? 0,
    rdevMinor: node.device?.minor ?? 0,
    xattrs: new Map(),
    entries: new Map(),
    changedAt: counted(),
  });
  const { mark, age, counted } = countChanges();
  const touch = (dentry: Dentry): void => {
    mark(dentry);
    inodeOf(dentry).mtimeMs = world.clock.nowMs();
  };
  const inode = makeInode({ type: "directory", ...how.root });
  const fs: FileSystem = {
    type: how.type,
    device: how.device,
    get root(): Dentry {
      return root;
    },
    userNamespace: how.userNamespace,
    readOnly: false,
    options: how.options ?? "",
    depth: 0,
    get changes(): number {
      return counted();
    },
    mounts: new Set(),
    lookup: (directory, name) => inodeOf(directory).entries.get(name),
    names: (directory) => [...inodeOf(directory).entries.keys()],
    attributes: (dentry) => attributesOf(inodeOf(dentry)),
    age,
    change: (dentry, change) => {
      mark(dentry);
      Object.assign(inodeOf(dentry), change satisfies AttributeChange);
    },
    ...memoryNames(makeInode, touch),
    ...memoryContents(touch),
    ...memoryXattrs(),
    reconfigure: () => undefined,
  };
  const root: Dentry = { name: "", parent: undefined, inode, fs, gone: false };
  return fs;
}

interface Changes {
  readonly counted: () => number;
  /** Something has changed here. */
  readonly mark: (dentry: Dentry) => void;
  readonly age: (directory: Dentry) => number;
}

/** Counts changes, and remembers for each directory the last one at or below it. */
function countChanges(): Changes {
  let changes = 0;
  let manyNamesAt = 0;
  return {
    counted: () => changes,
    mark: (dentry) => {
      changes += 1;
      const { type, links } = inodeOf(dentry);
      // What has several names may have changed anywhere.
      if (type !== "directory" && links > 1) manyNamesAt = changes;
      for (let at: Dentry | undefined = dentry; at !== undefined; at = at.parent) {
        inodeOf(at).changedAt = changes;
      }
    },
    age: (directory) => Math.max(manyNamesAt, inodeOf(directory).changedAt),
  };
}

/** The inode behind a dentry of a memory file system. */
export function inodeOf(dentry: Dentry): MemoryInode {
  if (dentry.inode.kind !== "memory") throw new Error("A dentry of another file system");
  return dentry.inode;
}

function attributesOf(inode: MemoryInode): Attributes {
  const { ino, type, mode, uid, gid, links, mtimeMs, rdevMajor, rdevMinor } = inode;
  const sizeBytes = inode.bytes.length;
  return { ino, type, mode, uid, gid, links, sizeBytes, mtimeMs, rdevMajor, rdevMinor };
}

type Names = Pick<FileSystem, "create" | "link" | "unlink" | "rmdir" | "rename" | "identity">;

function memoryNames(
  makeInode: (node: NewNode) => MemoryInode,
  touch: (dentry: Dentry) => void,
): Names {
  const add = (directory: Dentry, dentry: Dentry): void => {
    inodeOf(directory).entries.set(dentry.name, dentry);
    if (dentry.inode.type === "directory") inodeOf(directory).links += 1;
    touch(directory);
  };
  const remove = (dentry: Dentry): void => {
    const directory = dentry.parent;
    if (directory === undefined) return;
    inodeOf(directory).entries.delete(dentry.name);
    if (dentry.inode.type === "directory") inodeOf(directory).links -= 1;
    touch(directory);
  };
  const drop = (dentry: Dentry): void => {
    remove(dentry);
    dentry.gone = true;
    inodeOf(dentry).links -= dentry.inode.type === "directory" ? 2 : 1;
  };
  return {
    create: (directory, name, node) => {
      const inode = makeInode(inherit(inodeOf(directory), node));
      const dentry = { name, parent: directory, inode, fs: directory.fs, gone: false };
      add(directory, dentry);
      return dentry;
    },
    link: (existing, directory, name) => {
      const inode = inodeOf(existing);
      inode.links += 1;
      add(directory, { name, parent: directory, inode, fs: directory.fs, gone: false });
    },
    unlink: drop,
    rmdir: (dentry) => {
      if (inodeOf(dentry).entries.size > 0) refuse("ENOTEMPTY");
      drop(dentry);
    },
    rename: (from, directory, name, over) => {
      if (over !== undefined) {
        if (inodeOf(over).entries.size > 0) refuse("ENOTEMPTY");
        drop(over);
      }
      remove(from);
      from.name = name;
      from.parent = directory;
      add(directory, from);
    },
    identity: (dentry) => dentry.inode,
  };
}

/** A directory with the set-group-ID bit hands its group down, and the bit to directories. */
function inherit(directory: MemoryInode, node: NewNode): NewNode {
  if ((directory.mode & 0o2000) === 0) return node;
  const mode = node.type === "directory" ? node.mode | 0o2000 : node.mode;
  return { ...node, mode, gid: directory.gid };
}

type Contents = Pick<FileSystem, "readlink" | "read" | "write" | "truncate">;

function memoryContents(touch: (dentry: Dentry) => void): Contents {
  return {
    readlink: (dentry) => inodeOf(dentry).target,
    read: (dentry) => inodeOf(dentry).bytes,
    write: (dentry, bytes, how) => {
      const inode = inodeOf(dentry);
      // Appending nothing is no write at all; replacing by nothing has truncated.
      if (how === "append" && bytes.length === 0) return;
      inode.bytes = how === "append" ? concatBytes([inode.bytes, bytes]) : bytes.slice();
      touch(dentry);
    },
    truncate: (dentry, sizeBytes) => {
      const inode = inodeOf(dentry);
      const bytes = new Uint8Array(sizeBytes);
      bytes.set(inode.bytes.subarray(0, sizeBytes));
      inode.bytes = bytes;
      touch(dentry);
    },
  };
}

type Xattrs = Pick<FileSystem, "listXattr" | "getXattr" | "setXattr" | "removeXattr">;

function memoryXattrs(): Xattrs {
  return {
    listXattr: (dentry) => [...inodeOf(dentry).xattrs.keys()],
    getXattr: (dentry, name) => inodeOf(dentry).xattrs.get(name),
    setXattr: (dentry, name, value) => {
      inodeOf(dentry).xattrs.set(name, value.slice());
    },
    removeXattr: (dentry, name) => {
      if (!inodeOf(dentry).xattrs.delete(name)) refuse("ENODATA");
    },
  };
}
