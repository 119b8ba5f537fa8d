/**
 * Names: making, removing and moving them.
 *
 * Every one of these calls changes a directory, not the file that the name is for. So all of them
 * begin alike: walk to the directory, look the last name up, and ask whether the directory may be
 * changed. What differs is the order in which Linux finds fault, and callers rely on it: mkdir(2)
 * of an existing name on a read-only file system is EEXIST, of a new one EROFS.
 *
 * Kernel interface: mkdir(2), rmdir(2), unlink(2), rename(2), link(2), symlink(2), mknod(2).
 * Invariants: none; property-tests/model-files.test.ts compares every errno.
 * Left out: renameat2(2) with its flags, limits on links and on symbolic links in sticky
 *   directories.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { DeviceNode } from "../../port.ts";
import { detachAt, isBelow, isLocalMountpoint } from "../mounts/table.ts";
import { refuse, refuseIf } from "../refusal.ts";
import type { Dentry, FileType, Place, Process } from "../state.ts";
import {
  checkAccess,
  checkMayCreate,
  checkMayDelete,
  checkMode,
  checkWritable,
  isCapableOfAll,
  isOwner,
  READ,
  WRITE,
} from "./permission.ts";
import { lookupName, resolve, resolveLast, typeOf } from "./walk.ts";

const PATH_MAX_BYTES = 4096;

/** Where a new name may be made. */
interface Vacancy {
  readonly directory: Place;
  readonly name: string;
}

function findVacancy(process: Process, path: string, type: FileType): Vacancy {
  const { directory, kind, name, slashes } = resolveLast(process, path);
  if (kind !== "name") refuse("EEXIST");
  const isTaken = lookupName(process, directory.dentry, name) !== undefined;
  if (isTaken) refuse("EEXIST");
  if (slashes && type !== "directory") refuse("ENOENT");
  checkWritable(directory.mount);
  return { directory, name };
}

interface Making {
  readonly type: FileType;
  readonly mode: number;
  readonly target?: string;
  readonly device?: Pick<DeviceNode, "major" | "minor">;
}

function make(process: Process, path: string, making: Making): Dentry {
  const { directory, name } = findVacancy(process, path, making.type);
  checkMayCreate(process, directory);
  const { type, device } = making;
  const isNode = type === "char" || type === "block";
  // A whiteout, 0:0, is no device: anybody may make one.
  const isWhiteout = type === "char" && device?.major === 0 && device.minor === 0;
  if (isNode && !isWhiteout) requireDevicePower(process);
  const { uid, gid } = process.credentials;
  const { dentry } = directory;
  return dentry.fs.create(dentry, name, { ...making, uid, gid }, process);
}

/** Devices are the machine's: a capability in a user namespace does not make one. */
function requireDevicePower({ credentials }: Process): void {
  if (!isCapableOfAll(credentials, "CAP_MKNOD")) refuse("EPERM");
}

/** Makes a directory. */
export function mkdir(process: Process, path: string, permissions: number): void {
  const made = make(process, path, { type: "directory", mode: permissions & 0o1777 });
  // The port promises the bits exactly, and mkdir(2) ignores the set-id ones.
  if ((permissions & 0o7000) !== 0) made.fs.change(made, { mode: permissions & 0o7777 });
}

/** Makes a symbolic link. */
export function symlink(process: Process, target: string, path: string): void {
  if (target === "") refuse("ENOENT");
  if (new TextEncoder().encode(target).length >= PATH_MAX_BYTES) refuse("ENAMETOOLONG");
  make(process, path, { type: "symlink", mode: 0o777, target });
}

/** Makes a device node or fifo. */
export function mknod(process: Process, path: string, device: DeviceNode): void {
  make(process, path, { type: device.type, mode: device.permissions & 0o7777, device });
}

/** Gives an inode a second name. */
export function link(process: Process, existing: string, path: string): void {
  const source = resolve(process, existing, "keep");
  const { directory, name } = findVacancy(process, path, "file");
  if (source.mount !== directory.mount) refuse("EXDEV");
  checkMayLink(process, source);
  checkMayCreate(process, directory);
  if (typeOf(source.dentry) === "directory") refuse("EPERM");
  if (source.dentry.gone) refuse("ENOENT");
  source.dentry.fs.link(source.dentry, directory.dentry, name);
}

/** protected_hardlinks: only what one owns, or could read and write, may get another name. */
function checkMayLink(process: Process, { dentry }: Place): void {
  const by = process.credentials;
  const attributes = dentry.fs.attributes(dentry);
  if (isOwner(by, attributes)) return;
  const isPlain = attributes.type === "file" && (attributes.mode & 0o4000) === 0;
  if (!isPlain || (attributes.mode & 0o2010) === 0o2010) refuse("EPERM");
  try {
    checkMode(by, attributes, READ | WRITE);
  } catch {
    refuse("EPERM");
  }
}

/** Removes a name that is not a directory's. */
export function unlink(process: Process, path: string): void {
  const { directory, kind, name, slashes } = resolveLast(process, path);
  if (kind !== "name") refuse("EISDIR");
  checkWritable(directory.mount);
  const victim = lookupName(process, directory.dentry, name) ?? refuse("ENOENT");
  if (slashes) refuse(typeOf(victim) === "directory" ? "EISDIR" : "ENOTDIR");
  checkMayDelete(process, victim, "other");
  if (isLocalMountpoint(process.namespaces.mnt, victim)) refuse("EBUSY");
  victim.fs.unlink(victim);
  detachAt(process.world, victim);
}

/** Removes an empty directory. */
export function rmdir(process: Process, path: string): void {
  const { directory, kind, name } = resolveLast(process, path);
  if (kind === "dotdot") refuse("ENOTEMPTY");
  if (kind === "dot") refuse("EINVAL");
  if (kind === "root") refuse("EBUSY");
  checkWritable(directory.mount);
  const victim = lookupName(process, directory.dentry, name) ?? refuse("ENOENT");
  checkMayDelete(process, victim, "directory");
  if (isLocalMountpoint(process.namespaces.mnt, victim)) refuse("EBUSY");
  victim.fs.rmdir(victim);
  detachAt(process.world, victim);
}

/** Moves a name, replacing what is there. */
export function rename(process: Process, from: string, to: string): void {
  const old = resolveLast(process, from);
  const fresh = resolveLast(process, to);
  refuseIf(old.directory.mount !== fresh.directory.mount, "EXDEV");
  refuseIf(old.kind !== "name" || fresh.kind !== "name", "EBUSY");
  checkWritable(old.directory.mount);
  const source = lookupName(process, old.directory.dentry, old.name) ?? refuse("ENOENT");
  const target = lookupName(process, fresh.directory.dentry, fresh.name);
  const asksDirectory = old.slashes || fresh.slashes;
  refuseIf(typeOf(source) !== "directory" && asksDirectory, "ENOTDIR");
  refuseIf(isBelow(fresh.directory.dentry, source), "EINVAL");
  if (target !== undefined) {
    refuseIf(isBelow(old.directory.dentry, target), "ENOTEMPTY");
    if (isSameFile(source, target)) return;
  }
  checkMove(process, source, fresh.directory, target);
  source.fs.rename(source, fresh.directory.dentry, fresh.name, target);
  if (target !== undefined) detachAt(process.world, target);
  detachAt(process.world, source);
}

function isSameFile(a: Dentry, b: Dentry): boolean {
  return a.fs.identity(a) === b.fs.identity(b);
}

function checkMove(
  process: Process,
  source: Dentry,
  directory: Place,
  target: Dentry | undefined,
): void {
  const as = typeOf(source) === "directory" ? "directory" : "other";
  checkMayDelete(process, source, as);
  if (target === undefined) checkMayCreate(process, directory);
  else checkMayDelete(process, target, as);
  // A directory that moves gets another `..`, which is written into it.
  if (as === "directory" && directory.dentry !== source.parent) {
    checkAccess(process, source, WRITE);
  }
  const { mnt } = process.namespaces;
  if (isLocalMountpoint(mnt, source)) refuse("EBUSY");
  if (target !== undefined && isLocalMountpoint(mnt, target)) refuse("EBUSY");
}
