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
import { createHierarchy } from "../cgroups/hierarchy.ts";
import { mkdir, mknod, symlink } from "../files/names.ts";
import { writeFile } from "../files/open.ts";
import { resolve } from "../files/walk.ts";
import { mount } from "../mounts/calls.ts";
import { createMount, DEFAULT_OPTIONS, hang } from "../mounts/table.ts";
import { createNetNamespace, setUp } from "../net/devices.ts";
import type {
  Credentials,
  FileSystem,
  ModelProgram,
  Mount,
  MountNamespace,
  Namespaces,
  NetNamespace,
  PidNamespace,
  Process,
  UserNamespace,
  World,
} from "../state.ts";
import { CAPABILITIES } from "../../capability-names.ts";
import { namespaceInode } from "./namespace-inode.ts";
import { bearChild, createProcess, end } from "./process.ts";

/** What a model begins with. */
export interface BootOptions {
  readonly clock: Clock;
  readonly hostname: string;
  readonly programs: Readonly<Record<string, ModelProgram>>;
  readonly cgroups: CgroupMode;
}

/** A booted machine. */
export interface Booted {
  readonly world: World;
  /** Process 1. */
  readonly init: Process;
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
    cgroupFileSystems: new Map(),
    locks: new Set(),
    terminals: new Set(),
    openedAt: new WeakMap(),
    handles: new Map(),
    programs: new Map(Object.entries(options.programs)),
    namespaceFiles: new WeakMap(),
    counters: new Map(),
  };
  const user = firstUserNamespace(world);
  const { namespace, root } = firstMounts(world, user);
  const namespaces = firstNamespaces(world, { user, mnt: namespace, hostname: options.hostname });
  const place = { mount: root, dentry: root.root };
  const init = createProcess({
    world,
    hostPid: 1,
    pids: new Map([[namespaces.pid, 1]]),
    parent: undefined,
    credentials: rootCredentials(user),
    namespaces,
    root: place,
    cwd: place,
    comm: "init",
  });
  for (const [name, mode] of Object.entries(DIRECTORIES)) {
    root.fs.create(root.root, name, { type: "directory", mode, uid: 0, gid: 0 }, init);
  }
  for (const [target, fstype] of Object.entries(FIRST_MOUNTS)) {
    mount(init, { source: fstype, target, fstype, flags: [], data: "" });
  }
  makeDevices(init);
  mountCgroups(init, options.cgroups);
  const runtime = bearChild(init, { pidNamespace: namespaces.pid, comm: "drydock" });
  runtime.argv = ["drydock"];
  // The runtime's own binary: nobody may execute it, as the Linux side refuses to.
  writeFile(init, OWN_BINARY, { data: "", mode: "create", permissions: 0o644 });
  runtime.executable = resolve(init, OWN_BINARY, "follow");
  return { world, init, runtime };
}

const OWN_BINARY = "/usr/drydock";

const FIRST_MOUNTS: Readonly<Record<string, string>> = {
  "/proc": "proc",
  "/sys": "sysfs",
  "/sys/fs/cgroup": "tmpfs",
  "/dev": "tmpfs",
  "/run": "tmpfs",
};

/** Major, minor and mode of what a host's /dev holds for everybody. */
const DEVICES: Readonly<Record<string, readonly [number, number]>> = {
  null: [1, 3],
  zero: [1, 5],
  full: [1, 7],
  random: [1, 8],
  urandom: [1, 9],
  tty: [5, 0],
};

function makeDevices(init: Process): void {
  for (const [name, [major, minor]] of Object.entries(DEVICES)) {
    mknod(init, `/dev/${name}`, { type: "char", major, minor, permissions: 0o666 });
  }
  for (const [name, fstype] of Object.entries({ pts: "devpts", shm: "tmpfs", mqueue: "mqueue" })) {
    mkdir(init, `/dev/${name}`, 0o755);
    const data = fstype === "devpts" ? "mode=620,ptmxmode=666" : "";
    mount(init, { source: fstype, target: `/dev/${name}`, fstype, flags: [], data });
  }
  symlink(init, "pts/ptmx", "/dev/ptmx");
}

/** Which hierarchies a machine has, and where: as distributions mount them. */
export type CgroupMode = "v1" | "v2" | "hybrid";

const CONTROLLERS_1 = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"];
const CONTROLLERS_2 = ["cpuset", "cpu", "io", "memory", "pids"];

function mountCgroups(init: Process, mode: CgroupMode): void {
  const { world, credentials } = init;
  const top = "/sys/fs/cgroup";
  const tools = { end, owner: credentials.userNamespace };
  const add = (
    version: 1 | 2,
    id: number,
    controllers: readonly string[],
    target: string,
  ): void => {
    const { hierarchy, fs } = createHierarchy(world, { id, version, controllers }, tools);
    world.cgroupFileSystems.set(hierarchy, fs);
    const fstype = version === 1 ? "cgroup" : "cgroup2";
    if (target !== top) mkdir(init, target, 0o755);
    mount(init, { source: fstype, target, fstype, flags: [], data: controllers.join(",") });
  };
  if (mode === "v2") {
    add(2, 0, CONTROLLERS_2, top);
    return;
  }
  for (const [index, name] of CONTROLLERS_1.entries()) add(1, index + 1, [name], `${top}/${name}`);
  if (mode === "hybrid") add(2, 0, [], `${top}/unified`);
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
  home: 0o755,
  mnt: 0o755,
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
    net: firstNetwork(namespaceInode(world), user),
    pid,
    cgroup: { kind: "cgroup", ...made(), roots: new Map() },
    time: { kind: "time", ...made() },
  };
}

/** The host's network: a loopback that is up. */
function firstNetwork(inode: number, owner: UserNamespace): NetNamespace {
  const net = createNetNamespace(inode, owner);
  for (const device of net.devices.values()) setUp(device);
  return net;
}
