/**
 * Generated file system: files that are questions and orders.
 *
 * In /proc, /sys and a cgroup hierarchy nothing is stored: reading a file asks the kernel, writing
 * one tells it something, and a directory lists what there is at this moment. So such a file system
 * is made of functions, and of names that come and go with what they stand for.
 *
 * Kernel interface: proc(5), sysfs(5), cgroups(7).
 * Invariants: none.
 * Left out: reading in parts while the content changes; each read is made anew.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { refuse, refuseIf } from "../refusal.ts";
import {
  nextNumber,
  type Dentry,
  type FileSystem,
  type GeneratedFile,
  type GeneratedInode,
  type Process,
  type UserNamespace,
  type World,
} from "../state.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Makes an inode that is answered by functions. */
export function createGenerated(
  world: World,
  what: Pick<GeneratedInode, "type" | "mode"> & Partial<Pick<GeneratedInode, "uid" | "gid">>,
  does: GeneratedFile,
): GeneratedInode {
  const ino = nextNumber(world, "generated inode", 1);
  const mtimeMs = world.clock.nowMs();
  return { kind: "generated", ino, uid: 0, gid: 0, ...what, mtimeMs, entries: new Map(), does };
}

/** A file that is read, and written when it has a `write`. */
export function generatedFile(world: World, does: GeneratedFile): GeneratedInode {
  const mode = does.write === undefined ? 0o444 : does.read === undefined ? 0o200 : 0o644;
  return createGenerated(world, { type: "file", mode }, does);
}

/** A directory whose names never change. */
export function generatedDirectory(
  world: World,
  children: Readonly<Record<string, GeneratedInode>>,
  mode = 0o555,
): GeneratedInode {
  return createGenerated(
    world,
    { type: "directory", mode },
    {
      lookup: (name) => (Object.hasOwn(children, name) ? children[name] : undefined),
      names: () => Object.keys(children),
    },
  );
}

/** What a generated file system is made with. */
export interface GeneratedOptions {
  readonly type: string;
  readonly device: readonly [number, number];
  readonly userNamespace: UserNamespace;
  readonly root: GeneratedInode;
  readonly options?: string;
  /** Whether owners and modes may be changed, as in cgroup hierarchies. */
  readonly changeable: boolean;
}

/** Makes a file system of functions. */
export function createGeneratedFileSystem(how: GeneratedOptions): FileSystem {
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
    changes: 0,
    mounts: new Set(),
    lookup: (directory, name, by) => lookup(directory, name, by),
    names: (directory, by) => inodeOf(directory).does.names?.(by) ?? [],
    attributes: (dentry) => {
      const { ino, type, mode, uid, gid, mtimeMs } = inodeOf(dentry);
      const links = type === "directory" ? 2 : 1;
      const nothing = { sizeBytes: 0, rdevMajor: 0, rdevMinor: 0 };
      return { ino, type, mode, uid, gid, mtimeMs, links, ...nothing };
    },
    change: (dentry, change) => {
      refuseIf(!how.changeable, "EPERM");
      Object.assign(inodeOf(dentry), change);
    },
    ...generatedNames(),
    ...generatedContents(),
    listXattr: () => [],
    getXattr: () => refuse("EOPNOTSUPP"),
    setXattr: () => refuse("EOPNOTSUPP"),
    removeXattr: () => refuse("EOPNOTSUPP"),
    reconfigure: () => undefined,
  };
  const root: Dentry = { name: "", parent: undefined, inode: how.root, fs, gone: false };
  return fs;
}

function inodeOf(dentry: Dentry): GeneratedInode {
  if (dentry.inode.kind !== "generated") throw new Error("A dentry of another file system");
  return dentry.inode;
}

/** A name keeps its dentry as long as it leads to the same thing. */
function lookup(directory: Dentry, name: string, by: Process): Dentry | undefined {
  const { entries, does } = inodeOf(directory);
  const inode = does.lookup?.(name, by);
  const known = entries.get(name);
  if (known !== undefined && known.inode === inode) return known;
  if (known !== undefined) {
    known.gone = true;
    entries.delete(name);
  }
  if (inode === undefined) return undefined;
  const dentry = { name, parent: directory, inode, fs: directory.fs, gone: false };
  entries.set(name, dentry);
  return dentry;
}

type Names = Pick<FileSystem, "create" | "link" | "unlink" | "rmdir" | "rename" | "identity">;

function generatedNames(): Names {
  return {
    create: (directory, name, node, by) => {
      const { does } = inodeOf(directory);
      if (node.type === "file") refuse("EACCES");
      if (node.type !== "directory" || does.mkdir === undefined) return refuse("EPERM");
      const inode = does.mkdir(name, by);
      inode.mode = node.mode;
      inode.uid = node.uid;
      inode.gid = node.gid;
      return lookup(directory, name, by) ?? refuse("ENOENT");
    },
    link: () => refuse("EPERM"),
    unlink: () => refuse("EPERM"),
    rmdir: (dentry) => {
      const above = dentry.parent === undefined ? undefined : inodeOf(dentry.parent);
      const remove = above?.does.rmdir ?? refuse("EPERM");
      remove(dentry.name);
      above?.entries.delete(dentry.name);
      dentry.gone = true;
    },
    rename: () => refuse("EPERM"),
    identity: (dentry) => dentry.inode,
  };
}

type Contents = Pick<FileSystem, "readlink" | "read" | "write" | "truncate">;

function generatedContents(): Contents {
  return {
    readlink: (dentry, by) => inodeOf(dentry).does.target?.(by) ?? refuse("EINVAL"),
    read: (dentry, by) => {
      const { read } = inodeOf(dentry).does;
      return encoder.encode(read === undefined ? refuse("EINVAL") : read(by));
    },
    write: (dentry, bytes, _how, by) => {
      if (bytes.length === 0) return;
      const { write } = inodeOf(dentry).does;
      if (write === undefined) refuse("EIO");
      else write(by, decoder.decode(bytes));
    },
    truncate: () => undefined,
  };
}
