/**
 * Overlay layers: what a name leads to in a stack of directories.
 *
 * Looking a name up goes from the top layer down. A file ends the search, a whiteout ends it too
 * and hides what is below; a directory goes on and is merged with the directories of that name
 * below it, unless it is marked opaque.
 *
 * ```text
 *            a        b        c        d
 *   upper    file     whiteout dir      dir, opaque
 *   lower 1  file     file     dir      dir
 *   lower 2           file     file     dir
 *   seen     upper's  nothing  upper +  upper's
 *                              lower 1
 * ```
 *
 * Kernel interface: overlayfs (kernel documentation, filesystems/overlayfs.rst).
 * Invariants:
 *   stacks-associate   a stack shows the same tree when neighbours in it are made one layer, with
 *     their whiteouts and opaque marks
 * Left out: index, metacopy, redirect_dir and nfs_export, which no mount of ours asks for.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import {
  nextNumber,
  type Attributes,
  type Dentry,
  type FileSystem,
  type OverlayInode,
  type Process,
  type World,
} from "../state.ts";

/** One overlay mount's knowledge of itself. */
export interface Overlay {
  readonly world: World;
  /** What layers are looked at with. */
  readonly mounter: Process;
  /** `trusted.overlay.` or, in a user namespace, `user.overlay.`. */
  readonly prefix: string;
  readonly isWritable: boolean;
  /** Names of one file above are one inode. */
  readonly byUpper: WeakMap<object, OverlayInode>;
}

/** The overlay inode behind a dentry. */
export function inodeOf(dentry: Dentry): OverlayInode {
  if (dentry.inode.kind !== "overlay") throw new Error("A dentry of another file system");
  return dentry.inode;
}

/** The dentry that is seen: above when there is one. */
export function realOf(dentry: Dentry): Dentry {
  const { upper, lowers } = inodeOf(dentry);
  const real = upper ?? lowers[0];
  if (real === undefined) throw new Error("A name without a layer");
  return real;
}

/** Attributes of a dentry of a layer. */
export function attributesIn(dentry: Dentry): Attributes {
  return dentry.fs.attributes(dentry);
}

/** Whether a dentry of a layer says that the name is gone. */
export function isWhiteout(dentry: Dentry): boolean {
  if (dentry.inode.type !== "char") return false;
  const { rdevMajor, rdevMinor } = attributesIn(dentry);
  return rdevMajor === 0 && rdevMinor === 0;
}

/** A mark of overlayfs on a dentry of a layer. */
export function markOf(overlay: Overlay, dentry: Dentry, name: string): string | undefined {
  const value = dentry.fs.getXattr(dentry, overlay.prefix + name);
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

/** Marks a dentry of a layer. */
export function mark(overlay: Overlay, dentry: Dentry, name: string, value: string): void {
  dentry.fs.setXattr(dentry, overlay.prefix + name, new TextEncoder().encode(value));
}

/** Whether nothing below a directory is seen through it. */
export function isOpaque(overlay: Overlay, dentry: Dentry): boolean {
  return dentry.inode.type === "directory" && markOf(overlay, dentry, "opaque") === "y";
}

/** A name in a directory of a layer. */
export function lookupIn(
  overlay: Overlay,
  directory: Dentry | undefined,
  name: string,
): Dentry | undefined {
  return directory?.fs.lookup(directory, name, overlay.mounter);
}

/** Whether a directory shows more than one. */
export function isMerged(dentry: Dentry): boolean {
  const { type, upper, lowers } = inodeOf(dentry);
  return type === "directory" && lowers.length > (upper === undefined ? 1 : 0);
}

interface Found {
  readonly upper: Dentry | undefined;
  readonly lowers: readonly Dentry[];
}

/** What a name leads to, or undefined. */
function find(overlay: Overlay, directory: OverlayInode, name: string): Found | undefined {
  const upper = lookupIn(overlay, directory.upper, name);
  if (upper !== undefined) {
    if (isWhiteout(upper)) return undefined;
    const ends = upper.inode.type !== "directory" || isOpaque(overlay, upper);
    if (ends) return { upper, lowers: [] };
  }
  const lowers = findBelow(overlay, directory, name, upper !== undefined);
  return upper === undefined && lowers.length === 0 ? undefined : { upper, lowers };
}

function findBelow(
  overlay: Overlay,
  directory: OverlayInode,
  name: string,
  hasUpper: boolean,
): readonly Dentry[] {
  const found: Dentry[] = [];
  for (const layer of directory.lowers) {
    const lower = lookupIn(overlay, layer, name);
    if (lower === undefined) continue;
    if (isWhiteout(lower)) break;
    const isDirectory = lower.inode.type === "directory";
    if (!isDirectory && (hasUpper || found.length > 0)) break;
    found.push(lower);
    if (!isDirectory || isOpaque(overlay, lower)) break;
  }
  return found;
}

/** Whether a name would be seen if nothing of it were above. */
export function isPositiveBelow(overlay: Overlay, directory: Dentry, name: string): boolean {
  for (const layer of inodeOf(directory).lowers) {
    const lower = lookupIn(overlay, layer, name);
    if (lower !== undefined) return !isWhiteout(lower);
  }
  return false;
}

/** The inode for what was found: one for all names of a file above. */
export function overlayInode(overlay: Overlay, found: Found): OverlayInode {
  const { upper, lowers } = found;
  const known = upper === undefined ? undefined : overlay.byUpper.get(upper.inode);
  if (known !== undefined) return known;
  const real = upper ?? lowers[0];
  if (real === undefined) throw new Error("A name without a layer");
  const inode: OverlayInode = {
    kind: "overlay",
    ino: nextNumber(overlay.world, "overlay inode", 1),
    type: real.inode.type,
    upper,
    lowers,
    entries: new Map(),
  };
  if (upper !== undefined) overlay.byUpper.set(upper.inode, inode);
  return inode;
}

/** A name in a merged directory. */
export function lookup(overlay: Overlay, directory: Dentry, name: string): Dentry | undefined {
  const inode = inodeOf(directory);
  const known = inode.entries.get(name);
  if (known !== undefined) return known;
  const found = find(overlay, inode, name);
  if (found === undefined) return undefined;
  return enter(directory, name, overlayInode(overlay, found));
}

/** Makes a name known. */
export function enter(directory: Dentry, name: string, inode: OverlayInode): Dentry {
  const fs: FileSystem = directory.fs;
  const dentry: Dentry = { name, parent: directory, inode, fs, gone: false };
  inodeOf(directory).entries.set(name, dentry);
  return dentry;
}

/**
 * The names of a directory. One that is not merged is listed as it is; but one that was copied up
 * may hold whiteouts, so that is looked through too.
 */
export function names(overlay: Overlay, directory: Dentry): readonly string[] {
  const real = realOf(directory);
  const isPlain = !isMerged(directory) && markOf(overlay, real, "origin") === undefined;
  return isPlain ? real.fs.names(real, overlay.mounter) : seenNames(overlay, directory);
}

/** The names of a directory without those that whiteouts hide. */
export function seenNames(overlay: Overlay, directory: Dentry): readonly string[] {
  const { upper, lowers } = inodeOf(directory);
  const seen = new Map<string, boolean>();
  for (const layer of upper === undefined ? lowers : [upper, ...lowers]) {
    for (const name of layer.fs.names(layer, overlay.mounter)) {
      if (seen.has(name)) continue;
      const there = lookupIn(overlay, layer, name);
      seen.set(name, there !== undefined && !isWhiteout(there));
    }
  }
  return [...seen].filter(([, isThere]) => isThere).map(([name]) => name);
}
