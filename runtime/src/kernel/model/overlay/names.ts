/**
 * Overlay names: making, removing and moving names in a stack.
 *
 * What is made is made above. What is removed is removed above, and when it would then be seen
 * below, a whiteout takes its place. A directory that is made where another one is below is marked
 * opaque, else the old children would show through. A directory that is below cannot be moved: its
 * children would have to be copied all at once, so the kernel says EXDEV and mv(1) copies.
 *
 * Kernel interface: overlayfs (kernel documentation, filesystems/overlayfs.rst, "Directories").
 * Invariants: none; property-tests/model-overlay.test.ts compares every step.
 * Left out: the work directory is only there; here every change is one step anyway.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { refuse, refuseIf } from "../refusal.ts";
import type { Dentry, FileSystem, NewNode } from "../state.ts";
import { copyUp, markImpure } from "./copy-up.ts";
import {
  enter,
  inodeOf,
  isMerged,
  isOpaque,
  isPositiveBelow,
  lookupIn,
  mark,
  markOf,
  overlayInode,
  seenNames,
  type Overlay,
} from "./layers.ts";

type Names = Pick<FileSystem, "create" | "link" | "unlink" | "rmdir" | "rename" | "identity">;

/** The calls that change names. */
export function overlayNames(overlay: Overlay): Names {
  return {
    create: (directory, name, node) => create(overlay, directory, name, node),
    link: (existing, directory, name) => link(overlay, existing, directory, name),
    unlink: (dentry) => remove(overlay, dentry),
    rmdir: (dentry) => remove(overlay, dentry),
    rename: (from, directory, name, over) => rename(overlay, from, { directory, name, over }),
    identity: (dentry) => dentry.inode,
  };
}

const WHITEOUT: NewNode = {
  type: "char",
  mode: 0,
  uid: 0,
  gid: 0,
  device: { major: 0, minor: 0 },
};

function create(overlay: Overlay, directory: Dentry, name: string, node: NewNode): Dentry {
  const { device } = node;
  refuseIf(node.type === "char" && device?.major === 0 && device.minor === 0, "EPERM");
  const above = copyUp(overlay, directory);
  const wasHidden = clearWhiteout(overlay, above, name);
  const upper = above.fs.create(above, name, node, overlay.mounter);
  if (node.type === "directory" && wasHidden) mark(overlay, upper, "opaque", "y");
  return enter(directory, name, overlayInode(overlay, { upper, lowers: [] }));
}

/** Makes room above: what lies there can only be a whiteout. @returns whether one lay there */
function clearWhiteout(overlay: Overlay, above: Dentry, name: string): boolean {
  const there = lookupIn(overlay, above, name);
  if (there !== undefined) there.fs.unlink(there);
  return there !== undefined;
}

function link(overlay: Overlay, existing: Dentry, directory: Dentry, name: string): void {
  const source = copyUp(overlay, existing);
  const above = copyUp(overlay, directory);
  clearWhiteout(overlay, above, name);
  above.fs.link(source, above, name);
  if (markOf(overlay, source, "origin") !== undefined) markImpure(overlay, above);
  enter(directory, name, inodeOf(existing));
}

function remove(overlay: Overlay, dentry: Dentry): void {
  const directory = dentry.parent ?? refuse("EBUSY");
  const isCovering = isPositiveBelow(overlay, directory, dentry.name);
  const { upper } = inodeOf(dentry);
  if (dentry.inode.type === "directory") {
    // What is only above is removed as it lies there, whiteouts and all or not at all.
    const isAlone = !isCovering && !isMerged(dentry) && upper !== undefined;
    const names = isAlone ? upper.fs.names(upper, overlay.mounter) : seenNames(overlay, dentry);
    refuseIf(names.length > 0, "ENOTEMPTY");
  }
  const above = copyUp(overlay, directory);
  removeAbove(overlay, above, dentry.name);
  if (isCovering) above.fs.create(above, dentry.name, WHITEOUT, overlay.mounter);
  inodeOf(directory).entries.delete(dentry.name);
  dentry.gone = true;
}

/** Removes what is above, with the whiteouts that an empty directory may hold. */
function removeAbove(overlay: Overlay, above: Dentry, name: string): void {
  const upper = lookupIn(overlay, above, name);
  if (upper === undefined) return;
  if (upper.inode.type !== "directory") {
    upper.fs.unlink(upper);
    return;
  }
  for (const child of upper.fs.names(upper, overlay.mounter)) clearWhiteout(overlay, upper, child);
  upper.fs.rmdir(upper);
}

/** A directory hides what is below its new place; a copy is known where it lies. */
function markMoved(overlay: Overlay, moved: Dentry, directory: Dentry): void {
  const isDirectory = moved.inode.type === "directory";
  if (isDirectory && isMerged(directory) && !isOpaque(overlay, moved)) {
    mark(overlay, moved, "opaque", "y");
  }
  const isCopy = markOf(overlay, moved, "origin") !== undefined;
  if (isCopy) markImpure(overlay, copyUp(overlay, directory));
}

/** Where something moves to, and what it replaces. */
interface Destination {
  readonly directory: Dentry;
  readonly name: string;
  readonly over: Dentry | undefined;
}

function rename(overlay: Overlay, from: Dentry, to: Destination): void {
  const { directory, name, over } = to;
  const parent = from.parent ?? refuse("EBUSY");
  const isDirectory = from.inode.type === "directory";
  refuseIf(isDirectory && (isMerged(from) || inodeOf(from).upper === undefined), "EXDEV");
  if (over?.inode.type === "directory") {
    refuseIf(seenNames(overlay, over).length > 0, "ENOTEMPTY");
  }
  const oldName = from.name;
  const isCovering = isPositiveBelow(overlay, parent, oldName);
  const above = copyUp(overlay, directory);
  const source = copyUp(overlay, from);
  const oldAbove = copyUp(overlay, parent);
  removeAbove(overlay, above, name);
  const named = lookupIn(overlay, oldAbove, oldName) ?? source;
  named.fs.rename(named, above, name, undefined);
  markMoved(overlay, named, directory);
  if (isCovering) oldAbove.fs.create(oldAbove, oldName, WHITEOUT, overlay.mounter);
  inodeOf(parent).entries.delete(oldName);
  if (over !== undefined) over.gone = true;
  from.name = name;
  from.parent = directory;
  inodeOf(directory).entries.set(name, from);
}
