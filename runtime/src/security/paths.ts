/**
 * Masked and read-only paths: what of /proc and /sys a container must not see or change.
 *
 * A few files of /proc and /sys are not divided by any namespace: they show or change the whole
 * machine. Some are hidden (a file under /dev/null, a directory under an empty read-only tmpfs),
 * others are bound onto themselves and made read-only. The mounts live in the container's mount
 * namespace and go with it.
 *
 * Kernel interface: mount(2), MS_BIND, MS_REMOUNT, MS_RDONLY; mount_namespaces(7).
 * Specification: OCI runtime-spec v1.2, config-linux.md, "Masked Paths", "Readonly Paths".
 * Invariants:
 *   masked-before-read-only   masked paths come first, and each path comes once
 *   masked-is-hidden   masked paths read empty, read-only ones refuse writes, others do not change
 * Left out: checking that a path is still on /proc after opening it, for which runc needs fds.
 * Docs: docs/concepts/capabilities.md
 *
 * @module
 */

import type { Files, MountCall, Mounts } from "../kernel/index.ts";

/** Hidden by default. */
export const DEFAULT_MASKED_PATHS: readonly string[] = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

/** Read-only by default. */
export const DEFAULT_READONLY_PATHS: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** What a container asked for; null takes the defaults. */
export interface PathRequest {
  readonly masked: readonly string[] | null;
  readonly readOnly: readonly string[] | null;
  /** A privileged container, or `systempaths=unconfined`, sees everything. */
  readonly confinement: "confined" | "unconfined";
}

/** One thing to do; a path that does not exist is skipped. */
export type PathStep =
  | { readonly op: "mask"; readonly path: string }
  | { readonly op: "read-only"; readonly path: string };

/**
 * Plans which paths to hide and protect.
 *
 * @example planPaths({ masked: ["/proc/kcore"], readOnly: [], confinement: "confined" })
 * // [{ op: "mask", path: "/proc/kcore" }]
 */
export function planPaths(request: PathRequest): readonly PathStep[] {
  if (request.confinement === "unconfined") return [];
  const masked = new Set(request.masked ?? DEFAULT_MASKED_PATHS);
  const readOnly = new Set(request.readOnly ?? DEFAULT_READONLY_PATHS);
  return [
    ...[...masked].map((path) => ({ op: "mask", path }) as const),
    ...[...readOnly]
      .filter((path) => !masked.has(path))
      .map((path) => ({ op: "read-only", path }) as const),
  ];
}

/** proc and sysfs are mounted with these; a user namespace may not take them away in a remount. */
function inheritedFlags(path: string): MountCall["flags"] {
  return /^\/(?:proc|sys)\//.test(path) ? ["MS_NOSUID", "MS_NODEV", "MS_NOEXEC"] : [];
}

/** The calls of mount(2) for one step, given what the path is. */
export function mountsForPath(step: PathStep, type: "file" | "directory"): readonly MountCall[] {
  const { path: target } = step;
  if (step.op === "mask") {
    return type === "directory"
      ? [{ source: "tmpfs", target, fstype: "tmpfs", flags: ["MS_RDONLY"], data: "" }]
      : [{ source: "/dev/null", target, fstype: "", flags: ["MS_BIND"], data: "" }];
  }
  const flags: MountCall["flags"] = ["MS_BIND", "MS_REMOUNT", "MS_RDONLY"];
  return [
    { source: target, target, fstype: "", flags: ["MS_BIND", "MS_REC"], data: "" },
    { source: "", target, fstype: "", flags: [...flags, ...inheritedFlags(target)], data: "" },
  ];
}

/**
 * Carries one step out in the container's mount namespace, after pivot_root.
 *
 * @returns what was mounted; nothing when the path does not exist
 * @throws KernelError as mount(2) does
 */
export function applyPathStep(
  kernel: Pick<Files, "statIfPresent"> & Pick<Mounts, "mount">,
  step: PathStep,
): readonly MountCall[] {
  const stat = kernel.statIfPresent(step.path);
  if (stat === undefined) return [];
  const calls = mountsForPath(step, stat.type === "directory" ? "directory" : "file");
  for (const call of calls) kernel.mount(call);
  return calls;
}
