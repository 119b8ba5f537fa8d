/**
 * The tree: everything that is mounted in a container, in which order.
 *
 * A container sees the image's layers, and in it what no image can hold: the kernel's own file
 * systems, a few devices, its own name, and whatever of the host it was given. Mounts hide what is
 * below them, so they are made by depth, those near the root first, and what a user mounts in the
 * place of one of ours replaces it.
 *
 * Kernel interface: mount(2), proc(5), sysfs(5), tmpfs(5), devpts, mq_overview(7), cgroups(7).
 * Specification: OCI runtime-spec v1.2, config-linux.md, "Default Filesystems"; Docker's defaults.
 * Invariants:
 *   mounts-by-depth   no mount of a plan hides one that was made before it
 *   user-mounts-win   every mount of the user's is in the plan, and none of ours is at the same
 *     place
 * Left out: mounts of ours that an image's symbolic link puts in another mount's place.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import type { Cgroup, CgroupParent } from "../cgroups/index.ts";
import type { MountCall, MountFlag } from "../kernel/index.ts";
import type { NamespaceModes } from "../namespaces/index.ts";
import type { VolumeMount } from "../volumes/index.ts";
import type { Concept, InitStep, MountKind } from "./init-plan.ts";
import type { PlanInput } from "./plan-input.ts";
import { INIT_PATH } from "./plan-process.ts";

/** What the tree depends on. */
export interface TreeRequest {
  readonly input: PlanInput;
  readonly modes: NamespaceModes;
  readonly cgroup: Cgroup;
  readonly volumes: readonly VolumeMount[];
  /** Whether the mounts are made inside a new user namespace. */
  readonly inUserNamespace: boolean;
}

/** A step that puts something at a path of the container. */
export interface PlacedStep {
  readonly path: string;
  readonly step: InitStep;
}

const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;
const TTY_GID = 5;
const CGROUP_DIRECTORY = "/sys/fs/cgroup";
const KERNEL_FLAGS: readonly MountFlag[] = ["MS_NOSUID", "MS_NODEV", "MS_NOEXEC"];

/** Every mount inside the container's root, in order. */
export function planTree(request: TreeRequest): readonly PlacedStep[] {
  const users = request.volumes.map((volume) => volumeStep(request, volume));
  const taken = new Set(users.map(({ path }) => path));
  const ours = [
    ...kernelMounts(request),
    ...cgroupMounts(request),
    ...deviceMounts(request),
    ...ipcMounts(request),
    ...hostFiles(request),
  ].filter(({ path }) => !isReplaced(path, taken));
  return [...ours, ...users].toSorted((left, right) => depthOf(left.path) - depthOf(right.path));
}

/** A cgroup of ours stands on the tmpfs beside it: both go, or none. */
function isReplaced(path: string, taken: ReadonlySet<string>): boolean {
  if (taken.has(path)) return true;
  return path.startsWith(`${CGROUP_DIRECTORY}/`) && taken.has(CGROUP_DIRECTORY);
}

function depthOf(path: string): number {
  return path.split("/").length;
}

interface Mounting {
  readonly concept: Concept;
  readonly why: string;
  readonly fstype: string;
  readonly flags: readonly MountFlag[];
  readonly data: string;
}

function mountAt(request: TreeRequest, path: string, mounting: Mounting): PlacedStep {
  const { concept, why, ...options } = mounting;
  const mount: Omit<MountCall, "target"> = { source: options.fstype, ...options };
  const root = request.input.paths.rootfs;
  return { path, step: { op: "mount-inside", root, path, mount, concept, why } };
}

interface Binding {
  readonly concept: Concept;
  readonly kind: MountKind | null;
  readonly why: string;
  readonly source: string;
  readonly flags?: readonly MountFlag[];
  readonly recursive?: boolean;
  readonly propagation?: readonly MountFlag[];
}

function bindAt(request: TreeRequest, path: string, binding: Binding): PlacedStep {
  const { concept, why, source, kind, flags = [], recursive = false, propagation = [] } = binding;
  const root = request.input.paths.rootfs;
  const action = { op: "bind", source, kind, root, path, recursive, flags, propagation } as const;
  return { path, step: { ...action, concept, why } };
}

function kernelMounts(request: TreeRequest): readonly PlacedStep[] {
  const { input, modes, inUserNamespace } = request;
  const readOnly: readonly MountFlag[] = input.hostConfig.Privileged ? [] : ["MS_RDONLY"];
  const concept = "container";
  const why = "show devices and network links";
  // sysfs shows the network namespace of whoever mounts it, and only its owner may mount it.
  const mayMountSys = !inUserNamespace || modes.kinds.net.mode === "private";
  const flags = [...KERNEL_FLAGS, ...readOnly];
  const sys = mayMountSys
    ? mountAt(request, "/sys", { concept, why, fstype: "sysfs", flags, data: "" })
    : bindAt(request, "/sys", {
        concept,
        why,
        source: "/sys",
        kind: "directory",
        flags,
        recursive: true,
      });
  // In a user namespace proc is mounted before entering it: see plan.ts.
  return inUserNamespace ? [sys] : [procMount(request), sys];
}

function procMount(request: TreeRequest): PlacedStep {
  return mountAt(request, "/proc", {
    concept: "namespaces",
    why: "show the processes of the container only",
    fstype: "proc",
    flags: KERNEL_FLAGS,
    data: "",
  });
}

/**
 * The mount of proc where it has to come before the rest: it shows the PID namespace of the process
 * that mounts it, and only that namespace's owner may. Nothing when a user mounts something else
 * there.
 */
export function planEarlyProc(request: TreeRequest): readonly InitStep[] {
  const isReplaced = request.volumes.some(({ containerPath }) => containerPath === "/proc");
  return isReplaced ? [] : [procMount(request).step];
}

/**
 * Version 1: a tmpfs with a directory for each hierarchy; version 2: the cgroup itself. Always the
 * container's own.
 */
function cgroupMounts(request: TreeRequest): readonly PlacedStep[] {
  const { input, cgroup } = request;
  const concept = "cgroups";
  const flags: readonly MountFlag[] = input.hostConfig.Privileged
    ? KERNEL_FLAGS
    : [...KERNEL_FLAGS, "MS_RDONLY"];
  const why = "show the container its own limits";
  const [only] = cgroup.directories;
  if (only === undefined) return [];
  if (cgroup.directories.length === 1 && only.version === 2) {
    return [
      bindAt(request, CGROUP_DIRECTORY, {
        concept,
        why,
        source: only.path,
        kind: "directory",
        flags,
      }),
    ];
  }
  const tmpfs = mountAt(request, CGROUP_DIRECTORY, {
    concept,
    why: "hold one directory for each cgroup hierarchy",
    fstype: "tmpfs",
    flags: KERNEL_FLAGS,
    data: "mode=755",
  });
  const binds = cgroup.directories.map(({ path }, index) => {
    const name = hierarchyName(input.machine.cgroupParent, index);
    return bindAt(request, `${CGROUP_DIRECTORY}/${name}`, {
      concept,
      why,
      source: path,
      kind: "directory",
      flags,
    });
  });
  return [tmpfs, ...binds];
}

/** A hierarchy is called as on the host: "memory", "cpu,cpuacct". */
function hierarchyName(parent: CgroupParent, index: number): string {
  const mountPoint = parent.hierarchies[index]?.mountPoint ?? "";
  return mountPoint.slice(mountPoint.lastIndexOf("/") + 1);
}

/**
 * What is still to do in a version 1 view after pivot_root: a link for each controller that shares
 * a hierarchy (`cpu` for `cpu,cpuacct`), and then no more changes.
 */
export function finishCgroupView(request: TreeRequest): readonly InitStep[] {
  const { input, cgroup, volumes } = request;
  const isOurs = volumes.every(({ containerPath }) => containerPath !== CGROUP_DIRECTORY);
  const isVersion1 = cgroup.directories.some(({ version }) => version === 1);
  if (!isOurs || !isVersion1) return [];
  const links = cgroup.directories.flatMap(({ controllers }, index): InitStep[] => {
    const name = hierarchyName(input.machine.cgroupParent, index);
    return controllers
      .filter((controller) => controller !== name && name.split(",").includes(controller))
      .map((controller) => ({
        op: "symlink",
        target: name,
        path: `${CGROUP_DIRECTORY}/${controller}`,
        concept: "cgroups",
        why: "let the controller be found by its own name",
      }));
  });
  if (input.hostConfig.Privileged) return links;
  return [
    ...links,
    remountReadOnly(CGROUP_DIRECTORY, "cgroups", "keep the view as it is", KERNEL_FLAGS),
  ];
}

/** A second mount(2) call that takes the right to write away from a mount that is there. */
export function remountReadOnly(
  target: string,
  concept: Concept,
  why: string,
  kept: readonly MountFlag[] = [],
): InitStep {
  const flags: readonly MountFlag[] = ["MS_BIND", "MS_REMOUNT", "MS_RDONLY", ...kept];
  const mount: MountCall = { source: "", target, fstype: "", flags, data: "" };
  return { op: "mount", mount, concept, why };
}

function deviceMounts(request: TreeRequest): readonly PlacedStep[] {
  const concept = "container";
  const mounts = [
    mountAt(request, "/dev", {
      concept,
      why: "hold the container's own device nodes",
      fstype: "tmpfs",
      flags: ["MS_NOSUID", "MS_STRICTATIME"],
      data: "mode=755,size=65536k",
    }),
    mountAt(request, "/dev/pts", {
      concept,
      why: "have terminals that no other container sees",
      fstype: "devpts",
      flags: ["MS_NOSUID", "MS_NOEXEC"],
      data: `newinstance,ptmxmode=0666,mode=0620${terminalGroupOption(request)}`,
    }),
  ];
  if (!request.inUserNamespace) return mounts;
  // In a user namespace mknod(2) is refused: the host's own nodes are bound instead.
  const nodes = NODES.map(([name]) => `/dev/${name}`).map((path) =>
    bindAt(request, path, {
      concept,
      why: "lend the host's device node",
      kind: "file",
      source: path,
    }),
  );
  const devices = request.input.devices.map(({ hostPath, containerPath }) =>
    bindAt(request, containerPath, {
      concept,
      why: "lend the host's device node",
      source: hostPath,
      kind: null,
    }),
  );
  return [...mounts, ...nodes, ...devices];
}

/** The group "tty" owns terminals, where the user namespace has a number for it. */
export function terminalGid({ input, inUserNamespace }: TreeRequest): number | null {
  const isMapped = (input.idMaps?.gid ?? []).some(
    ({ containerId, count }) => containerId <= TTY_GID && TTY_GID < containerId + count,
  );
  return !inUserNamespace || isMapped ? TTY_GID : null;
}

function terminalGroupOption(request: TreeRequest): string {
  const gid = terminalGid(request);
  return gid === null ? "" : `,gid=${gid}`;
}

function ipcMounts(request: TreeRequest): readonly PlacedStep[] {
  const { input, modes } = request;
  const concept = "namespaces";
  const size = input.hostConfig.ShmSize > 0 ? input.hostConfig.ShmSize : DEFAULT_SHM_BYTES;
  const mounts: PlacedStep[] = [];
  if (modes.sharedMemory === "private") {
    mounts.push(
      mountAt(request, "/dev/shm", {
        concept,
        why: "have shared memory of its own",
        fstype: "tmpfs",
        flags: KERNEL_FLAGS,
        data: `mode=1777,size=${size}`,
      }),
    );
  } else if (modes.sharedMemory !== "none") {
    const source = input.paths.sharedMemory ?? "/dev/shm";
    const why = "share memory with others";
    mounts.push(
      bindAt(request, "/dev/shm", { concept, why, source, kind: "directory", flags: KERNEL_FLAGS }),
    );
  }
  // Only the owner of the ipc namespace may mount its queues.
  const isOwner = !request.inUserNamespace || modes.kinds.ipc.mode === "private";
  if (isOwner && input.machine.filesystems.has("mqueue")) {
    const why = "show the message queues of the ipc namespace";
    const mounting = { concept, why, fstype: "mqueue", flags: KERNEL_FLAGS, data: "" } as const;
    mounts.push(mountAt(request, "/dev/mqueue", mounting));
  }
  return mounts;
}

function hostFiles(request: TreeRequest): readonly PlacedStep[] {
  const { hostname, hosts, resolvConf } = request.input.paths;
  const why = "give the container its names";
  const flags = request.input.hostConfig.ReadonlyRootfs ? (["MS_RDONLY"] as const) : [];
  const naming = { concept: "network", why, kind: "file", flags } as const;
  const init = request.input.initProgram;
  const reaping = "lend the first process, which reaps what others leave behind";
  const lending = { ...naming, concept: "container", why: reaping, flags: ["MS_RDONLY"] } as const;
  return [
    bindAt(request, "/etc/resolv.conf", { ...naming, source: resolvConf }),
    bindAt(request, "/etc/hostname", { ...naming, source: hostname }),
    bindAt(request, "/etc/hosts", { ...naming, source: hosts }),
    ...(init === null ? [] : [bindAt(request, INIT_PATH, { ...lending, source: init })]),
  ];
}

function volumeStep(request: TreeRequest, volume: VolumeMount): PlacedStep {
  const concept = "volumes";
  if (volume.type === "tmpfs") {
    const { flags, data } = volume;
    const why = "give room in memory, as asked";
    return mountAt(request, volume.containerPath, { concept, why, fstype: "tmpfs", flags, data });
  }
  return bindAt(request, volume.containerPath, {
    concept,
    why: "lend a path of the host, as asked",
    source: volume.hostPath,
    kind: null,
    flags: volume.remountFlags,
    recursive: volume.isRecursive,
    propagation: volume.propagation,
  });
}

/** Name, major and minor of the nodes that every container has. */
const NODES = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
] as const;

const LINKS = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["ptmx", "pts/ptmx"],
  ["core", "/proc/kcore"],
] as const;

/** What is put into /dev after pivot_root, when paths lead nowhere but into the container. */
export function planDevices(request: TreeRequest): readonly InitStep[] {
  const { input, inUserNamespace, volumes } = request;
  const concept = "container";
  const isOurs = volumes.every(({ containerPath }) => containerPath !== "/dev");
  const nodes = NODES.map(([name, major, minor]): InitStep => {
    const node = { type: "char", major, minor, permissions: 0o666 } as const;
    const why = "make a device that every program expects";
    return { op: "device", path: `/dev/${name}`, node, uid: 0, gid: 0, concept, why };
  });
  const links = LINKS.map(([name, target]): InitStep => {
    const why = "make a link that every program expects";
    return { op: "symlink", target, path: `/dev/${name}`, concept, why };
  });
  const asked = input.devices.map(({ containerPath, node, hostUid, hostGid }): InitStep => {
    const why = "give a device of the host, as asked";
    return { op: "device", path: containerPath, node, uid: hostUid, gid: hostGid, concept, why };
  });
  return [
    ...(isOurs && !inUserNamespace ? nodes : []),
    ...(isOurs ? links : []),
    ...(inUserNamespace ? [] : asked),
  ];
}
