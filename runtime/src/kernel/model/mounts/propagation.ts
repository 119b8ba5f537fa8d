/**
 * Propagation: what is mounted on one mount appears on its peers and their slaves.
 *
 * ```text
 *   group 1:  A ══ B          what is mounted on A appears on B, and the reverse
 *              ╲
 *   group 2:    C ══ D        and on C and D, slaves of group 1; what C gets, D gets,
 *                ╲            but A and B do not
 *                 E           a slave of group 2 that is in no group
 * ```
 *
 * The copies stand to each other as their mounts do: peers on peers, slaves on slaves, so that what
 * is mounted on the new mount travels the same ways. A mount that shows only part of a tree takes
 * no part in what happens outside of it.
 *
 * Kernel interface: mount_namespaces(7); kernel documentation, filesystems/sharedsubtree.rst.
 * Invariants:
 *   propagation-agrees   the tables of peers and slaves are those of the real kernel, after every
 *                        step of a random program of mounts
 *   propagation-by-type  what is mounted below a private mount stays in its namespace, peers always
 *                        agree, slaves only receive
 * Left out: nothing that mount(2) can reach.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type {
  Dentry,
  Mount,
  MountNamespace,
  MountOptions,
  PeerGroup,
  Place,
  World,
} from "../state.ts";
import {
  copyTree,
  drop,
  hang,
  isBelow,
  joinGroup,
  leaveGroup,
  treeOf,
  unhang,
  type CopyRule,
} from "./table.ts";

/** A copied mount is in the group of its original, and has its master. */
export function peerRule(world: World, keepsUnbindable: boolean): CopyRule {
  return {
    keepsUnbindable,
    relate: (copy, original) => {
      copy.master = original.master;
      if (original.peers !== undefined) joinGroup(world, copy, original.peers);
    },
  };
}

/** A copied mount is a slave of its original's group. */
export function slaveRule(world: World, how: { readonly isShared: boolean }): CopyRule {
  return {
    keepsUnbindable: true,
    relate: (copy, original) => {
      copy.master = original.peers ?? original.master;
      if (how.isShared) joinGroup(world, copy);
    },
  };
}

/** One mount that gets a copy. */
interface Delivery {
  readonly to: Mount;
  readonly copy: Mount;
}

/** Hangs a tree on a place, and copies of it wherever the place's mount propagates to. */
export function attach(world: World, tree: Mount, at: Place): void {
  const { peers, namespace } = at.mount;
  const deliveries: Delivery[] = [];
  if (peers !== undefined) {
    for (const each of treeOf(tree)) joinGroup(world, each);
    deliver(world, { group: peers, except: at.mount, original: tree, deliveries }, at.dentry);
  }
  hang(tree, at);
  enterNamespace(tree, namespace);
  for (const { to, copy } of deliveries) {
    hang(copy, { mount: to, dentry: at.dentry });
    enterNamespace(copy, to.namespace);
    if (to.namespace?.owner !== namespace?.owner) lockTree(copy);
    copy.locked = false;
  }
}

/** What came from a more privileged namespace can only be taken away as a whole. */
export function lockTree(tree: Mount): void {
  for (const each of treeOf(tree)) {
    each.locked = true;
    each.lockedOptions = { ...each.options, ...trueOptions(each.lockedOptions) };
  }
}

/** What was locked before stays locked. */
function trueOptions(options: MountOptions | undefined): Partial<MountOptions> {
  const set = Object.entries(options ?? {}).filter(([, value]) => value === true);
  return Object.fromEntries(set);
}

function enterNamespace(tree: Mount, namespace: MountNamespace | undefined): void {
  for (const each of treeOf(tree)) if (each.namespace === undefined) each.namespace = namespace;
}

/** A group that gets copies of an original, which hangs on one of its mounts or above. */
interface Round {
  readonly group: PeerGroup;
  readonly except: Mount | undefined;
  readonly original: Mount;
  readonly deliveries: Delivery[];
}

function deliver(world: World, round: Round, dentry: Dentry): void {
  const { group, except, original, deliveries } = round;
  // What hangs nowhere yet, the original among them, gets nothing.
  const members = [...group.members].filter(({ namespace }) => namespace !== undefined);
  for (const to of members) {
    if (to === except || !isBelow(dentry, to.root)) continue;
    deliveries.push({ to, copy: copyTree(world, original, original.root, peerRule(world, true)) });
  }
  const slaves = [...world.mounts].filter(
    ({ master, namespace }) => master === group && namespace !== undefined,
  );
  for (const slave of slaves.filter(({ peers }) => peers === undefined)) {
    if (!isBelow(dentry, slave.root)) continue;
    const rule = slaveRule(world, { isShared: false });
    deliveries.push({ to: slave, copy: copyTree(world, original, original.root, rule) });
  }
  for (const below of new Set(slaves.flatMap(({ peers }) => peers ?? []))) {
    const first = slaves.find(({ peers, root }) => peers === below && isBelow(dentry, root));
    let source = original;
    if (first !== undefined) {
      const rule = slaveRule(world, { isShared: true });
      source = copyTree(world, original, original.root, rule);
      deliveries.push({ to: first, copy: source });
    }
    deliver(world, { group: below, except: first, original: source, deliveries }, dentry);
  }
}

/** Every mount that learns of what happens on a mount, without that mount itself. */
export function receiversOf(world: World, mount: Mount): readonly Mount[] {
  const found = new Set<Mount>();
  const visit = (group: PeerGroup): void => {
    for (const member of group.members) found.add(member);
    for (const each of world.mounts) {
      if (each.master !== group || found.has(each)) continue;
      found.add(each);
      if (each.peers !== undefined) visit(each.peers);
    }
  };
  if (mount.peers !== undefined) visit(mount.peers);
  found.delete(mount);
  return [...found];
}

/** The copies of a mount that propagation made: what hangs on the same dentry of the receivers. */
export function copiesOf(world: World, mount: Mount): readonly Mount[] {
  const { parent, mountpoint } = mount;
  if (parent === undefined || mountpoint === undefined) return [];
  return receiversOf(world, parent).flatMap((each) => each.children.get(mountpoint) ?? []);
}

/**
 * Takes a mount away, with what hangs on it if that is given too, and their copies where nothing
 * else hangs on these. What covers the root of such a copy slides down to its place.
 */
export function detach(world: World, mounts: readonly Mount[]): void {
  const [top] = mounts;
  // Who takes a mount away by itself shows what is below anyway: the lock on its copies is void.
  for (const copy of top === undefined ? [] : copiesOf(world, top)) copy.locked = false;
  const going = new Set(mounts);
  const candidates = new Set(mounts.flatMap((mount) => copiesOf(world, mount)));
  for (const mount of mounts) candidates.delete(mount);
  const stays = (child: Mount): boolean => !going.has(child) && !candidates.has(child);
  for (let before = -1; before !== candidates.size;) {
    before = candidates.size;
    for (const each of candidates) {
      const kept = [...each.children.values()].filter(stays);
      const isHeld = kept.some(({ mountpoint }) => mountpoint !== each.root);
      if (isHeld || isLockedTo(each, stays)) candidates.delete(each);
    }
  }
  for (const each of candidates) slideCover(each, stays);
  for (const each of [...going, ...candidates]) drop(world, each);
}

function isLockedTo(mount: Mount, stays: (parent: Mount) => boolean): boolean {
  return mount.locked && mount.parent !== undefined && stays(mount.parent);
}

function slideCover(mount: Mount, stays: (child: Mount) => boolean): void {
  const cover = mount.children.get(mount.root);
  const { parent, mountpoint } = mount;
  if (cover === undefined || !stays(cover)) return;
  if (parent === undefined || mountpoint === undefined) return;
  unhang(cover);
  unhang(mount);
  hang(cover, { mount: parent, dentry: mountpoint });
}

/** The four types of propagation, as mount(2) sets them. */
export type PropagationType = "MS_SHARED" | "MS_SLAVE" | "MS_PRIVATE" | "MS_UNBINDABLE";

/** Changes what a mount passes on and receives. */
export function changePropagation(world: World, mount: Mount, type: PropagationType): void {
  if (type === "MS_SHARED") {
    joinGroup(world, mount);
    return;
  }
  const group = mount.peers;
  leaveGroup(world, mount);
  // The only member of a group has nobody to be a slave of but the group's own master.
  if (group !== undefined && group.members.size > 0) mount.master = group;
  if (type === "MS_SLAVE") return;
  mount.master = undefined;
  mount.unbindable = type === "MS_UNBINDABLE";
}
