/**
 * Namespaces: leaving them for new ones, and entering those of others.
 *
 * A user namespace comes first, since it gives the power to make the rest. A PID namespace changes
 * nothing for the caller, only for its children. A new mount namespace is a copy of the whole
 * table; owned by another user namespace it only receives what is mounted outside, and what it came
 * with cannot be taken apart.
 *
 * Kernel interface: unshare(2), setns(2), namespaces(7), user_namespaces(7), mount_namespaces(7).
 * Invariants:
 *   pid-namespaces-agree   processes have the numbers and the parents that they have on Linux, seen
 *                          from every namespace, and end with the first one of theirs
 * Left out: limits on the number and depth of namespaces; offsets of time namespaces.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { HeldRoot, NamespaceFlag, Self, UserNamespaceMaps } from "../../port.ts";
import { isCapable } from "../files/permission.ts";
import { across, resolve } from "../files/walk.ts";
import { lockTree, peerRule, slaveRule } from "../mounts/propagation.ts";
import { copyTree, drop, treeOf } from "../mounts/table.ts";
import { createNetNamespace, releaseNetwork } from "../net/devices.ts";
import { checkRanges } from "../pseudo/process-text.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import {
  nextNumber,
  type Credentials,
  type MountNamespace,
  type Namespace,
  type Namespaces,
  type PidNamespace,
  type Place,
  type Process,
  type UserNamespace,
  type World,
} from "../state.ts";
import { fullCredentials } from "./credentials.ts";
import { namespaceInode } from "./namespace-inode.ts";

const FIRST_HELD = 20;

/** Flags, the files of /proc/PID/ns and the kinds; in the order in which Linux enters them. */
const KINDS: Readonly<Record<NamespaceFlag, Namespace["kind"]>> = {
  CLONE_NEWUSER: "user",
  CLONE_NEWCGROUP: "cgroup",
  CLONE_NEWUTS: "uts",
  CLONE_NEWIPC: "ipc",
  CLONE_NEWPID: "pid",
  CLONE_NEWNET: "net",
  CLONE_NEWTIME: "time",
  CLONE_NEWNS: "mnt",
};

/** The calls of a process about its namespaces. */
export function modelNamespaces(
  process: Process,
): Pick<Self, "unshare" | "joinNamespaces" | "joinNamespacePath" | "joinUserNamespace"> {
  return {
    unshare: (flags) => call("unshare", flags.join("|"), () => unshare(process, flags)),
    joinNamespaces: (hostPid, flags) =>
      call("setns", `/proc/${hostPid}/ns`, () => joinAll(process, hostPid, flags)),
    joinNamespacePath: (path, flag) =>
      call("setns", path, () => {
        const namespace = namespaceAt(process, path);
        refuseIf(namespace?.kind !== KINDS[flag], "EINVAL");
        if (namespace !== undefined) join(process, namespace);
      }),
    joinUserNamespace: (handle) =>
      call("setns", `user ${handle}`, () =>
        join(process, process.world.handles.get(handle) ?? refuse("EBADF")),
      ),
  };
}

/** Makes a user namespace with id maps. @returns a handle */
export function createUserNamespace(process: Process, maps: UserNamespaceMaps): number {
  const { world, credentials } = process;
  const ranges = (kind: "uid" | "gid"): UserNamespace["uidMap"] => {
    const map = maps[kind].map(({ containerId, hostId, count }) => ({
      inside: containerId,
      outside: hostId,
      count,
    }));
    checkRanges(map);
    return map;
  };
  const namespace = newUserNamespace(world, credentials);
  namespace.uidMap = ranges("uid");
  namespace.gidMap = ranges("gid");
  const handle = nextNumber(world, "handle", 100);
  world.handles.set(handle, namespace);
  return handle;
}

function newUserNamespace(world: World, by: Credentials): UserNamespace {
  return {
    kind: "user",
    inode: namespaceInode(world),
    parent: by.userNamespace,
    level: by.userNamespace.level + 1,
    ownerUid: by.uid,
    uidMap: [],
    gidMap: [],
  };
}

function unshare(process: Process, flags: readonly NamespaceFlag[]): void {
  const { world } = process;
  const before = process.credentials;
  if (flags.includes("CLONE_NEWUSER")) {
    process.credentials = fullCredentials(before, newUserNamespace(world, before));
  }
  const owner = process.credentials.userNamespace;
  const others = flags.filter((flag) => flag !== "CLONE_NEWUSER");
  if (others.length > 0 && !isCapable(process.credentials, owner, "CAP_SYS_ADMIN")) refuse("EPERM");
  for (const flag of others) enterNew(process, KINDS[flag], owner);
}

function enterNew(process: Process, kind: Namespace["kind"], owner: UserNamespace): void {
  const { world } = process;
  const made = { inode: namespaceInode(world), owner };
  const { uts } = process.namespaces;
  const use = (changed: Partial<Namespaces>): void => {
    process.namespaces = { ...process.namespaces, ...changed };
  };
  if (kind === "uts") {
    const { hostname, domainname } = uts;
    use({ uts: { kind, ...made, hostname, domainname } });
  } else if (kind === "ipc") use({ ipc: { kind, ...made } });
  else if (kind === "time") use({ time: { kind, ...made } });
  else if (kind === "cgroup") use({ cgroup: { kind, ...made, roots: new Map(process.cgroups) } });
  else if (kind === "net") {
    const left = process.namespaces.net;
    use({ net: createNetNamespace(made.inode, owner) });
    releaseNetwork(world, left);
  } else if (kind === "pid") process.pidNamespaceForChildren = newPidNamespace(process, owner);
  else enterMountCopy(process, owner);
}

/** A PID namespace below the process's own. */
export function newPidNamespace(process: Process, owner: UserNamespace): PidNamespace {
  const parent = process.namespaces.pid;
  return {
    kind: "pid",
    inode: namespaceInode(process.world),
    owner,
    parent,
    level: parent.level + 1,
    processes: new Map(),
    lastPid: 0,
    dead: false,
  };
}

/** Copies the mount table; the process stands in the copy where it stood before. */
function enterMountCopy(process: Process, owner: UserNamespace): void {
  const { world } = process;
  const before = process.namespaces.mnt;
  const isForeign = owner !== before.owner;
  // In a namespace of less power, what was shared only receives.
  const rule = isForeign ? slaveRule(world, { isShared: false }) : peerRule(world, true);
  const root = copyTree(world, before.root, before.root.root, rule);
  const namespace: MountNamespace = { kind: "mnt", inode: namespaceInode(world), owner, root };
  const copies = treeOf(root);
  for (const each of copies) each.namespace = namespace;
  if (isForeign) lockTree(root);
  const originals = treeOf(before.root);
  const moved = ({ mount, dentry }: Place): Place => {
    const copy = copies[originals.indexOf(mount)];
    return copy === undefined ? { mount, dentry } : { mount: copy, dentry };
  };
  process.root = moved(process.root);
  process.cwd = moved(process.cwd);
  process.namespaces = { ...process.namespaces, mnt: namespace };
  releaseMounts(world, before);
}

/** Holds a process's root and its mount table. @throws Refusal ENOENT, EACCES */
export function holdRoot(process: Process, hostPid: number): HeldRoot {
  const mounts = namespaceAt(process, `/proc/${hostPid}/ns/mnt`);
  if (mounts?.kind !== "mnt") return refuse("ENOENT");
  const place = resolve(process, `/proc/${hostPid}/root`, "follow");
  return hold(process, place, mounts);
}

/** Holds a directory inside a root. @throws Refusal as `resolve`, ENOTDIR */
export function holdDirectory(process: Process, root: string, path: string): HeldRoot {
  const top = resolve(process, root, "follow");
  const place = resolve({ ...process, root: top, cwd: top }, path, "follow");
  if (place.dentry.inode.type !== "directory") refuse("ENOTDIR");
  return hold(process, place, process.namespaces.mnt);
}

function hold(process: Process, place: Place, mounts: MountNamespace): HeldRoot {
  const descriptor = nextNumber(process.world, "held root", FIRST_HELD);
  process.heldRoots.set(descriptor, { place, mounts });
  return {
    path: `/proc/self/fd/${descriptor}`,
    [Symbol.dispose]: () => {
      process.heldRoots.delete(descriptor);
      releaseMounts(process.world, mounts);
    },
  };
}

/** A table without processes goes, unless a file somewhere stands for it or somebody holds it. */
export function releaseMounts(world: World, namespace: MountNamespace): void {
  for (const { namespaces, heldRoots } of world.processes.values()) {
    if (namespaces.mnt === namespace) return;
    for (const { mounts } of heldRoots.values()) if (mounts === namespace) return;
  }
  const file = world.namespaceFiles.get(namespace);
  if (file !== undefined && file.dentry.fs.mounts.size > 1) return;
  const mounts = treeOf(namespace.root);
  for (const each of mounts.toReversed()) drop(world, each);
}

/** The namespace that a path leads to, or undefined when it is another file. */
export function namespaceAt(process: Process, path: string): Namespace | undefined {
  const { inode } = resolve(process, path, "follow").dentry;
  return inode.kind === "generated" ? inode.does.namespace : undefined;
}

/**
 * All are found before the first is entered: in another mount namespace /proc may be another one.
 * Entering a user namespace takes power away over what it does not own and gives power over what it
 * does, so those that were refused are tried again behind it.
 */
function joinAll(process: Process, hostPid: number, flags: readonly NamespaceFlag[]): void {
  const wanted = Object.keys(KINDS).filter((flag) => flags.some((one) => one === flag));
  const found = wanted.map((flag) => {
    const file = KINDS[flag as NamespaceFlag]; // a key of KINDS
    return namespaceAt(process, `/proc/${hostPid}/ns/${file}`) ?? refuse("EINVAL");
  });
  const users = found.filter(({ kind }) => kind === "user");
  const others = found.filter(({ kind }) => kind !== "user");
  const refused = others.filter((namespace) => {
    if (users.length > 0 && !mayJoin(process, namespace)) return true;
    join(process, namespace);
    return false;
  });
  for (const namespace of [...users, ...refused]) join(process, namespace);
}

function mayJoin(process: Process, namespace: Namespace): boolean {
  const { credentials } = process;
  const owner = namespace.kind === "user" ? namespace : namespace.owner;
  if (!isCapable(credentials, owner, "CAP_SYS_ADMIN")) return false;
  if (namespace.kind === "user") return true;
  const own = ["CAP_SYS_ADMIN", ...(namespace.kind === "mnt" ? ["CAP_SYS_CHROOT"] : [])];
  return own.every((name) => isCapable(credentials, credentials.userNamespace, name));
}

function join(process: Process, namespace: Namespace): void {
  refuseIf(namespace === process.credentials.userNamespace, "EINVAL");
  refuseIf(!mayJoin(process, namespace), "EPERM");
  if (namespace.kind === "user") {
    process.credentials = fullCredentials(process.credentials, namespace);
  } else if (namespace.kind === "pid") {
    refuseIf(!isAtOrBelow(namespace, process.namespaces.pid), "EINVAL");
    process.pidNamespaceForChildren = namespace;
  } else if (namespace.kind === "mnt") joinMounts(process, namespace);
  else {
    const { net } = process.namespaces;
    process.namespaces = { ...process.namespaces, [namespace.kind]: namespace };
    releaseNetwork(process.world, net);
  }
}

function joinMounts(process: Process, namespace: MountNamespace): void {
  const before = process.namespaces.mnt;
  const root = across({ mount: namespace.root, dentry: namespace.root.root });
  process.namespaces = { ...process.namespaces, mnt: namespace };
  process.root = root;
  process.cwd = root;
  if (before !== namespace) releaseMounts(process.world, before);
}

function isAtOrBelow(namespace: PidNamespace, top: PidNamespace): boolean {
  for (let at: PidNamespace | undefined = namespace; at !== undefined; at = at.parent) {
    if (at === top) return true;
  }
  return false;
}
