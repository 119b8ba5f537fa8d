/**
 * Attributes: owners, modes, times and extended attributes.
 *
 * Ids are stored as the first user namespace numbers them and shown as the caller's does; an id
 * that has no number there is shown as 65534. Changing an owner takes set-id bits away, since the
 * new owner never asked for them.
 *
 * Kernel interface: stat(2), chmod(2), lchown(2), utimensat(2), xattr(7).
 * Invariants: none; property-tests/model-files.test.ts compares every errno.
 * Left out: access control lists (system.posix_acl_*), limits on the space of attributes.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { FileStat } from "../../port.ts";
import { refuse, refuseIf } from "../refusal.ts";
import type { Attributes, Place, Process } from "../state.ts";
import { attributesOf, withoutSetId } from "./open.ts";
import {
  checkAccess,
  checkWritable,
  idInside,
  idOutside,
  isCapableOfAll,
  isCapableOver,
  isInGroup,
  isOwner,
  OVERFLOW_ID,
  READ,
  WRITE,
} from "./permission.ts";
import { resolve } from "./walk.ts";

/** A place's description as its viewer's user namespace shows it. */
export function describe(process: Process, place: Place): FileStat {
  const attributes = attributesOf(place);
  const { userNamespace } = process.credentials;
  const [major, minor] = place.dentry.fs.device;
  return {
    type: attributes.type,
    mode: attributes.mode,
    hostUid: idInside(userNamespace, "uid", attributes.uid) ?? OVERFLOW_ID,
    hostGid: idInside(userNamespace, "gid", attributes.gid) ?? OVERFLOW_ID,
    sizeBytes: attributes.sizeBytes,
    mtimeMs: attributes.mtimeMs,
    inode: attributes.ino,
    device: (minor & 0xff) + major * 2 ** 8 + (minor & ~0xff) * 2 ** 12,
    links: attributes.links,
    rdevMajor: attributes.rdevMajor,
    rdevMinor: attributes.rdevMinor,
  };
}

/** Sets the permission bits. */
export function chmod(process: Process, path: string, permissions: number): void {
  chmodAt(process, resolve(process, path, "follow"), permissions);
}

/** Those of what was found already. */
export function chmodAt(process: Process, place: Place, permissions: number): void {
  checkWritable(place.mount);
  const attributes = attributesOf(place);
  const by = process.credentials;
  if (!isOwner(by, attributes)) refuse("EPERM");
  const mayHand = isInGroup(by, attributes.gid) || isCapableOver(by, attributes, "CAP_FSETID");
  const mode = permissions & (mayHand ? 0o7777 : 0o5777);
  place.dentry.fs.change(place.dentry, { mode });
}

/** Sets owner and group of the name itself. */
export function lchown(process: Process, path: string, owner: readonly [number, number]): void {
  chownAt(process, resolve(process, path, "keep"), owner);
}

/** Those of what was found already. */
export function chownAt(process: Process, place: Place, owner: readonly [number, number]): void {
  checkWritable(place.mount);
  const by = process.credentials;
  const uid = idOutside(by.userNamespace, "uid", owner[0]) ?? refuse("EINVAL");
  const gid = idOutside(by.userNamespace, "gid", owner[1]) ?? refuse("EINVAL");
  const attributes = attributesOf(place);
  const owns = by.uid === attributes.uid;
  const mayUser = owns && uid === attributes.uid;
  const mayGroup = owns && (gid === attributes.gid || isInGroup(by, gid));
  if (!(mayUser && mayGroup) && !isCapableOver(by, attributes, "CAP_CHOWN")) refuse("EPERM");
  const { fs } = place.dentry;
  fs.change(place.dentry, { uid, gid, mode: modeAfterChown(attributes) });
  if (attributes.type === "file") dropFileCapabilities(place);
}

function modeAfterChown({ type, mode }: Attributes): number {
  return type === "directory" ? mode : withoutSetId(mode);
}

function dropFileCapabilities({ dentry }: Place): void {
  if (!dentry.fs.listXattr(dentry).includes("security.capability")) return;
  dentry.fs.removeXattr(dentry, "security.capability");
}

/** Sets the modification time of the name itself. */
export function lutimes(process: Process, path: string, mtimeMs: number): void {
  utimesAt(process, resolve(process, path, "keep"), mtimeMs);
}

/** That of what was found already. */
export function utimesAt(process: Process, place: Place, mtimeMs: number): void {
  checkWritable(place.mount);
  if (!isOwner(process.credentials, attributesOf(place))) refuse("EPERM");
  place.dentry.fs.change(place.dentry, { mtimeMs });
}

/** The names of extended attributes that the caller may see. */
export function listXattr(process: Process, path: string): readonly string[] {
  return listXattrAt(process, resolve(process, path, "keep"));
}

/** Those of what was found already. */
export function listXattrAt(process: Process, { dentry }: Place): readonly string[] {
  const names = dentry.fs.listXattr(dentry).toSorted();
  return isPrivileged(process) ? names : names.filter((name) => !name.startsWith("trusted."));
}

/** One extended attribute. */
export function getXattr(process: Process, path: string, name: string): Uint8Array {
  return getXattrAt(process, resolve(process, path, "keep"), name);
}

/** That of what was found already. */
export function getXattrAt(process: Process, place: Place, name: string): Uint8Array {
  checkXattr(process, place, name, "get");
  return place.dentry.fs.getXattr(place.dentry, name)?.slice() ?? refuse("ENODATA");
}

/** Sets an extended attribute. */
export function setXattr(process: Process, path: string, name: string, value: Uint8Array): void {
  if (value.length > XATTR_MAX_BYTES) refuse("E2BIG");
  setXattrAt(process, resolve(process, path, "keep"), name, value);
}

/** Sets one of what was found already. */
export function setXattrAt(process: Process, place: Place, name: string, value: Uint8Array): void {
  if (value.length > XATTR_MAX_BYTES) refuse("E2BIG");
  checkWritable(place.mount);
  checkXattr(process, place, name, "set");
  place.dentry.fs.setXattr(place.dentry, name, value);
}

/** Removes an extended attribute. */
export function removeXattr(process: Process, path: string, name: string): void {
  const place = resolve(process, path, "keep");
  checkWritable(place.mount);
  checkXattr(process, place, name, "set");
  place.dentry.fs.removeXattr(place.dentry, name);
}

const XATTR_MAX_BYTES = 65_536;
const XATTR_NAME_MAX = 255;

function isPrivileged({ credentials }: Process): boolean {
  return isCapableOfAll(credentials, "CAP_SYS_ADMIN");
}

/** The rules of xattr(7): who may use which kind of name on which kind of file. */
function checkXattr(process: Process, place: Place, name: string, wish: "get" | "set"): void {
  refuseIf(name === "" || name.length > XATTR_NAME_MAX, "ERANGE");
  if (name.startsWith("trusted.")) {
    refuseIf(!isPrivileged(process), wish === "get" ? "ENODATA" : "EPERM");
  } else if (name.startsWith("security.")) {
    refuseIf(wish === "set" && !maySetSecurity(process, place, name), "EPERM");
  } else if (name.startsWith("user.")) {
    checkUserXattr(process, place, wish);
  } else {
    refuse("EOPNOTSUPP");
  }
}

/** user.* is for what has contents of its own, by its permissions. */
function checkUserXattr(process: Process, place: Place, wish: "get" | "set"): void {
  const attributes = attributesOf(place);
  const { type, mode } = attributes;
  refuseIf(type !== "file" && type !== "directory", wish === "get" ? "ENODATA" : "EPERM");
  const isSticky = type === "directory" && (mode & 0o1000) !== 0;
  const isOwned = isOwner(process.credentials, attributes);
  refuseIf(isSticky && wish === "set" && !isOwned, "EPERM");
  checkAccess(process, place.dentry, wish === "get" ? READ : WRITE);
}

function maySetSecurity(process: Process, place: Place, name: string): boolean {
  if (name !== "security.capability") return isPrivileged(process);
  return isCapableOver(process.credentials, attributesOf(place), "CAP_SETFCAP");
}
