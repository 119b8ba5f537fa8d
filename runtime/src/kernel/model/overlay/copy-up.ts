/**
 * Copy-up: before something of a lower layer is changed, it is copied to the upper one.
 *
 * The copy keeps everything: contents, owner, mode, times, attributes. Its directory must be above
 * too, so the parents are copied first, and keep their times although a name was made in them. The
 * copy remembers where it came from, so that its inode number stays; but a file with several names
 * below loses that tie, since each name is copied alone.
 *
 * Kernel interface: overlayfs (kernel documentation, filesystems/overlayfs.rst, "Non-directories").
 * Invariants: none; property-tests/model-overlay.test.ts compares the upper layer after each step.
 * Left out: the mark that tells the origin holds an inode number, where Linux stores a file handle.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { refuse } from "../refusal.ts";
import type { Dentry } from "../state.ts";
import { attributesIn, inodeOf, isMerged, mark, markOf, type Overlay } from "./layers.ts";

/** Puts a name above, with the directories that lead to it. @returns its dentry above */
export function copyUp(overlay: Overlay, dentry: Dentry): Dentry {
  const inode = inodeOf(dentry);
  if (inode.upper !== undefined) return inode.upper;
  const [lower] = inode.lowers;
  const { parent } = dentry;
  if (lower === undefined || parent === undefined) return refuse("EROFS");
  const directory = copyUp(overlay, parent);
  const { mtimeMs } = attributesIn(directory);
  const copy = copy1(overlay, lower, directory, dentry.name);
  directory.fs.change(directory, { mtimeMs });
  inode.upper = copy;
  // A file that was copied is no longer seen below; a directory is merged from now on.
  if (inode.type !== "directory") inode.lowers = [];
  overlay.byUpper.set(copy.inode, inode);
  return copy;
}

function copy1(overlay: Overlay, lower: Dentry, directory: Dentry, name: string): Dentry {
  const { type, mode, uid, gid, mtimeMs, links, ino, rdevMajor, rdevMinor } = attributesIn(lower);
  const target = type === "symlink" ? lower.fs.readlink(lower, overlay.mounter) : "";
  const device = { major: rdevMajor, minor: rdevMinor };
  const node = { type, mode, uid, gid, target, device };
  const copy = directory.fs.create(directory, name, node, overlay.mounter);
  if (type === "file") {
    const bytes = lower.fs.read(lower, overlay.mounter);
    copy.fs.write(copy, bytes, "replace", overlay.mounter);
  }
  for (const key of lower.fs.listXattr(lower)) {
    const value = lower.fs.getXattr(lower, key);
    if (value !== undefined && !isPrivate(overlay, key)) copy.fs.setXattr(copy, key, value);
  }
  if (type === "directory" || links === 1) mark(overlay, copy, "origin", String(ino));
  markImpure(overlay, directory);
  copy.fs.change(copy, { mode, uid, gid, mtimeMs });
  return copy;
}

/** Whether an attribute is overlayfs's own, and not one that a user's attribute is kept under. */
export function isPrivate({ prefix }: Overlay, key: string): boolean {
  return key.startsWith(prefix) && !key.startsWith(`${prefix}overlay.`);
}

/** A directory above that holds copies: its listing must be looked through. */
export function markImpure(overlay: Overlay, directory: Dentry): void {
  if (markOf(overlay, directory, "impure") === undefined) mark(overlay, directory, "impure", "y");
}

/** What is shown of a name: its real attributes, but for those that layers cannot have. */
export function shownAttributes(overlay: Overlay, dentry: Dentry): ReturnType<typeof attributesIn> {
  const inode = inodeOf(dentry);
  const real = inode.upper ?? inode.lowers[0] ?? refuse("ENOENT");
  const attributes = attributesIn(real);
  const origin = inode.upper === undefined ? undefined : markOf(overlay, real, "origin");
  return {
    ...attributes,
    ino: origin === undefined ? attributes.ino : Number(origin),
    // Nobody counts the subdirectories of several layers.
    links: isMerged(dentry) ? 1 : attributes.links,
  };
}
