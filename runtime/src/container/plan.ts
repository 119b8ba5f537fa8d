/**
 * Container plan: from what was asked to what init does, in order.
 *
 * This is the place where the concepts meet. Each of them plans its own part; this file knows the
 * order and nothing else:
 *
 *     1  not outlive the keeper
 *     2  join and create namespaces          (namespaces)
 *     3  hear of no mounts but one's own     a private copy of the host's mount table
 *     4  open the cgroup's files             while their paths can still be reached
 *     5  mount the layers                    (layers)
 *     6  mount what belongs in the tree      plan-tree.ts, by depth, with (volumes)
 *     7  pivot_root                          from here on the host's files cannot be reached
 *     8  devices, terminal, kernel settings, names, what is hidden
 *     9  user, limits, privileges, exec      plan-process.ts
 *
 * With a user namespace of its own a container's root is nobody on the host, and may not do some of
 * this. So two things are done before it is entered, in a mount namespace to stand on: the layers
 * are mounted, with proc, which belongs to a PID namespace that the keeper made; and whatever a
 * later mount needs to stand on is made.
 *
 * Kernel interface: see `init-plan.ts`.
 * Specification: OCI runtime-spec v1.2, config.md and config-linux.md; the order follows runc and
 *   bubblewrap.
 * Invariants:
 *   pivot-after-host-paths   no step after pivot_root names a path of the host
 *   cgroup-opened-before-joined   cgroup files are opened before pivot_root and joined after it,
 *     before privileges go
 *   namespaces-before-mounts   nothing is mounted before the mount namespace is the container's own
 *   plan-ends-in-exec   exec is the last step and there is no other
 * Left out: hooks; idmapped mounts, so files of a layer belong to nobody in a user namespace that
 *   does not map their owner.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { checkResources, joinFiles, planCgroup } from "../cgroups/index.ts";
import type { CgroupPlan, DeviceRule } from "../cgroups/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { planOverlay } from "../layers/index.ts";
import { hostIdOf, parseNamespaceModes, planNamespaces } from "../namespaces/index.ts";
import type {
  IdMaps,
  NamespaceKind,
  NamespaceModes,
  NamespacePlan,
  NamespaceRequest,
} from "../namespaces/index.ts";
import { parseSecurityOptions, planPaths } from "../security/index.ts";
import { parseMountSpecs, planVolumes } from "../volumes/index.ts";
import { argvOf } from "./complete-config.ts";
import type { InitPlan, InitStep } from "./init-plan.ts";
import type { PlanInput } from "./plan-input.ts";
import {
  BECOME_ROOT,
  DIE_WITH_KEEPER,
  INIT_PATH,
  NEW_SESSION,
  UMASK,
  openCgroups,
  openTerminal,
  planOomScore,
  planContainerCapabilities,
  planEnvironment,
  planProcess,
} from "./plan-process.ts";
import {
  finishCgroupView,
  planDevices,
  planEarlyProc,
  planTree,
  remountReadOnly,
  terminalGid,
} from "./plan-tree.ts";
import type { TreeRequest } from "./plan-tree.ts";

/** How to start a container. */
export interface ContainerPlan {
  /** For `StartRequest`. */
  readonly pidNamespace: NamespacePlan["pidNamespace"];
  readonly idMaps: IdMaps | null;
  readonly outlivedByMounts: boolean;
  readonly init: InitPlan;
  /** To be applied before the start: `applyCgroup`. */
  readonly cgroup: CgroupPlan;
  readonly warnings: readonly string[];
}

/**
 * Plans the start of a container. Pure.
 *
 * @param input every fact that the plan depends on
 * @throws RuntimeError as the concepts do, in Docker's words: resource-invalid, volume-invalid,
 *   capability-unknown, …
 */
export function planContainer(input: PlanInput): ContainerPlan {
  const { hostConfig, machine } = input;
  const version = machine.cgroupParent.layout.mode === "v2" ? 2 : 1;
  const modes = parseNamespaceModes(hostConfig, version);
  const checked = checkResources(hostConfig, machine.cgroupParent.support, "create");
  const cgroup = planContainerCgroup(input, checked.limits);
  const namespaces = planNamespaces(namespaceRequest(modes, input.joins));
  const tree: TreeRequest = {
    input,
    modes,
    cgroup: cgroup.cgroup,
    volumes: planVolumes(parseMountSpecs(hostConfig, input.inheritedMounts), machine.mountinfo),
    inUserNamespace: modes.kinds.user.mode === "private",
  };
  const init = [
    DIE_WITH_KEEPER,
    UMASK,
    ...planRoot(tree, namespaces),
    ...planInside(tree),
    ...planProcess({
      ...input,
      privileged: hostConfig.Privileged,
      argv: [...(input.initProgram === null ? [] : [INIT_PATH, "--"]), ...argvOf(input.config)],
      env: planEnvironment(input.config, input.config.Tty),
      user: input.config.User,
      workingDir: input.config.WorkingDir,
      terminalGid: input.config.Tty ? terminalGid(tree) : null,
      afterCgroup: namespaces.afterCgroup,
    }),
  ];
  return {
    pidNamespace: namespaces.pidNamespace,
    idMaps: tree.inUserNamespace ? input.idMaps : null,
    outlivedByMounts: tree.volumes.every(({ type }) => type !== "bind"),
    init,
    cgroup,
    warnings: [...checked.warnings, ...missingCapabilities(input)],
  };
}

/** Whom to share each namespace with. */
function namespaceRequest(modes: NamespaceModes, joins: PlanInput["joins"]): NamespaceRequest {
  const choose = (kind: NamespaceKind): NamespaceRequest[NamespaceKind] => {
    const { mode } = modes.kinds[kind];
    if (mode !== "container") return mode;
    const join = joins[kind];
    if (join === undefined) throw new Error(`bug: no process given to join the ${kind} namespace`);
    return { join };
  };
  return {
    user: choose("user"),
    mnt: choose("mnt"),
    uts: choose("uts"),
    ipc: choose("ipc"),
    net: choose("net"),
    pid: choose("pid"),
    cgroup: choose("cgroup"),
  };
}

function planContainerCgroup(
  input: PlanInput,
  limits: ReturnType<typeof checkResources>["limits"],
): CgroupPlan {
  const { id, hostConfig, machine, devices } = input;
  const rules = devices.map(({ node, access }): DeviceRule => {
    const type = node.type === "block" ? "b" : "c";
    return { type, major: node.major, minor: node.minor, access };
  });
  return planCgroup(machine.cgroupParent, {
    name: id,
    limits: { ...limits, deviceRules: [...(limits.deviceRules ?? []), ...rules] },
    devices: hostConfig.Privileged ? "all" : "listed",
    blockDevices: machine.blockDevices,
  });
}

function missingCapabilities(input: PlanInput): readonly string[] {
  const { missing } = planContainerCapabilities({
    ...input,
    privileged: input.hostConfig.Privileged,
  });
  if (missing.length === 0) return [];
  return [`The engine does not have ${missing.join(", ")} itself and cannot give it.`];
}

/** Namespaces and the tree, up to pivot_root: steps 2 to 7. */
function planRoot(tree: TreeRequest, { entering }: NamespacePlan): readonly InitStep[] {
  const { rootfs } = tree.input.paths;
  const enter = entering.map((step): InitStep => {
    return { ...step, concept: "namespaces", why: "see a part of the machine of its own" };
  });
  const mounts = planTree(tree).map(({ step }) => step);
  const pivot: InitStep = {
    op: "pivot-root",
    root: rootfs,
    concept: "namespaces",
    why: "put the host's files out of reach",
  };
  if (!tree.inUserNamespace) {
    return [
      ...enter,
      keepMountsPrivate(),
      openCgroups(joinFiles(tree.cgroup)),
      ...mountLayers(tree),
      ...mounts,
      pivot,
    ];
  }
  return [
    {
      op: "unshare",
      flags: ["CLONE_NEWNS"],
      concept: "namespaces",
      why: "mount first what only the machine's root may mount",
    },
    keepMountsPrivate(),
    openCgroups(joinFiles(tree.cgroup)),
    ...mountLayers(tree),
    ...giveRoot(tree),
    ...planEarlyProc(tree),
    ...mountPointsOf(mounts),
    ...enter.flatMap((step) => (step.op === "enter-user-namespace" ? [step, BECOME_ROOT] : [step])),
    liftLocks(rootfs),
    ...mounts,
    pivot,
  ];
}

/**
 * What the host mounts later on still arrives, for binds that want it; what we mount never leaves.
 */
function keepMountsPrivate(): InitStep {
  const flags = ["MS_REC", "MS_SLAVE"] as const;
  return {
    op: "mount",
    mount: { source: "", target: "/", fstype: "", flags, data: "" },
    concept: "namespaces",
    why: "keep the container's mounts from the host",
  };
}

function mountLayers({ input }: TreeRequest): readonly InitStep[] {
  const { rootfs, layers } = input.paths;
  const { chdir, mount } = planOverlay({ ...layers, target: rootfs });
  const concept = "layers";
  return [
    { op: "chdir", path: chdir, concept, why: "name the layers by short paths" },
    { op: "mount", mount, concept, why: "stack the image's layers and the container's own" },
  ];
}

/** The top directory is the container's own layer: its root may at least write there. */
function giveRoot({ input }: TreeRequest): readonly InitStep[] {
  const hostUid = hostIdOf(input.idMaps?.uid ?? [], 0);
  const hostGid = hostIdOf(input.idMaps?.gid ?? [], 0);
  if (hostUid === undefined || hostGid === undefined) return [];
  const why = "let the container's root own its top directory";
  const path = input.paths.rootfs;
  return [{ op: "chown", path, hostUid, hostGid, concept: "namespaces", why }];
}

/** Made while the layers' owner is still root here. */
function mountPointsOf(mounts: readonly InitStep[]): readonly InitStep[] {
  return mounts.flatMap((step): readonly InitStep[] => {
    if (step.op !== "bind" && step.op !== "mount-inside") return [];
    const { root, path, concept } = step;
    if (/^\/(dev|sys|proc)\/./.test(path)) return [];
    const place =
      step.op === "bind"
        ? { source: step.source, kind: step.kind }
        : ({ source: null, kind: "directory" } as const);
    const why = "have a place for a later mount";
    return [{ op: "make-mount-point", root, path, ...place, concept, why }];
  });
}

/**
 * Mounts that a less privileged mount namespace inherits are locked together; a copy of the whole
 * tree is not.
 */
function liftLocks(rootfs: string): InitStep {
  const flags = ["MS_BIND", "MS_REC"] as const;
  return {
    op: "mount",
    mount: { source: rootfs, target: rootfs, fstype: "", flags, data: "" },
    concept: "namespaces",
    why: "have a root that pivot_root accepts",
  };
}

/** Inside the new root: step 8. */
function planInside(tree: TreeRequest): readonly InitStep[] {
  const { config, hostConfig } = tree.input;
  return [
    ...planDevices(tree),
    ...finishCgroupView(tree),
    NEW_SESSION,
    ...(config.Tty ? [openTerminal("/dev/console")] : []),
    ...planWorkdir(config.WorkingDir),
    ...planNames(tree),
    ...planKernelSettings(tree),
    ...planHidden(tree),
    ...(hostConfig.ReadonlyRootfs
      ? [remountReadOnly("/", "layers", "let nothing in the root change")]
      : []),
  ];
}

function planWorkdir(path: string): readonly InitStep[] {
  if (path === "" || path === "/") return [];
  const why = "have the directory that the program starts in";
  return [{ op: "make-directory", path, permissions: 0o755, concept: "container", why }];
}

function planNames({ input, modes }: TreeRequest): readonly InitStep[] {
  const steps: InitStep[] = [];
  const { Hostname, Domainname } = input.config;
  const concept = "namespaces";
  if (modes.kinds.uts.mode === "private") {
    const name = Hostname === "" ? input.id.slice(0, 12) : Hostname;
    steps.push({ op: "hostname", name, concept, why: "have a name of its own" });
    if (Domainname !== "") {
      steps.push({ op: "domainname", name: Domainname, concept, why: "have the domain asked for" });
    }
  }
  if (modes.kinds.net.mode === "private") {
    const why = "reach itself: a new network has its loopback down";
    steps.push({ op: "link-up", name: "lo", concept: "network", why });
  }
  return steps;
}

/** Settings that a namespace has its own copy of; others are the host's. */
const NAMESPACED_SYSCTL = new RegExp(
  "^(?:kernel\\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)" +
    "|fs\\.mqueue\\..+|net\\..+)$",
);

function planKernelSettings({ input }: TreeRequest): readonly InitStep[] {
  const { Sysctls, OomScoreAdj } = input.hostConfig;
  const sysctls = Object.entries(Sysctls).map(([name, text]): InitStep => {
    if (!NAMESPACED_SYSCTL.test(name)) throw foreignSysctl(name);
    const path = `/proc/sys/${name.replaceAll(".", "/")}`;
    return { op: "write", path, text, concept: "namespaces", why: "set a kernel parameter" };
  });
  return [...sysctls, ...planOomScore(OomScoreAdj)];
}

function foreignSysctl(name: string): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message: `sysctl "${name}" is not in a separate kernel namespace`,
    operation: "plan container",
    subject: name,
    hint: "Setting it would change the host: use sysctl(8) there if that is meant.",
  });
}

function planHidden({ input }: TreeRequest): readonly InitStep[] {
  const { Privileged, MaskedPaths, ReadonlyPaths, SecurityOpt } = input.hostConfig;
  const { systemPaths } = parseSecurityOptions(SecurityOpt);
  const confinement = Privileged || systemPaths === "unconfined" ? "unconfined" : "confined";
  const steps = planPaths({ masked: MaskedPaths, readOnly: ReadonlyPaths, confinement });
  return steps.map((step): InitStep => {
    const why = step.op === "mask" ? "hide what tells about the host" : "protect the host's knobs";
    return { ...step, concept: "security", why };
  });
}
