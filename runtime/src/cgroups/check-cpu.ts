/**
 * Cgroups: are these CPU and process limits possible?
 *
 * `NanoCpus` (--cpus) is one way to say it, `CpuPeriod` and `CpuQuota` are another, and both at
 * once contradict each other.
 * Shares are no limit at all: they count only while others want the CPU too. Processes of a
 * real-time class go before all others, so a cgroup gives them no time at all until it is told how
 * much of each period they may take.
 *
 * Kernel interface: cgroups(7).
 * Specification: Docker Engine API v1.50, "Resources".
 * Invariants: none of its own, see `check.ts`.
 * Left out: CpuPercent and CpuCount of Windows.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import { NANO_CPUS_MIN, nanoCpusToBandwidth } from "./arithmetic.ts";
import { parseIdList } from "./id-list.ts";
import { asked, type CgroupLimits, type CgroupSupport, type Check, refuse } from "./limits.ts";

/** Checks `PidsLimit`: 0, -1 and null are no limit. */
export function checkPids({ request, support, purpose, warn }: Check): CgroupLimits {
  const limit = request.PidsLimit ?? 0;
  const isDropped = warn(
    limit > 0 && !support.pidsLimit,
    "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.",
  );
  if (isDropped || !support.pidsLimit) return {};
  if (limit > 0) return { pidsMax: limit };
  // In an update, a number that is no limit lifts the one that was there.
  const lifts = purpose === "update" && typeof request.PidsLimit === "number";
  return lifts ? { pidsMax: Number.POSITIVE_INFINITY } : {};
}

/** Checks `NanoCpus`, `CpuPeriod`, `CpuQuota` and `CpuShares`. */
export function checkCpu(check: Check): CgroupLimits {
  const nanoCpus = asked(check.request.NanoCpus);
  if (nanoCpus !== undefined) checkNanoCpus(check, nanoCpus);
  const cpuShares = checkShares(check);
  if (nanoCpus === undefined) return { cpuShares, ...checkBandwidth(check) };
  const { periodUs, quotaUs } = nanoCpusToBandwidth(nanoCpus);
  return { cpuShares, cpuPeriodUs: periodUs, cpuQuotaUs: quotaUs };
}

function checkNanoCpus({ request, support }: Check, nanoCpus: number): void {
  const hint = "Give --cpus alone, it sets period and quota.";
  if ((asked(request.CpuPeriod) ?? 0) > 0) {
    refuse("Conflicting options: Nano CPUs and CPU Period cannot both be set", hint);
  }
  if ((asked(request.CpuQuota) ?? 0) > 0) {
    refuse("Conflicting options: Nano CPUs and CPU Quota cannot both be set", hint);
  }
  if (!support.cpuQuota) {
    refuse(
      "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted",
      "Mount the cpu controller.",
    );
  }
  const count = support.cpuCount;
  if (nanoCpus < NANO_CPUS_MIN || nanoCpus > count * 1e9) {
    refuse(
      `Range of CPUs is from 0.01 to ${count}.00, as there are only ${count} CPUs available`,
      "Give fewer CPUs, or more than 0.01.",
    );
  }
}

function checkShares({ request, support, warn }: Check): number | undefined {
  const shares = asked(request.CpuShares);
  if (shares === undefined) return undefined;
  if (shares < 0) refuse("Invalid CPU shares: must not be negative", "Give 2 to 262144.");
  const isDropped = warn(
    !support.cpuShares,
    "Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.",
  );
  return isDropped ? undefined : shares;
}

function checkBandwidth({ request, support, warn }: Check): CgroupLimits {
  const period = asked(request.CpuPeriod);
  const quota = asked(request.CpuQuota);
  const isDropped = warn(
    (period !== undefined || quota !== undefined) && !support.cpuQuota,
    "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.",
  );
  if (isDropped) return {};
  if (period !== undefined && (period < 1000 || period > 1_000_000)) {
    refuse(
      "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
      "The period is in microseconds.",
    );
  }
  return { cpuPeriodUs: period, cpuQuotaUs: quota === undefined ? undefined : checkQuota(quota) };
}

function checkQuota(quota: number): number {
  if (quota < 0) return Number.POSITIVE_INFINITY;
  if (quota >= 1000) return quota;
  return refuse(
    "CPU cfs quota can not be less than 1ms (i.e. 1000)",
    "The quota is in microseconds.",
  );
}

/** Checks `CpuRealtimePeriod` and `CpuRealtimeRuntime`. */
export function checkRealtime({ request, support }: Check): CgroupLimits {
  const period = asked(request.CpuRealtimePeriod);
  const runtime = asked(request.CpuRealtimeRuntime);
  if ((period ?? runtime) === undefined) return {};
  if (!support.cpuRealtime) {
    refuse(
      "Your kernel does not support CPU real-time scheduler",
      "Only cgroup v1 divides real time, on kernels with CONFIG_RT_GROUP_SCHED.",
    );
  }
  if (period !== undefined && runtime !== undefined && runtime > period) {
    refuse(
      "cpu real-time runtime cannot be higher than cpu real-time period",
      "Both are in microseconds: how much of each period real-time processes may take.",
    );
  }
  return { cpuRealtimePeriodUs: period, cpuRealtimeRuntimeUs: runtime };
}

/** Checks `CpusetCpus` and `CpusetMems`. */
export function checkCpuset({ request, support, warn }: Check): CgroupLimits {
  const cpusetCpus = request.CpusetCpus || undefined;
  const cpusetMems = request.CpusetMems || undefined;
  const isDropped = warn(
    (cpusetCpus ?? cpusetMems) !== undefined && !support.cpuset,
    "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.",
  );
  if (isDropped) return {};
  if (cpusetCpus !== undefined) checkIds("cpus", cpusetCpus, support);
  if (cpusetMems !== undefined) checkIds("mems", cpusetMems, support);
  return { cpusetCpus, cpusetMems };
}

function checkIds(kind: "cpus" | "mems", text: string, support: CgroupSupport): void {
  const noun = kind === "cpus" ? "CPUs" : "memory nodes";
  const ids = parseIdList(text);
  if (ids === undefined) {
    refuse(`Invalid value ${text} for cpuset ${kind}`, "Give a list such as 0-2,4.");
  }
  const available = support[kind];
  const present = new Set(parseIdList(available));
  if (ids.some((id) => !present.has(id))) {
    refuse(
      `Requested ${noun} are not available - requested ${text}, available: ${available}`,
      `Name only ${noun} out of ${available}.`,
    );
  }
}
