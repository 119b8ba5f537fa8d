/**
 * Mount calls: mount(2) and umount2(2).
 *
 * mount(2) is six calls in one, told apart by flags: a new file system, a bind, a remount of a
 * mount or of a file system, a change of propagation, a move. Each finds fault in its own order.
 *
 * Kernel interface: mount(2), umount2(2), mount_namespaces(7), user_namespaces(7).
 * Invariants: none; property-tests/model-mounts.test.ts compares errnos and tables.
 * Left out: MNT_FORCE, MNT_EXPIRE, quotas; remounting read-only is never refused for an open file,
 *   since no file stays open.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { MountCall, MountFlag } from "../../port.ts";
import { isCapable } from "../files/permission.ts";
import { across, resolve } from "../files/walk.ts";
import { refuse, refuseIf } from "../refusal.ts";
import type { Mount, MountOptions, Place, Process, World } from "../state.ts";
import { createFileSystem } from "./file-system-types.ts";
import {
  attach,
  changePropagation,
  copiesOf,
  detach,
  peerRule,
  type PropagationType,
} from "./propagation.ts";
import {
  copyMount,
  copyTree,
  createMount,
  DEFAULT_OPTIONS,
  isBelow,
  treeOf,
  unhang,
} from "./table.ts";

/** mount(2). */
export function mount(process: Process, call: MountCall): void {
  const at = resolve(process, call.target, "follow");
  if (!mayMount(process)) refuse("EPERM");
  const has = (flag: MountFlag): boolean => call.flags.includes(flag);
  if (has("MS_REMOUNT")) return remount(process, at, call);
  // What comes is mounted over all that is there, also where the path leads below it.
  const top = across(at);
  if (has("MS_BIND")) return bind(process, top, call);
  if (call.flags.some(isPropagation)) return changeType(process, at, call);
  if (has("MS_MOVE")) return move(process, top, call);
  return mountNew(process, top, call);
}

/** Whether a process may change its mount table at all. */
export function mayMount(process: Process): boolean {
  return isCapable(process.credentials, process.namespaces.mnt.owner, "CAP_SYS_ADMIN");
}

function isPropagation(flag: MountFlag): flag is PropagationType {
  return ["MS_SHARED", "MS_SLAVE", "MS_PRIVATE", "MS_UNBINDABLE"].includes(flag);
}

/** Whether a mount is in the process's own table. */
export function isOwn(process: Process, { namespace }: Mount): boolean {
  return namespace === process.namespaces.mnt;
}

/** Whether a place is the root of what is mounted there. */
export function isMountRoot({ mount: at, dentry }: Place): boolean {
  return at.root === dentry;
}

function optionsOf(flags: readonly MountFlag[]): MountOptions {
  const has = (flag: MountFlag): boolean => flags.includes(flag);
  const noAtime = has("MS_NOATIME") ? "noatime" : "relatime";
  return {
    readOnly: has("MS_RDONLY"),
    noSuid: has("MS_NOSUID"),
    noDev: has("MS_NODEV"),
    noExec: has("MS_NOEXEC"),
    atime: has("MS_STRICTATIME") ? "strictatime" : noAtime,
  };
}

/** A lock on flags: restrictions may be added, what came with the mount stays. */
function checkLocked({ options, lockedOptions }: Mount, wish: MountOptions): void {
  if (lockedOptions === undefined) return;
  const keys = ["readOnly", "noSuid", "noDev", "noExec"] as const;
  refuseIf(
    keys.some((key) => lockedOptions[key] && !wish[key]),
    "EPERM",
  );
  refuseIf(options.atime !== wish.atime, "EPERM");
}

function remount(process: Process, at: Place, call: MountCall): void {
  const { mount: target } = at;
  const { fs } = target;
  const isBind = call.flags.includes("MS_BIND");
  if (!isOwn(process, target) || !isMountRoot(at)) refuse("EINVAL");
  const asked = optionsOf(call.flags);
  const atimes: readonly MountFlag[] = ["MS_NOATIME", "MS_RELATIME", "MS_STRICTATIME"];
  const keepsAtime = !call.flags.some((flag) => atimes.includes(flag));
  const wish = keepsAtime ? { ...asked, atime: target.options.atime } : asked;
  checkLocked(target, wish);
  if (!isBind) {
    if (!isCapable(process.credentials, fs.userNamespace, "CAP_SYS_ADMIN")) refuse("EPERM");
    fs.reconfigure(call.data);
    fs.readOnly = wish.readOnly;
  }
  target.options = wish;
}

function bind(process: Process, at: Place, call: MountCall): void {
  const { world } = process;
  if (call.source === "") refuse("EINVAL");
  const from = resolve(process, call.source, "follow");
  checkThere(at);
  if (from.mount.unbindable) refuse("EINVAL");
  const { inode } = from.dentry;
  const isNamespace = inode.kind === "generated" && inode.does.namespace !== undefined;
  refuseIf(!(isNamespace || isOwn(process, from.mount)) || !isOwn(process, at.mount), "EINVAL");
  const rule = peerRule(world, false);
  const isRecursive = call.flags.includes("MS_REC");
  if (!isRecursive && hasLockedBelow(from)) refuse("EINVAL");
  checkShape(at, from.dentry);
  const copy = isRecursive
    ? copyTree(world, from.mount, from.dentry, rule)
    : copyMount(world, from.mount, from.dentry, rule);
  copy.locked = false;
  attach(world, copy, at);
}

/** What a locked mount hides must not come to light through a bind without it. */
function hasLockedBelow({ mount: from, dentry }: Place): boolean {
  return [...from.children.values()].some(
    ({ locked, mountpoint }) => locked && mountpoint !== undefined && isBelow(mountpoint, dentry),
  );
}

/** Nothing is mounted on a name that is gone, nor in a tree that was taken away. */
function checkThere({ mount: under, dentry }: Place): void {
  refuseIf(dentry.gone || under.namespace === undefined, "ENOENT");
}

/** A directory goes on a directory, anything else on anything else. */
function checkShape(at: Place, root: Place["dentry"]): void {
  const isDirectory = root.inode.type === "directory";
  if ((at.dentry.inode.type === "directory") !== isDirectory) refuse("ENOTDIR");
}

function changeType(process: Process, at: Place, call: MountCall): void {
  const [type, ...more] = call.flags.filter(isPropagation);
  const allowed = call.flags.every((flag) => flag === "MS_REC" || isPropagation(flag));
  if (type === undefined || more.length > 0 || !allowed) return refuse("EINVAL");
  if (!isMountRoot(at) || !isOwn(process, at.mount)) refuse("EINVAL");
  const mounts = call.flags.includes("MS_REC") ? treeOf(at.mount) : [at.mount];
  for (const each of mounts) changePropagation(process.world, each, type);
}

function move(process: Process, at: Place, call: MountCall): void {
  if (call.source === "") refuse("EINVAL");
  const from = resolve(process, call.source, "follow");
  checkMove(process, from, at);
  unhang(from.mount);
  attach(process.world, from.mount, at);
}

function checkMove(process: Process, from: Place, at: Place): void {
  const { mount: moved } = from;
  refuseIf(!isOwn(process, moved), "EINVAL");
  checkThere(at);
  refuseIf(!isOwn(process, at.mount), "EINVAL");
  refuseIf(!isMountRoot(from) || moved.parent === undefined || moved.locked, "EINVAL");
  const isDirectory = (place: Place): boolean => place.dentry.inode.type === "directory";
  refuseIf(isDirectory(from) !== isDirectory(at), "EINVAL");
  // What propagates would have to be taken back where it went: not done.
  refuseIf(moved.parent?.peers !== undefined, "EINVAL");
  const hasUnbindable = treeOf(moved).some(({ unbindable }) => unbindable);
  refuseIf(at.mount.peers !== undefined && hasUnbindable, "EINVAL");
  for (let above: Mount | undefined = at.mount; above !== undefined; above = above.parent) {
    refuseIf(above === moved, "ELOOP");
  }
}

function mountNew(process: Process, at: Place, call: MountCall): void {
  const { world } = process;
  if (call.fstype === "") refuse("EINVAL");
  const { fs, root } = createFileSystem(process, call);
  checkThere(at);
  if (!isOwn(process, at.mount)) refuse("EINVAL");
  if (at.mount.fs === fs && isMountRoot(at)) refuse("EBUSY");
  checkShape(at, root);
  const options = { ...DEFAULT_OPTIONS, ...optionsOf(call.flags) };
  const { source } = call;
  attach(world, createMount(world, { fs, root, source, options }), at);
}

/** umount2(2). */
export function umount(process: Process, target: string, how: "now" | "detach"): void {
  const { world } = process;
  const at = across(resolve(process, target, "follow"));
  if (!mayMount(process)) refuse("EPERM");
  const { mount: going } = at;
  refuseIf(!isMountRoot(at) || !isOwn(process, going) || going.locked, "EINVAL");
  if (going === process.root.mount && how === "now") return closeRoot(process, going);
  refuseIf(going.parent === undefined, "EINVAL");
  if (how === "detach") return detach(world, treeOf(going));
  refuseIf(isBusy(world, going), "EBUSY");
  return detach(world, [going]);
}

/** "Unmounting" the root has always meant to make it read-only. */
function closeRoot(process: Process, { fs }: Mount): void {
  if (!isCapable(process.credentials, fs.userNamespace, "CAP_SYS_ADMIN")) refuse("EPERM");
  fs.readOnly = true;
}

/** Whether somebody stands in a mount or something hangs on it, here or on an only copy. */
function isBusy(world: World, mount: Mount): boolean {
  if (mount.children.size > 0 || isStoodIn(world, mount)) return true;
  return copiesOf(world, mount).some((copy) => {
    const isCovered = copy.children.size === 1 && copy.children.has(copy.root);
    return (copy.children.size === 0 || isCovered) && isStoodIn(world, copy);
  });
}

function isStoodIn(world: World, mount: Mount): boolean {
  for (const { cwd, root, status } of world.processes.values()) {
    if (status === undefined && (cwd.mount === mount || root.mount === mount)) return true;
  }
  return false;
}
