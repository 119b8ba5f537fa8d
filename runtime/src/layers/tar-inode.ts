/**
 * Tar inodes: one entry of an archive as something in a file system.
 *
 * Who unpacks a layer and who copies files into a container decide differently where an entry may
 * go; what is made there is the same for both.
 *
 * Kernel interface: mkdir(2), symlink(2), link(2), mknod(2), lchown(2), setxattr(2), chmod(2),
 *   utimensat(2).
 * Specification: pax(1), "pax Header Block"; OCI image layer.
 * Invariants: see `unpack.ts`.
 * Left out: the bytes of a file: they come at once or piece by piece.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { KernelError, type Files, type NewFile } from "../kernel/index.ts";
import type { TarEntry } from "./tar.ts";

/** Those of overlayfs would redirect lookups. */
const OVERLAY_XATTRS = /^(?:trusted|user)\.overlay\./;

/** The file system has no such attributes, or not on this type of file. */
const XATTR_REFUSALS = ["ENOTSUP", "EOPNOTSUPP", "EPERM"];

/** Makes what an entry is, closed to others until it has its attributes; nothing for a file. */
export function makeInode(kernel: Files, path: string, entry: TarEntry, source: string): void {
  const { type, major, minor } = entry;
  switch (type) {
    case "directory":
      return kernel.mkdir(path, 0o700);
    case "symlink":
      return kernel.symlink(entry.linkPath, path);
    case "link":
      return kernel.link(source, path);
    case "char":
    case "block":
    case "fifo":
      return kernel.mknod(path, { type, major, minor, permissions: 0o600 });
    case "file":
  }
}

/** What has attributes: a new file, or a name. */
type Attributed = Pick<NewFile, "chown" | "setXattr" | "chmod" | "utimes">;

/** What a name that is no link leads to, or a link itself. */
export function attributedAt(kernel: Files, path: string): Attributed {
  return {
    chown: (hostUid, hostGid) => kernel.lchown(path, hostUid, hostGid),
    setXattr: (name, value) => kernel.setXattr(path, name, value),
    chmod: (permissions) => kernel.chmod(path, permissions),
    utimes: (mtimeMs) => kernel.lutimes(path, mtimeMs),
  };
}

/**
 * Gives it the entry's attributes. Owner first: changing it clears the set-id bits of the mode.
 * Extended attributes next: capabilities are cleared by it too.
 *
 * @param owner who owns it; who the entry says, unless given
 * @returns the names of the extended attributes that the file system does not take
 */
export function setAttributes(
  made: Attributed,
  entry: TarEntry,
  owner: Pick<TarEntry, "uid" | "gid"> = entry,
): readonly string[] {
  made.chown(owner.uid, owner.gid);
  const wanted = [...entry.xattrs].filter(([name]) => !OVERLAY_XATTRS.test(name));
  const dropped = wanted.filter(([name, value]) => !tookXattr(made, name, value));
  if (entry.type !== "symlink") made.chmod(entry.mode);
  made.utimes(entry.mtimeSeconds * 1000);
  return dropped.map(([name]) => name);
}

function tookXattr(made: Attributed, name: string, value: Uint8Array): boolean {
  try {
    made.setXattr(name, value);
    return true;
  } catch (error) {
    if (error instanceof KernelError && XATTR_REFUSALS.includes(error.errno)) return false;
    throw error;
  }
}
