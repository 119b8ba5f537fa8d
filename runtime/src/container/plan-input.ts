/**
 * Plan input: every fact that a container's plan depends on.
 *
 * The plan is a pure function. So whatever has to be asked of the machine, or of other containers,
 * is asked before and handed over as data: then the same plan can be printed, tested, run in the
 * page and run for real.
 *
 * Kernel interface: none.
 * Invariants: see `plan.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import type { CgroupParent } from "../cgroups/index.ts";
import type { BpfInstruction, DeviceNode, HostPid, ResourceLimit } from "../kernel/index.ts";
import type { OverlayRequest } from "../layers/index.ts";
import type { IdMaps, NamespaceKind } from "../namespaces/index.ts";
import type { MountSpec } from "../volumes/index.ts";
import type { ContainerConfig, HostConfig } from "./config.ts";

/** Where a container's files are on the host. All absolute, but for the layers. */
export interface PlanPaths {
  /**
   * An existing empty directory; the container's tree is mounted there, in init's mount namespace
   * only.
   */
  readonly rootfs: string;
  /** The image's layers and the container's own, as overlay stacks them. */
  readonly layers: Pick<OverlayRequest, "directory" | "lowers"> & {
    readonly upper: string;
    readonly work: string;
  };
  readonly hostname: string;
  readonly hosts: string;
  readonly resolvConf: string;
  /**
   * With `IpcMode` shareable, host or container:X: the host directory that is bound to /dev/shm.
   */
  readonly sharedMemory: string | null;
}

/** A device node of the host that shall appear in the container. */
export interface HostDevice {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly node: DeviceNode;
  readonly hostUid: number;
  readonly hostGid: number;
  /** Letters of r, w and m, for the devices cgroup. */
  readonly access: string;
}

/** What the machine, and the keeper's place on it, allow. */
export interface MachineFacts {
  readonly cgroupParent: CgroupParent;
  /** `major:minor` of each block device that a limit names: `readBlockDevices`. */
  readonly blockDevices: ReadonlyMap<string, string>;
  /** The engine's own bounding set. */
  readonly capabilities: readonly string[];
  /**
   * The text of /proc/self/mountinfo: a read-only bind keeps the flags of the mount it is made of.
   */
  readonly mountinfo: string;
  /** The engine's own limits. */
  readonly limits: readonly ResourceLimit[];
  /** File systems of /proc/filesystems: without mqueue there is no /dev/mqueue. */
  readonly filesystems: ReadonlySet<string>;
}

/** Everything that `planContainer` needs. */
export interface PlanInput {
  readonly id: string;
  /** Completed with what the image says: `completeConfig`. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** What is mounted beside what `hostConfig` says: of `--volumes-from`. */
  readonly inheritedMounts: readonly MountSpec[];
  readonly paths: PlanPaths;
  readonly machine: MachineFacts;
  /** For each namespace that is shared with another container: that container's process. */
  readonly joins: Readonly<Partial<Record<NamespaceKind, HostPid>>>;
  /** Maps of a private user namespace: `planIdMaps`. */
  readonly idMaps: IdMaps | null;
  /** `--device`, or every device of the host when privileged: `readDevices`. */
  readonly devices: readonly HostDevice[];
  /** The compiled filter; null: unconfined. */
  readonly seccomp: readonly BpfInstruction[] | null;
  /** `--init`: host path of the program that shall be the first process; null: the container's. */
  readonly initProgram: string | null;
}

/** Everything that `planExec` needs. */
export interface ExecPlanInput {
  /** The container's first process. */
  readonly hostPid: HostPid;
  /** The kinds in which that process differs from the keeper: `differingKinds`. */
  readonly kinds: readonly NamespaceKind[];
  /** Files to open and write "0" to, of the container's cgroup: `joinFiles`. */
  readonly cgroupFiles: readonly string[];
  /** The container's. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly machine: Pick<MachineFacts, "capabilities" | "limits">;
  readonly seccomp: readonly BpfInstruction[] | null;
  readonly command: readonly string[];
  /** Added to the container's environment. */
  readonly env: readonly string[];
  /** Empty: the container's. */
  readonly user: string;
  /** Empty: the container's. */
  readonly workingDir: string;
  readonly tty: boolean;
  readonly privileged: boolean;
}
