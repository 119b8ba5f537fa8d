/**
 * Boot: the state that a model begins with.
 *
 * One of each namespace, a root file system with the directories that a host has, and two
 * processes: 1, which only exists, and the runtime's own.
 *
 * Kernel interface: namespaces(7), hier(7).
 * Invariants: none.
 * Left out: everything that a real boot does.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Clock } from "../../port.ts";
import { createMemoryFileSystem } from "../files/memory-file-system.ts";
import { mount } from "../mounts/calls.ts";
import { createMount, DEFAULT_OPTIONS, hang } from "../mounts/table.ts";
import {
  nextNumber,
  type Credentials,
  type FileSystem,
  type Mount,
  type MountNamespace,
  type Namespaces,
  type PidNamespace,
  type Process,
  type UserNamespace,
  type World,
} from "../state.ts";
import { CAPABILITIES } from "./capabilities.ts";

/** Namespaces are numbered from here, as on Linux. */
const FIRST_NAMESPACE_INODE = 4_026_531_834;

/** The next inode number for a namespace. */
export function namespaceInode(world: World): number {
  return nextNumber(world, "namespace", FIRST_NAMESPACE_INODE);
}

/** What a model begins with. */
export interface BootOptions {
  readonly clock: Clock;
  readonly hostname: string;
}

/** A booted machine. */
export interface Booted {
  readonly world: World;
  /** The process in whose name the kernel of `createModelKernel` speaks. */
  readonly runtime: Process;
}

/** Boots. */
export function boot(options: BootOptions): Booted {
  const world: World = {
    clock: options.clock,
    mounts: new Set(),
    processes: new Map(),
    hierarchies: [],
    locks: new Set(),
    namespaceFiles: new WeakMap(),
    counters: new Map(),
  };
  const user = firstUserNamespace(world);
  const { namespace, root } = firstMounts(world, user);
  const namespaces = firstNamespaces(world, { user, mnt: namespace, hostname: options.hostname });
  const place = { mount: root, dentry: root.root };
  const make = (hostPid: number, comm: string, parent: Process | undefined): Process => {
    const process: Process = {
      world,
      hostPid,
      pids: new Map([[namespaces.pid, hostPid]]),
      parent,
      credentials: rootCredentials(user),
      namespaces,
      pidNamespaceForChildren: namespaces.pid,
      root: place,
      cwd: place,
      umask: 0o022,
      session: hostPid,
      comm,
      argv: [comm],
      executable: undefined,
      noNewPrivileges: false,
      parentDeathSignal: undefined,
      limits: new Map(),
      cgroups: new Map(),
      status: undefined,
    };
    world.processes.set(hostPid, process);
    namespaces.pid.processes.set(hostPid, process);
    namespaces.pid.lastPid = Math.max(namespaces.pid.lastPid, hostPid);
    return process;
  };
  const init = make(1, "init", undefined);
  for (const [name, mode] of Object.entries(DIRECTORIES)) {
    const node = { type: "directory", mode, uid: 0, gid: 0 } as const;
    root.fs.create(root.root, name, node, init);
  }
  mount(init, { source: "proc", target: "/proc", fstype: "proc", flags: [], data: "" });
  return { world, runtime: make(100, "drydock", init) };
}

function firstUserNamespace(world: World): UserNamespace {
  return {
    kind: "user",
    inode: namespaceInode(world),
    parent: undefined,
    level: 0,
    ownerUid: 0,
    uidMap: [{ inside: 0, outside: 0, count: 2 ** 32 - 1 }],
    gidMap: [{ inside: 0, outside: 0, count: 2 ** 32 - 1 }],
  };
}

function rootCredentials(userNamespace: UserNamespace): Credentials {
  return {
    uid: 0,
    gid: 0,
    groups: [],
    userNamespace,
    bounding: CAPABILITIES,
    permitted: CAPABILITIES,
    effective: CAPABILITIES,
    inheritable: [],
    ambient: [],
  };
}

/** The directories of the host and their modes. */
const DIRECTORIES: Readonly<Record<string, number>> = {
  bin: 0o755,
  dev: 0o755,
  etc: 0o755,
  proc: 0o555,
  root: 0o700,
  run: 0o755,
  sys: 0o555,
  tmp: 0o1777,
  usr: 0o755,
  var: 0o755,
};

/** The host's file system, on the one that is below every other and never seen. */
function firstMounts(
  world: World,
  user: UserNamespace,
): { readonly namespace: MountNamespace; readonly root: Mount } {
  const owner = { uid: 0, gid: 0 };
  const make = (type: string, device: readonly [number, number]): FileSystem =>
    createMemoryFileSystem(world, {
      type,
      device,
      userNamespace: user,
      root: { mode: 0o755, ...owner },
    });
  const mountOf = (fs: FileSystem, source: string): Mount =>
    createMount(world, { fs, root: fs.root, source, options: DEFAULT_OPTIONS });
  const below = mountOf(make("rootfs", [0, 2]), "rootfs");
  const root = mountOf(make("ext4", [254, 0]), "/dev/vda");
  hang(root, { mount: below, dentry: below.root });
  const namespace: MountNamespace = {
    kind: "mnt",
    inode: namespaceInode(world),
    owner: user,
    root: below,
  };
  below.namespace = namespace;
  root.namespace = namespace;
  return { namespace, root };
}

function firstNamespaces(
  world: World,
  first: {
    readonly user: UserNamespace;
    readonly mnt: MountNamespace;
    readonly hostname: string;
  },
): Namespaces {
  const { user, mnt, hostname } = first;
  const made = (): { readonly inode: number; readonly owner: UserNamespace } => ({
    inode: namespaceInode(world),
    owner: user,
  });
  const pid: PidNamespace = {
    kind: "pid",
    ...made(),
    parent: undefined,
    level: 0,
    processes: new Map(),
    lastPid: 0,
    dead: false,
  };
  return {
    mnt,
    uts: { kind: "uts", ...made(), hostname, domainname: "(none)" },
    ipc: { kind: "ipc", ...made() },
    net: { kind: "net", ...made(), links: new Map([["lo", { name: "lo", index: 1, up: true }]]) },
    pid,
    cgroup: { kind: "cgroup", ...made(), roots: new Map() },
    time: { kind: "time", ...made() },
  };
}
