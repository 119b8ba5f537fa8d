/**
 * Plan facts: what has to be asked before a container's plan can be made.
 *
 * The plan itself is a pure function (container/plan.ts). Here its input is put together: where the
 * files are, whose namespaces are shared, what the machine has.
 *
 * Kernel interface: proc(5), stat(2).
 * Specification: none.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { openCgroupParent, planCgroup, readBlockDevices } from "../cgroups/index.ts";
import type { Cgroup, CgroupParent } from "../cgroups/index.ts";
import { planContainerCapabilities } from "../container/index.ts";
import type { ContainerConfig, HostConfig, PlanInput } from "../container/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { layerLink, writableLayerIn } from "../layers/index.ts";
import { parseNamespaceModes, parseSubordinateIds, planIdMaps } from "../namespaces/index.ts";
import type { NamespaceModes, SubordinateIds } from "../namespaces/index.ts";
import { parseSecurityOptions } from "../security/index.ts";
import type { SeccompProgram } from "../security/index.ts";
import type { EngineContext } from "./context.ts";
import { readDevices } from "./host-devices.ts";
import { findInitProgram } from "./init-program.ts";
import { networkOwner, readJoins, sharedMemoryOf } from "./joins.ts";
import { textOr } from "./look.ts";
import type { Definition } from "./record.ts";
import { filesOf } from "./state-store.ts";

/**
 * Everything that `planContainer` needs, also for a container that does not exist yet.
 *
 * @throws RuntimeError namespace-target-invalid, resource-invalid, seccomp-profile-invalid, …
 */
export function readPlanInput(
  engine: EngineContext,
  kernel: Kernel,
  definition: Definition,
): PlanInput {
  const { id, config, hostConfig } = definition;
  const cgroupParent = cgroupParentOf(engine, hostConfig, kernel);
  const modes = namespaceModes(engine, hostConfig);
  // First of all: what a donor shares is asked for only when there is one.
  const joins = readJoins(engine, modes);
  return {
    id,
    config,
    hostConfig,
    inheritedMounts: definition.inheritedMounts ?? [],
    paths: planPaths(engine, definition),
    machine: {
      ...engine.machine,
      cgroupParent,
      blockDevices: readBlockDevices(kernel, blockDevicePaths(hostConfig)),
      mountinfo: mayBind(definition) ? kernel.readText("/proc/self/mountinfo") : "",
    },
    joins,
    idMaps: modes.kinds.user.mode === "private" ? readIdMaps(kernel, modes) : null,
    devices: readDevices(kernel, hostConfig),
    seccomp: seccompOf(engine, hostConfig),
    // Whoever shares a PID namespace is not its first process.
    initProgram:
      hostConfig.Init === true && modes.kinds.pid.mode === "private"
        ? findInitProgram(kernel)
        : null,
  };
}

function mayBind({ hostConfig, inheritedMounts = [] }: Definition): boolean {
  return [hostConfig.Binds, hostConfig.Mounts, inheritedMounts].some((list) => list.length > 0);
}

function planPaths(engine: EngineContext, definition: Definition): PlanInput["paths"] {
  const files = filesOf(engine.root, definition.id);
  const names = filesOf(engine.root, networkOwner(engine, definition));
  const lowers = definition.layers.map((chainId) => layerLink(chainId)).toReversed();
  return {
    rootfs: files.rootfs,
    layers: {
      directory: engine.layers.linkDirectory,
      lowers,
      ...writableLayerIn(files.directory),
    },
    hostname: names.hostname,
    hosts: names.hosts,
    resolvConf: names.resolvConf,
    sharedMemory: sharedMemoryOf(engine, definition),
  };
}

/** @throws RuntimeError network-mode-unsupported, request-invalid */
export function namespaceModes(engine: EngineContext, hostConfig: HostConfig): NamespaceModes {
  return parseNamespaceModes(hostConfig, cgroupVersion(engine));
}

/** The generation whose defaults hold: a hybrid machine has its limits in version 1. */
export function cgroupVersion({ machine }: EngineContext): 1 | 2 {
  return machine.cgroupParent.layout.mode === "v2" ? 2 : 1;
}

function readIdMaps(kernel: Kernel, modes: NamespaceModes): PlanInput["idMaps"] {
  const owner = kernel.identity().effectiveUid;
  const name = /^([^:]*):[^:]*:(\d+):/mu;
  const user =
    textOr(kernel, "/etc/passwd")
      .split("\n")
      .find((line) => name.exec(line)?.[2] === String(owner))
      ?.split(":", 1)[0] ?? "root";
  const rangesIn = (path: string): readonly SubordinateIds[] =>
    parseSubordinateIds(textOr(kernel, path)).filter(
      (range) => range.user === user || range.user === String(owner),
    );
  return planIdMaps(modes.userMapping, {
    hostUid: owner,
    hostGid: owner,
    subordinateUids: rangesIn("/etc/subuid"),
    subordinateGids: rangesIn("/etc/subgid"),
  });
}

/**
 * The filter of a container's processes; null: none.
 *
 * @throws RuntimeError seccomp-profile-invalid
 */
export function seccompOf(engine: EngineContext, hostConfig: HostConfig): SeccompProgram {
  const { machine } = engine;
  const { bounding } = planContainerCapabilities({
    hostConfig,
    machine,
    privileged: hostConfig.Privileged,
  });
  return engine.planSeccomp({
    profile: parseSecurityOptions(hostConfig.SecurityOpt).seccomp,
    privilege: hostConfig.Privileged ? "privileged" : "normal",
    facts: {
      machine: machine.uname.machine,
      kernelRelease: machine.uname.release,
      capabilities: bounding,
    },
  });
}

/**
 * Our own parent cgroup, or the one that the container asked for.
 *
 * @throws RuntimeError cgroup-unavailable
 */
export function cgroupParentOf(
  engine: EngineContext,
  hostConfig: HostConfig,
  kernel: Kernel = engine.kernel,
): CgroupParent {
  const { cgroupParent } = engine.machine;
  const wanted = hostConfig.CgroupParent;
  if (wanted === "") return cgroupParent;
  const path = wanted.startsWith("/") ? wanted : `/${wanted}`;
  return openCgroupParent(kernel, cgroupParent.layout, path);
}

/** The cgroup that a container has while it runs, found again by its name. */
export function cgroupOf(engine: EngineContext, { id, hostConfig }: Definition): Cgroup {
  const request = { name: id, limits: {}, devices: "all", blockDevices: new Map() } as const;
  return planCgroup(cgroupParentOf(engine, hostConfig), request).cgroup;
}

function blockDevicePaths(hostConfig: HostConfig): readonly string[] {
  return [
    ...hostConfig.BlkioWeightDevice,
    ...hostConfig.BlkioDeviceReadBps,
    ...hostConfig.BlkioDeviceWriteBps,
    ...hostConfig.BlkioDeviceReadIOps,
    ...hostConfig.BlkioDeviceWriteIOps,
  ].map(({ Path }) => Path);
}

/** The terminal and pipes that a container's first process gets. */
export function stdioOf(
  config: ContainerConfig,
  [rows, columns]: readonly [number, number],
): { terminal: boolean; openStdin: boolean; stdinOnce: boolean; rows: number; columns: number } {
  return {
    terminal: config.Tty,
    openStdin: config.OpenStdin,
    stdinOnce: config.StdinOnce,
    rows,
    columns,
  };
}
