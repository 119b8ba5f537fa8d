/**
 * Cgroups: limits as data, before and after they were checked.
 *
 * A request has Docker's names and Docker's habit of saying "nothing" in several ways (absent, 0,
 * null, -1). Checked limits are in our own terms: bytes, microseconds, `Infinity` for "no limit",
 * nothing for "not asked".
 *
 * Kernel interface: cgroups(7).
 * Specification: Docker Engine API v1.50, "Resources".
 * Invariants: none; `check.ts` says what must hold between the two.
 * Left out: KernelMemory and KernelMemoryTCP, which newer kernels ignore.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import type { DeviceRule } from "./devices.ts";

/** One entry of `BlkioDeviceReadBps` and its like. */
export interface ThrottleRequest {
  readonly Path: string;
  readonly Rate: number;
}

/** One entry of `BlkioWeightDevice`. */
export interface WeightRequest {
  readonly Path: string;
  readonly Weight: number;
}

/**
 * The part of Docker's `Resources` that cgroups answer for, in Docker's spelling. Zero and absent
 * mean "not asked".
 */
export interface ResourceRequest {
  readonly Memory?: number | undefined;
  readonly MemorySwap?: number | undefined;
  readonly MemoryReservation?: number | undefined;
  readonly MemorySwappiness?: number | null | undefined;
  readonly OomKillDisable?: boolean | null | undefined;
  readonly NanoCpus?: number | undefined;
  readonly CpuShares?: number | undefined;
  readonly CpuPeriod?: number | undefined;
  readonly CpuQuota?: number | undefined;
  readonly CpuRealtimePeriod?: number | undefined;
  readonly CpuRealtimeRuntime?: number | undefined;
  readonly CpusetCpus?: string | undefined;
  readonly CpusetMems?: string | undefined;
  readonly PidsLimit?: number | null | undefined;
  readonly BlkioWeight?: number | undefined;
  readonly BlkioWeightDevice?: readonly WeightRequest[] | null | undefined;
  readonly BlkioDeviceReadBps?: readonly ThrottleRequest[] | null | undefined;
  readonly BlkioDeviceWriteBps?: readonly ThrottleRequest[] | null | undefined;
  readonly BlkioDeviceReadIOps?: readonly ThrottleRequest[] | null | undefined;
  readonly BlkioDeviceWriteIOps?: readonly ThrottleRequest[] | null | undefined;
  readonly DeviceCgroupRules?: readonly string[] | null | undefined;
  /** Ours: any other file of a controller, by its name. */
  readonly CgroupConf?: Readonly<Record<string, string>> | null | undefined;
}

/** What the cgroups of this machine can do, as `openCgroupParent` found out. */
export interface CgroupSupport {
  readonly memoryLimit: boolean;
  readonly swapLimit: boolean;
  readonly memoryReservation: boolean;
  readonly memorySwappiness: boolean;
  readonly oomKillDisable: boolean;
  readonly pidsLimit: boolean;
  readonly cpuShares: boolean;
  readonly cpuQuota: boolean;
  /** Only version 1, and only kernels that divide real time between groups. */
  readonly cpuRealtime: boolean;
  readonly cpuset: boolean;
  readonly blkioWeight: boolean;
  readonly blkioWeightDevice: boolean;
  readonly blkioThrottle: boolean;
  readonly devices: boolean;
  readonly freezer: boolean;
  /** How many CPUs are online. */
  readonly cpuCount: number;
  /** Ids of the CPUs and memory nodes that a cpuset may name, in list form: `"0-3"`. */
  readonly cpus: string;
  readonly mems: string;
}

/** Which direction and unit a block device is throttled in. */
export type ThrottleKind = "read_bps" | "write_bps" | "read_iops" | "write_iops";

/** A limit on one block device, named by its path on the host. */
export interface BlkioThrottle {
  readonly kind: ThrottleKind;
  readonly hostPath: string;
  readonly rate: number;
}

/**
 * Limits that were checked. An absent field leaves the kernel's default alone; `Infinity` lifts a
 * limit.
 */
export interface CgroupLimits {
  readonly memoryMaxBytes?: number | undefined;
  /** Memory and swap together, as Docker counts. */
  readonly memoryAndSwapMaxBytes?: number | undefined;
  readonly memoryReservationBytes?: number | undefined;
  readonly memorySwappiness?: number | undefined;
  readonly oomKillDisabled?: true | undefined;
  readonly cpuShares?: number | undefined;
  readonly cpuPeriodUs?: number | undefined;
  readonly cpuQuotaUs?: number | undefined;
  readonly cpuRealtimePeriodUs?: number | undefined;
  readonly cpuRealtimeRuntimeUs?: number | undefined;
  readonly cpusetCpus?: string | undefined;
  readonly cpusetMems?: string | undefined;
  readonly pidsMax?: number | undefined;
  readonly blkioWeight?: number | undefined;
  readonly blkioWeightDevices?:
    readonly { readonly hostPath: string; readonly weight: number }[] | undefined;
  readonly blkioThrottles?: readonly BlkioThrottle[] | undefined;
  readonly deviceRules?: readonly DeviceRule[] | undefined;
  /** Files of controllers and what goes into them, as the user wrote it. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** A request on its way through the checks. */
export interface Check {
  readonly request: ResourceRequest;
  readonly support: CgroupSupport;
  readonly purpose: "create" | "update";
  /** Notes a warning when something that was asked must be dropped; returns whether it is. */
  readonly warn: (isDropped: boolean, text: string) => boolean;
}

/** A number that was asked for, or undefined: zero and absent say nothing. */
export function asked(value: number | null | undefined): number | undefined {
  return value === null || value === 0 ? undefined : value;
}

/** Refuses a request in Docker's words. */
export function refuse(message: string, hint: string): never {
  throw new RuntimeError({
    code: "resource-invalid",
    class: "invalid",
    operation: "check resources",
    message,
    hint,
  });
}
