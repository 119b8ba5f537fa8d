/**
 * Cgroups: from what Docker's API asks to limits that are known to be possible.
 *
 * A request is checked against what this machine has. What is wrong is refused in Docker's words; what this kernel cannot
 * do is dropped with a warning in Docker's words, never silently. What is left is plain data in our own terms: bytes,
 * microseconds, `Infinity` for "no limit", nothing for "not asked".
 *
 * Kernel interface: cgroups(7).
 * Specification: Docker Engine API v1.50, "Resources".
 * Invariants:
 *   impossible-refused   swap below memory, more CPUs than present, ids out of range: refused, never clipped
 * Left out: KernelMemory and KernelMemoryTCP, which newer kernels ignore; CpuRealtimePeriod and CpuRealtimeRuntime.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import { NANO_CPUS_MIN, nanoCpusToBandwidth, wholePages } from "./arithmetic.ts";
import { type DeviceRule, parseDeviceRule } from "./devices.ts";
import { parseIdList } from "./id-list.ts";

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

/** The part of Docker's `Resources` that cgroups answer for, in Docker's spelling. Zero and absent mean "not asked". */
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

/** Limits that were checked. An absent field leaves the kernel's default alone; `Infinity` lifts a limit. */
export interface CgroupLimits {
  readonly memoryMaxBytes?: number;
  /** Memory and swap together, as Docker counts. */
  readonly memoryAndSwapMaxBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly memorySwappiness?: number;
  readonly oomKillDisabled?: true;
  readonly cpuShares?: number;
  readonly cpuPeriodUs?: number;
  readonly cpuQuotaUs?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pidsMax?: number;
  readonly blkioWeight?: number;
  readonly blkioWeightDevices?: readonly { readonly hostPath: string; readonly weight: number }[];
  readonly blkioThrottles?: readonly BlkioThrottle[];
  readonly deviceRules?: readonly DeviceRule[];
}

/** What a check found: the limits that hold and what had to be dropped, in Docker's words. */
export interface CheckedLimits {
  readonly limits: CgroupLimits;
  readonly warnings: readonly string[];
}

/** Docker's smallest memory limit: below it a container cannot even start. */
const MEMORY_MIN_BYTES = 6 * 1024 * 1024;

/**
 * Checks a request against a machine.
 *
 * @param request Docker's `Resources`
 * @param support what the machine can do
 * @param purpose `create`, or `update` of a live container (where swap may be given alone)
 * @throws RuntimeError `resource-invalid` in Docker's words
 * @example
 * checkResources({ Memory: 1024 }, support); // throws: Minimum memory limit allowed is 6MB
 */
export function checkResources(
  request: ResourceRequest,
  support: CgroupSupport,
  purpose: "create" | "update" = "create",
): CheckedLimits {
  const warnings: string[] = [];
  const warn: Warn = (isDropped, text) => {
    if (isDropped) warnings.push(text);
    return isDropped;
  };
  const limits: CgroupLimits = {
    ...checkMemory(request, { support, warn, purpose }),
    ...checkOom(request, { support, warn, purpose }),
    ...checkPids(request, { support, warn, purpose }),
    ...checkCpu(request, { support, warn, purpose }),
    ...checkCpuset(request, { support, warn, purpose }),
    ...checkBlkioWeights(request, { support, warn, purpose }),
    ...checkBlkioThrottles(request, { support, warn, purpose }),
    ...checkDeviceRules(request),
  };
  return { limits, warnings };
}

/** Notes a warning when something is asked that must be dropped; returns whether it is. */
type Warn = (isDropped: boolean, text: string) => boolean;

interface Check {
  readonly support: CgroupSupport;
  readonly warn: Warn;
  readonly purpose: "create" | "update";
}

function refuse(message: string, hint: string): never {
  throw new RuntimeError({
    code: "resource-invalid",
    class: "invalid",
    operation: "check resources",
    message,
    hint,
  });
}

function checkMemory(request: ResourceRequest, check: Check): CgroupLimits {
  const { support, warn } = check;
  let memory = request.Memory ?? 0;
  let swap = request.MemorySwap ?? 0;
  if (memory !== 0 && memory < MEMORY_MIN_BYTES) {
    refuse("Minimum memory limit allowed is 6MB", "Give at least 6m.");
  }
  const noMemory =
    "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.";
  if (warn(memory > 0 && !support.memoryLimit, noMemory)) [memory, swap] = [0, -1];
  const noSwap =
    "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.";
  if (warn(memory > 0 && swap !== -1 && !support.swapLimit, noSwap)) swap = -1;
  // Docker's default: as much swap again as there is memory.
  if (memory > 0 && swap === 0) swap = memory * 2;
  refuseSwap(memory, swap, check.purpose);
  return {
    ...checkReservation(request, memory, check),
    ...(memory > 0 && { memoryMaxBytes: wholePages(memory) }),
    ...(swap > 0 && { memoryAndSwapMaxBytes: wholePages(swap) }),
    ...(swap === -1 && support.swapLimit && { memoryAndSwapMaxBytes: Number.POSITIVE_INFINITY }),
  };
}

function refuseSwap(memory: number, swap: number, purpose: Check["purpose"]): void {
  if (swap < -1) {
    refuse(
      "Invalid memory swap limit",
      "Give -1 for unlimited swap, or memory plus swap in bytes.",
    );
  }
  if (memory > 0 && swap > 0 && swap < memory) {
    refuse(
      "Minimum memoryswap limit should be larger than memory limit, see usage",
      "The swap limit counts memory and swap together.",
    );
  }
  if (memory === 0 && swap > 0 && purpose === "create") {
    refuse(
      "You should always set the Memory limit when using Memoryswap limit, see usage",
      "Give --memory too.",
    );
  }
}

function checkReservation(request: ResourceRequest, memory: number, check: Check): CgroupLimits {
  const reservation = request.MemoryReservation ?? 0;
  const dropped = check.warn(
    reservation > 0 && !check.support.memoryReservation,
    "Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.",
  );
  if (dropped || reservation === 0) return {};
  if (reservation < MEMORY_MIN_BYTES) {
    refuse("Minimum memory reservation allowed is 6MB", "Give at least 6m.");
  }
  if (memory > 0 && memory < reservation) {
    refuse(
      "Minimum memory limit can not be less than memory reservation limit, see usage",
      "Raise --memory or lower --memory-reservation.",
    );
  }
  return { memoryReservationBytes: wholePages(reservation) };
}

function checkOom(request: ResourceRequest, { support, warn }: Check): CgroupLimits {
  const swappiness = request.MemorySwappiness ?? -1;
  if (swappiness < -1 || swappiness > 100) {
    refuse(
      `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`,
      "Give a number from 0 to 100.",
    );
  }
  const noSwappiness = warn(
    swappiness >= 0 && !support.memorySwappiness,
    "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
  );
  const wantsNoKill = request.OomKillDisable === true;
  const noOom = warn(
    wantsNoKill && !support.oomKillDisable,
    "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
  );
  warn(
    wantsNoKill && !noOom && (request.Memory ?? 0) === 0,
    "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
  );
  return {
    ...(swappiness >= 0 && !noSwappiness && { memorySwappiness: swappiness }),
    ...(wantsNoKill && !noOom && { oomKillDisabled: true as const }),
  };
}

function checkPids(request: ResourceRequest, { support, warn, purpose }: Check): CgroupLimits {
  const asked = request.PidsLimit ?? 0;
  const dropped = warn(
    asked > 0 && !support.pidsLimit,
    "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.",
  );
  if (dropped) return {};
  if (asked > 0) return { pidsMax: asked };
  const lifts = purpose === "update" && support.pidsLimit && typeof request.PidsLimit === "number";
  return lifts ? { pidsMax: Number.POSITIVE_INFINITY } : {};
}

function checkCpu(request: ResourceRequest, { support, warn }: Check): CgroupLimits {
  const nano = request.NanoCpus ?? 0;
  const period = request.CpuPeriod ?? 0;
  const quota = request.CpuQuota ?? 0;
  const shares = request.CpuShares ?? 0;
  refuseNanoCpus({ nano, period, quota }, support);
  const noShares = warn(
    shares > 0 && !support.cpuShares,
    "Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.",
  );
  const noQuota = warn(
    (period !== 0 || quota !== 0) && !support.cpuQuota,
    "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.",
  );
  if (shares < 0) refuse("Invalid CPU shares: must not be negative", "Give 2 to 262144.");
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    refuse(
      "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
      "The period is in microseconds.",
    );
  }
  if (quota > 0 && quota < 1000) {
    refuse("CPU cfs quota can not be less than 1ms (i.e. 1000)", "The quota is in microseconds.");
  }
  const bandwidth = nano > 0 ? nanoCpusToBandwidth(nano) : undefined;
  const periodUs = bandwidth?.periodUs ?? period;
  const quotaUs = bandwidth?.quotaUs ?? (quota < 0 ? Number.POSITIVE_INFINITY : quota);
  return {
    ...(shares > 0 && !noShares && { cpuShares: shares }),
    ...(periodUs > 0 && !noQuota && { cpuPeriodUs: periodUs }),
    ...(quotaUs > 0 && !noQuota && { cpuQuotaUs: quotaUs }),
  };
}

function refuseNanoCpus(
  { nano, period, quota }: { nano: number; period: number; quota: number },
  support: CgroupSupport,
): void {
  if (nano === 0) return;
  const hint = "Give --cpus alone, it sets period and quota.";
  if (period > 0) refuse("Conflicting options: Nano CPUs and CPU Period cannot both be set.", hint);
  if (quota > 0) refuse("Conflicting options: Nano CPUs and CPU Quota cannot both be set.", hint);
  if (!support.cpuQuota) {
    refuse(
      "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted",
      "Mount the cpu controller.",
    );
  }
  const count = support.cpuCount;
  if (nano < NANO_CPUS_MIN || nano > count * 1e9) {
    refuse(
      `Range of CPUs is from 0.01 to ${count}.00, as there are only ${count} CPUs available`,
      "Give fewer CPUs, or more than 0.01.",
    );
  }
}

function checkCpuset(request: ResourceRequest, { support, warn }: Check): CgroupLimits {
  const cpus = request.CpusetCpus ?? "";
  const mems = request.CpusetMems ?? "";
  const dropped = warn(
    (cpus !== "" || mems !== "") && !support.cpuset,
    "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.",
  );
  if (dropped) return {};
  refuseIds("cpus", "CPUs", cpus, support.cpus);
  refuseIds("mems", "memory nodes", mems, support.mems);
  return { ...(cpus !== "" && { cpusetCpus: cpus }), ...(mems !== "" && { cpusetMems: mems }) };
}

function refuseIds(file: "cpus" | "mems", noun: string, asked: string, available: string): void {
  const ids = parseIdList(asked);
  if (ids === undefined) {
    refuse(`Invalid value ${asked} for cpuset ${file}`, "Give a list such as 0-2,4.");
  }
  const present = new Set(parseIdList(available));
  if (ids.some((id) => !present.has(id))) {
    refuse(
      `Requested ${noun} are not available - requested ${asked}, available: ${available}`,
      `Name only ${noun} out of ${available}.`,
    );
  }
}

function checkBlkioWeights(request: ResourceRequest, { support, warn }: Check): CgroupLimits {
  const weight = request.BlkioWeight ?? 0;
  const devices = request.BlkioWeightDevice ?? [];
  const noWeight = warn(
    weight > 0 && !support.blkioWeight,
    "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.",
  );
  for (const asked of [weight, ...devices.map((device) => device.Weight)]) {
    if (asked !== 0 && (asked < 10 || asked > 1000)) {
      refuse("Range of blkio weight is from 10 to 1000", "Give 10 to 1000, or 0 for the default.");
    }
  }
  const noDevices = warn(
    devices.length > 0 && !support.blkioWeightDevice,
    "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.",
  );
  const kept = devices.map(({ Path, Weight }) => ({ hostPath: Path, weight: Weight }));
  return {
    ...(weight > 0 && !noWeight && { blkioWeight: weight }),
    ...(kept.length > 0 && !noDevices && { blkioWeightDevices: kept }),
  };
}

const THROTTLES = [
  ["BlkioDeviceReadBps", "read_bps", "BPS Block I/O read limit", "Block I/O BPS read limit"],
  ["BlkioDeviceWriteBps", "write_bps", "BPS Block I/O write limit", "Block I/O BPS write limit"],
  ["BlkioDeviceReadIOps", "read_iops", "IOPS Block read limit", "Block I/O IOPS read limit"],
  ["BlkioDeviceWriteIOps", "write_iops", "IOPS Block write limit", "Block I/O IOPS write limit"],
] as const;

function checkBlkioThrottles(request: ResourceRequest, { support, warn }: Check): CgroupLimits {
  const throttles: BlkioThrottle[] = [];
  for (const [field, kind, missing, dropped] of THROTTLES) {
    const asked = request[field] ?? [];
    const isDropped = warn(
      asked.length > 0 && !support.blkioThrottle,
      `Your kernel does not support ${missing} or the cgroup is not mounted. ${dropped} discarded.`,
    );
    if (isDropped) continue;
    throttles.push(...asked.map(({ Path, Rate }) => ({ kind, hostPath: Path, rate: Rate })));
  }
  return throttles.length > 0 ? { blkioThrottles: throttles } : {};
}

function checkDeviceRules(request: ResourceRequest): CgroupLimits {
  const texts = request.DeviceCgroupRules ?? [];
  return texts.length > 0 ? { deviceRules: texts.map((text) => parseDeviceRule(text)) } : {};
}
