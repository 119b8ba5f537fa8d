/**
 * Container configuration: what a client asked for, in the field names of the Docker Engine API.
 *
 * A client sends `Config` (what the image could also say: command, environment, user) and
 * `HostConfig` (what only this machine can say: limits, mounts, namespaces). The API room validates
 * and fills in defaults, so that everybody behind it sees complete, plain, readonly data.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, ContainerConfig and HostConfig.
 * Invariants: none.
 * Left out: fields of Windows and of networks that do not exist yet are carried for `inspect` in
 *   `rest`.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import type { HealthConfig } from "./health.ts";

/** The part of a request that an image can also give. */
export interface ContainerConfig {
  readonly Hostname: string;
  readonly Domainname: string;
  /** `user`, `uid`, `user:group` or `uid:gid`; empty means root. */
  readonly User: string;
  readonly AttachStdin: boolean;
  readonly AttachStdout: boolean;
  readonly AttachStderr: boolean;
  readonly Tty: boolean;
  readonly OpenStdin: boolean;
  readonly StdinOnce: boolean;
  /** `NAME=value` */
  readonly Env: readonly string[];
  /** null: take the image's. */
  readonly Cmd: readonly string[] | null;
  readonly Entrypoint: readonly string[] | null;
  readonly Image: string;
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly Volumes: Readonly<Record<string, object>>;
  readonly StopSignal: string;
  /** Seconds; null: 10. */
  readonly StopTimeout: number | null;
  /** Absent or null: none. */
  readonly Healthcheck?: HealthConfig | null;
}

/** One `--ulimit`. -1 is unlimited. */
export interface UlimitConfig {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/** One entry of `HostConfig.Mounts`. */
export interface MountConfig {
  readonly Type: string;
  readonly Source: string;
  readonly Target: string;
  readonly ReadOnly: boolean;
  readonly BindOptions: {
    readonly Propagation?: string;
    readonly NonRecursive?: boolean;
    readonly CreateMountpoint?: boolean;
  } | null;
  readonly TmpfsOptions: { readonly SizeBytes?: number; readonly Mode?: number } | null;
}

/** A path with a rate, for blkio throttling. */
export interface ThrottleDevice {
  readonly Path: string;
  readonly Rate: number;
}

/** Limits, as the API spells them; 0 means not limited. */
export interface ResourcesConfig {
  readonly Memory: number;
  readonly MemorySwap: number;
  readonly MemoryReservation: number;
  readonly MemorySwappiness: number | null;
  readonly OomKillDisable: boolean;
  readonly NanoCpus: number;
  readonly CpuShares: number;
  readonly CpuPeriod: number;
  readonly CpuQuota: number;
  readonly CpuRealtimePeriod?: number;
  readonly CpuRealtimeRuntime?: number;
  readonly CpusetCpus: string;
  readonly CpusetMems: string;
  /** null, 0 or -1: not limited. */
  readonly PidsLimit: number | null;
  readonly BlkioWeight: number;
  readonly BlkioWeightDevice: readonly { readonly Path: string; readonly Weight: number }[];
  readonly BlkioDeviceReadBps: readonly ThrottleDevice[];
  readonly BlkioDeviceWriteBps: readonly ThrottleDevice[];
  readonly BlkioDeviceReadIOps: readonly ThrottleDevice[];
  readonly BlkioDeviceWriteIOps: readonly ThrottleDevice[];
  readonly Devices: readonly {
    readonly PathOnHost: string;
    readonly PathInContainer: string;
    readonly CgroupPermissions: string;
  }[];
  readonly DeviceCgroupRules: readonly string[];
  readonly Ulimits: readonly UlimitConfig[];
  /** Ours: files of cgroup controllers by name. */
  readonly CgroupConf?: Readonly<Record<string, string>>;
}

/** The part of a request that only this machine can give. */
export interface HostConfig extends ResourcesConfig {
  readonly Binds: readonly string[];
  readonly Mounts: readonly MountConfig[];
  readonly Tmpfs: Readonly<Record<string, string>>;
  /** Containers whose mounts are wanted too, as NAME[:ro]; what they were is in the definition. */
  readonly VolumesFrom?: readonly string[];
  readonly NetworkMode: string;
  readonly PidMode: string;
  readonly IpcMode: string;
  readonly UTSMode: string;
  readonly UsernsMode: string;
  readonly CgroupnsMode: string;
  readonly CgroupParent: string;
  readonly AutoRemove: boolean;
  readonly Privileged: boolean;
  readonly ReadonlyRootfs: boolean;
  readonly CapAdd: readonly string[];
  readonly CapDrop: readonly string[];
  readonly SecurityOpt: readonly string[];
  readonly GroupAdd: readonly string[];
  readonly OomScoreAdj: number;
  readonly ShmSize: number;
  readonly Sysctls: Readonly<Record<string, string>>;
  readonly Init: boolean | null;
  readonly RestartPolicy: { readonly Name: string; readonly MaximumRetryCount: number };
  readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
  readonly ExtraHosts: readonly string[];
  readonly Dns: readonly string[];
  readonly DnsSearch: readonly string[];
  readonly DnsOptions: readonly string[];
  readonly PortBindings: Readonly<
    Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>
  >;
  readonly PublishAllPorts: boolean;
  /** null: Docker's defaults. */
  readonly MaskedPaths: readonly string[] | null;
  readonly ReadonlyPaths: readonly string[] | null;
  /** [rows, columns] of the client's terminal; [0, 0] when unknown. */
  readonly ConsoleSize: readonly [number, number];
  /** For who reads it in inspect: the runtime here is the engine itself and needs none. */
  readonly Annotations?: Readonly<Record<string, string>>;
  /** Where the client wrote the container's id; only to be shown. */
  readonly ContainerIDFile?: string;
}
