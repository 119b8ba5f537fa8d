/**
 * Mount table: what is mounted where.
 *
 * A mount hangs on a dentry of another mount. On one such place hangs at most one: what is mounted
 * later hangs on the root of what is there, and what arrives by propagation slides in below. The
 * table of a namespace is a tree, and a copied namespace is a copied tree.
 *
 * Kernel interface: mount_namespaces(7), proc_pid_mountinfo(5).
 * Invariants: none; property-tests/model-mounts.test.ts compares tables.
 * Left out: mounts that expire, mounts that were made but not attached (fsmount(2)).
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { releaseNetwork } from "../net/devices.ts";
import {
  nextNumber,
  type Dentry,
  type FileSystem,
  type Mount,
  type MountNamespace,
  type MountOptions,
  type PeerGroup,
  type Place,
  type World,
} from "../state.ts";

/** What mount(2) gives a new mount when no flag says otherwise. */
export const DEFAULT_OPTIONS: MountOptions = {
  readOnly: false,
  noSuid: false,
  noDev: false,
  noExec: false,
  atime: "relatime",
};

/** What a mount shows, and how. */
export interface MountWhat {
  readonly fs: FileSystem;
  readonly root: Dentry;
  readonly source: string;
  readonly options: MountOptions;
}

/** A mount that no table knows: the kernel's own, or one before it is counted. */
export function unlistedMount(id: number, what: MountWhat): Mount {
  return {
    id,
    ...what,
    parent: undefined,
    mountpoint: undefined,
    children: new Map(),
    namespace: undefined,
    peers: undefined,
    master: undefined,
    unbindable: false,
    locked: false,
    lockedOptions: undefined,
  };
}

/** Makes a mount that hangs nowhere yet. */
export function createMount(world: World, what: MountWhat): Mount {
  const mount = unlistedMount(nextNumber(world, "mount", 1), what);
  world.mounts.add(mount);
  what.fs.mounts.add(mount);
  return mount;
}

/** Hangs a mount on a place; what hung there comes to hang on the mount's root. */
export function hang(mount: Mount, at: Place): void {
  const covered = at.mount.children.get(at.dentry);
  mount.parent = at.mount;
  mount.mountpoint = at.dentry;
  at.mount.children.set(at.dentry, mount);
  if (covered !== undefined) hang(covered, topOf(mount));
}

/** The root of the last of the mounts that cover each other's roots. */
function topOf(mount: Mount): Place {
  let at = mount;
  for (;;) {
    const over = at.children.get(at.root);
    if (over === undefined) return { mount: at, dentry: at.root };
    at = over;
  }
}

/** Takes a mount from its place, with what hangs on it. */
export function unhang(mount: Mount): void {
  if (mount.parent === undefined || mount.mountpoint === undefined) return;
  mount.parent.children.delete(mount.mountpoint);
  mount.parent = undefined;
  mount.mountpoint = undefined;
}

/** A mount and everything that hangs on it, the parent before its children. */
export function treeOf(mount: Mount): readonly Mount[] {
  return [mount, ...[...mount.children.values()].flatMap(treeOf)];
}

/** How the copy of a tree relates to its original. */
export interface CopyRule {
  /** Whether unbindable mounts are copied too: only with the whole namespace. */
  readonly keepsUnbindable: boolean;
  /** What a copied mount is to the one that it was copied from. */
  relate(copy: Mount, original: Mount): void;
}

/** Copies a tree, or the part below a dentry of its root; the copy hangs nowhere yet. */
export function copyTree(world: World, mount: Mount, root: Dentry, rule: CopyRule): Mount {
  const copy = copyMount(world, mount, root, rule);
  for (const child of mount.children.values()) {
    const { mountpoint } = child;
    if (mountpoint === undefined || !isBelow(mountpoint, root)) continue;
    if (child.unbindable && !rule.keepsUnbindable) continue;
    hang(copyTree(world, child, child.root, rule), { mount: copy, dentry: mountpoint });
  }
  return copy;
}

/** Copies one mount. */
export function copyMount(world: World, mount: Mount, root: Dentry, rule: CopyRule): Mount {
  const { fs, source, options } = mount;
  const copy = createMount(world, { fs, root, source, options });
  copy.locked = mount.locked;
  copy.lockedOptions = mount.lockedOptions;
  rule.relate(copy, mount);
  return copy;
}

/** Whether a dentry is another one or below it. */
export function isBelow(dentry: Dentry, top: Dentry): boolean {
  for (let at: Dentry | undefined = dentry; at !== undefined; at = at.parent) {
    if (at === top) return true;
  }
  return false;
}

/** Whether something of a namespace is mounted on a dentry. */
export function isLocalMountpoint(namespace: MountNamespace, dentry: Dentry): boolean {
  for (const mount of dentry.fs.mounts) {
    if (mount.children.get(dentry)?.namespace === namespace) return true;
  }
  return false;
}

/** What other namespaces have mounted on a dentry goes when its name goes. */
export function detachAt(world: World, dentry: Dentry): void {
  for (const mount of dentry.fs.mounts) {
    const child = mount.children.get(dentry);
    if (child !== undefined) dropTree(world, child);
  }
}

/** Takes a tree out of its table; who stands in it stays there. */
export function dropTree(world: World, mount: Mount): void {
  const dropped = treeOf(mount);
  unhang(mount);
  for (const each of dropped) drop(world, each);
}

/** Takes one mount out of the table. Children that are locked to it stay on it. */
export function drop(world: World, mount: Mount): void {
  for (const child of mount.children.values()) if (!child.locked) unhang(child);
  unhang(mount);
  leaveGroup(world, mount);
  mount.master = undefined;
  mount.namespace = undefined;
  world.mounts.delete(mount);
  mount.fs.mounts.delete(mount);
  const { inode } = mount.root;
  const held = inode.kind === "generated" ? inode.does.namespace : undefined;
  if (held?.kind === "net") releaseNetwork(world, held);
}

/** Makes a mount a member of a group, a new one by default. */
export function joinGroup(world: World, mount: Mount, group?: PeerGroup): void {
  if (mount.peers !== undefined) return;
  mount.peers = group ?? { id: freeGroupId(world), members: new Set() };
  mount.peers.members.add(mount);
  mount.unbindable = false;
}

/** The last one to leave hands the group's slaves on to its own master. */
export function leaveGroup(world: World, mount: Mount): void {
  const group = mount.peers;
  if (group === undefined) return;
  group.members.delete(mount);
  mount.peers = undefined;
  if (group.members.size > 0) return;
  for (const each of world.mounts) if (each.master === group) each.master = mount.master;
}

function freeGroupId(world: World): number {
  const used = new Set([...world.mounts].map(({ peers }) => peers?.id));
  let id = 1;
  while (used.has(id)) id += 1;
  return id;
}
