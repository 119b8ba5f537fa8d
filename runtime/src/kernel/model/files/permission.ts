/**
 * Permission: who may do what to an inode.
 *
 * Three bits each for owner, group and others decide; two capabilities overrule them. A capability
 * counts only in the user namespace where it is held and those below it, and over an inode only
 * when that namespace has a number for its owner and group.
 *
 * Kernel interface: path_resolution(7), capabilities(7), user_namespaces(7).
 * Invariants:
 *   power-agrees   a child that gave up users, capabilities and namespaces may do what it may do on
 *                  Linux, and sees itself and its files as there
 * Left out: access control lists, security modules, file system ids that differ from the effective
 *   ones (setfsuid(2)), immutable and append-only files.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type {
  Attributes,
  Credentials,
  Dentry,
  IdRange,
  Mount,
  Place,
  Process,
  UserNamespace,
} from "../state.ts";
import { refuse } from "../refusal.ts";

/** Bits of a wish, as in the mode. */
export const READ = 4;
/** To write. */
export const WRITE = 2;
/** To execute a file, or to pass through a directory. */
export const EXECUTE = 1;

/** What an id without a mapping reads as. */
export const OVERFLOW_ID = 65_534;

/** Whether credentials have a capability towards what a user namespace owns. */
export function isCapable(by: Credentials, over: UserNamespace, capability: string): boolean {
  for (let at: UserNamespace | undefined = over; at !== undefined; at = at.parent) {
    if (at === by.userNamespace) return by.effective.includes(capability);
    if (at.level <= by.userNamespace.level) return false;
    if (at.parent === by.userNamespace && at.ownerUid === by.uid) return true;
  }
  return false;
}

/** Whether credentials have a capability over the machine, not only over a user namespace. */
export function isCapableOfAll(by: Credentials, capability: string): boolean {
  return by.userNamespace.parent === undefined && by.effective.includes(capability);
}

/** @throws Refusal EPERM without the capability */
export function requireCapability(by: Credentials, over: UserNamespace, capability: string): void {
  if (!isCapable(by, over, capability)) refuse("EPERM");
}

/** The id that a user namespace has for one of the first namespace, or undefined. */
export function idInside(
  namespace: UserNamespace,
  kind: "uid" | "gid",
  id: number,
): number | undefined {
  if (namespace.parent === undefined) return id;
  const outside = idInside(namespace.parent, kind, id);
  if (outside === undefined) return undefined;
  const map: readonly IdRange[] = kind === "uid" ? namespace.uidMap : namespace.gidMap;
  const range = map.find((each) => outside >= each.outside && outside < each.outside + each.count);
  return range === undefined ? undefined : range.inside + outside - range.outside;
}

/** The id of the first namespace for one of this namespace, or undefined. */
export function idOutside(
  namespace: UserNamespace,
  kind: "uid" | "gid",
  id: number,
): number | undefined {
  if (namespace.parent === undefined) return id;
  const map: readonly IdRange[] = kind === "uid" ? namespace.uidMap : namespace.gidMap;
  const range = map.find((each) => id >= each.inside && id < each.inside + each.count);
  if (range === undefined) return undefined;
  return idOutside(namespace.parent, kind, range.outside + id - range.inside);
}

/** A capability over one inode: it needs a mapping of its owner too. */
export function isCapableOver(by: Credentials, attributes: Attributes, name: string): boolean {
  const { userNamespace } = by;
  return (
    isCapable(by, userNamespace, name) &&
    idInside(userNamespace, "uid", attributes.uid) !== undefined &&
    idInside(userNamespace, "gid", attributes.gid) !== undefined
  );
}

/** Whether credentials are in a group. */
export function isInGroup(by: Credentials, gid: number): boolean {
  return by.gid === gid || by.groups.includes(gid);
}

/** Whether somebody is the owner of an inode, or as good as. */
export function isOwner(by: Credentials, attributes: Attributes): boolean {
  return by.uid === attributes.uid || isCapableOver(by, attributes, "CAP_FOWNER");
}

/** @throws Refusal EACCES when the mode does not grant the wish */
export function checkMode(by: Credentials, attributes: Attributes, wish: number): void {
  const { mode, type } = attributes;
  const granted = bitsFor(by, attributes, mode);
  if ((granted & wish) === wish) return;
  const isDirectory = type === "directory";
  const looks = (wish & WRITE) === 0 && (isDirectory || (wish & EXECUTE) === 0);
  if (looks && isCapableOver(by, attributes, "CAP_DAC_READ_SEARCH")) return;
  // Root may execute a file only when somebody may.
  const overrules = isDirectory || (wish & EXECUTE) === 0 || (mode & 0o111) !== 0;
  if (overrules && isCapableOver(by, attributes, "CAP_DAC_OVERRIDE")) return;
  refuse("EACCES");
}

function bitsFor(by: Credentials, attributes: Attributes, mode: number): number {
  if (by.uid === attributes.uid) return (mode >> 6) & 7;
  return isInGroup(by, attributes.gid) ? (mode >> 3) & 7 : mode & 7;
}

/**
 * Whether a process may do something with what a dentry leads to.
 *
 * @throws Refusal EACCES, or EROFS for writing to a file system that is read-only
 */
export function checkAccess(process: Process, dentry: Dentry, wish: number): void {
  const attributes = dentry.fs.attributes(dentry);
  const isData = ["file", "directory", "symlink"].includes(attributes.type);
  if ((wish & WRITE) !== 0) {
    if (dentry.fs.readOnly && isData) refuse("EROFS");
    const { userNamespace } = dentry.fs;
    const isKnown =
      idInside(userNamespace, "uid", attributes.uid) !== undefined &&
      idInside(userNamespace, "gid", attributes.gid) !== undefined;
    if (!isKnown) refuse("EACCES");
  }
  checkMode(process.credentials, attributes, wish);
}

/** @throws Refusal EROFS when nothing may change through this mount */
export function checkWritable(mount: Mount): void {
  if (mount.options.readOnly || mount.fs.readOnly) refuse("EROFS");
}

/** @throws Refusal when a name may not be made here: EACCES, EROFS, EOVERFLOW, ENOENT */
export function checkMayCreate(process: Process, directory: Place): void {
  const { dentry } = directory;
  if (dentry.gone) refuse("ENOENT");
  const { uid, gid } = process.credentials;
  const { userNamespace } = dentry.fs;
  if (idInside(userNamespace, "uid", uid) === undefined) refuse("EOVERFLOW");
  if (idInside(userNamespace, "gid", gid) === undefined) refuse("EOVERFLOW");
  checkAccess(process, dentry, WRITE | EXECUTE);
}

/**
 * Whether a name may be taken away: rename(2), unlink(2), rmdir(2).
 *
 * @param as what the caller wants it to be: a directory or not
 * @throws Refusal EACCES, EPERM for the sticky bit, ENOTDIR, EISDIR
 */
export function checkMayDelete(process: Process, victim: Dentry, as: "directory" | "other"): void {
  const { parent } = victim;
  if (parent === undefined) return refuse("EBUSY");
  checkAccess(process, parent, WRITE | EXECUTE);
  const directory = parent.fs.attributes(parent);
  const attributes = victim.fs.attributes(victim);
  const by = process.credentials;
  const isSticky = (directory.mode & 0o1000) !== 0;
  const owns = by.uid === attributes.uid || by.uid === directory.uid;
  if (isSticky && !owns && !isCapableOver(by, attributes, "CAP_FOWNER")) refuse("EPERM");
  const isDirectory = attributes.type === "directory";
  if (as === "directory" && !isDirectory) refuse("ENOTDIR");
  if (as === "other" && isDirectory) refuse("EISDIR");
}
