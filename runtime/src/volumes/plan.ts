/**
 * Volumes: from wishes to mounts.
 *
 * A bind mount makes one directory (or file) appear at a second place. The kernel takes "bind" and
 * "read-only" in two calls: the second one changes the flags of the new mount, all of them at once,
 * so the flags that the source's mount had (nosuid, nodev, noexec) must be repeated, or a read-only
 * mount would quietly allow set-user-id programs again.
 *
 * Where the target lies inside the container is resolved when it is mounted, without following
 * links out of the root.
 *
 * Kernel interface: mount(2) MS_BIND, MS_REC, MS_REMOUNT; mount_namespaces(7), proc(5) mountinfo.
 * Specification: Docker Engine API v1.50, MountPoint.
 * Invariants:
 *   remount-keeps-flags   a read-only bind has the restrictions of its source's mount and read-only
 * Left out: mounts below a recursive read-only bind stay writable, as with Docker before API v1.44;
 *   mount_setattr(2) would change that. Docker also checks that the source of a shared bind is
 *   itself shared.
 * Docs: docs/concepts/volumes.md
 *
 * @module
 */
import type { MountFlag } from "../kernel/index.ts";
import type { MountSpec, Propagation } from "./mount-spec.ts";

/** One mount in the container, in the order in which to make them. */
export type VolumeMount =
  | {
      readonly type: "bind";
      readonly hostPath: string;
      readonly containerPath: string;
      readonly isRecursive: boolean;
      /** Flags for a second call with MS_BIND and MS_REMOUNT; none: no second call. */
      readonly remountFlags: readonly MountFlag[];
      /** Flags for a last call that sets the propagation. */
      readonly propagation: readonly MountFlag[];
    }
  | {
      readonly type: "tmpfs";
      readonly containerPath: string;
      readonly flags: readonly MountFlag[];
      readonly data: string;
    };

/**
 * Plans the mounts. Pure.
 *
 * @param specs as `parseMountSpecs` ordered them
 * @param mountinfo the text of /proc/self/mountinfo, to know the flags of the sources' mounts
 */
export function planVolumes(
  specs: readonly MountSpec[],
  mountinfo: string,
): readonly VolumeMount[] {
  return specs.map((spec): VolumeMount => {
    if (spec.type === "tmpfs") {
      const { flags, data } = spec.options;
      const readOnly = spec.isReadOnly && !flags.includes("MS_RDONLY");
      const all: readonly MountFlag[] = readOnly ? [...flags, "MS_RDONLY"] : flags;
      return { type: "tmpfs", containerPath: spec.containerPath, flags: all, data };
    }
    const kept = spec.isReadOnly ? flagsOfMountAt(mountinfo, spec.hostPath) : [];
    return {
      type: "bind",
      hostPath: spec.hostPath,
      containerPath: spec.containerPath,
      isRecursive: spec.isRecursive,
      remountFlags: spec.isReadOnly ? [...new Set<MountFlag>(["MS_RDONLY", ...kept])] : [],
      propagation: PROPAGATION_FLAGS[spec.propagation],
    };
  });
}

const PROPAGATION_FLAGS: Readonly<Record<Propagation, readonly MountFlag[]>> = {
  private: ["MS_PRIVATE"],
  rprivate: ["MS_PRIVATE", "MS_REC"],
  shared: ["MS_SHARED"],
  rshared: ["MS_SHARED", "MS_REC"],
  slave: ["MS_SLAVE"],
  rslave: ["MS_SLAVE", "MS_REC"],
};

/** What the kernel prints for each flag of a mount. */
const FLAG_OF_OPTION: Readonly<Record<string, MountFlag>> = {
  ro: "MS_RDONLY",
  nosuid: "MS_NOSUID",
  nodev: "MS_NODEV",
  noexec: "MS_NOEXEC",
  noatime: "MS_NOATIME",
  relatime: "MS_RELATIME",
};

/**
 * The flags of the mount that a path is on: of those whose mount point is above the path the
 * longest, of equals the last.
 *
 * @example flagsOfMountAt("24 1 0:6 / / rw,nosuid,relatime - ext4 /dev/vda rw", "/srv") //
 *   ["MS_NOSUID", "MS_RELATIME"]
 */
export function flagsOfMountAt(mountinfo: string, path: string): readonly MountFlag[] {
  let best = { mountPoint: "", options: "" };
  for (const line of mountinfo.split("\n")) {
    const [, , , , escaped = "", options = ""] = line.split(" ");
    const mountPoint = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const isAbove = mountPoint === "/" || path === mountPoint || path.startsWith(`${mountPoint}/`);
    const isCloser = mountPoint.length >= best.mountPoint.length;
    if (mountPoint !== "" && isAbove && isCloser) best = { mountPoint, options };
  }
  return best.options.split(",").flatMap((option) => FLAG_OF_OPTION[option] ?? []);
}

/** One entry of `Mounts` in Docker's inspect. */
export interface MountPoint {
  readonly Type: "bind" | "tmpfs";
  readonly Source: string;
  readonly Destination: string;
  readonly Mode: string;
  readonly RW: boolean;
  readonly Propagation: string;
}

/** What inspect shows of the mounts. Those of `--tmpfs` are not among them, as with Docker. */
export function inspectMounts(specs: readonly MountSpec[]): readonly MountPoint[] {
  return specs.flatMap((spec): readonly MountPoint[] => {
    const common = { Destination: spec.containerPath, RW: !spec.isReadOnly };
    if (spec.type === "bind") {
      const { hostPath, mode, propagation } = spec;
      return [{ Type: "bind", Source: hostPath, ...common, Mode: mode, Propagation: propagation }];
    }
    return spec.isListed
      ? [{ Type: "tmpfs", Source: "", ...common, Mode: "", Propagation: "" }]
      : [];
  });
}
