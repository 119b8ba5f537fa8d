/**
 * Cgroups: the arithmetic between what people ask and what controllers take.
 *
 * People ask for "1.5 CPUs" and "50 MB"; version 1 wants shares, quotas and bytes; version 2 wants
 * weights. Each of these maps is small and each has gone wrong somewhere: a limit rounded to zero
 * is no limit at all.
 *
 * Kernel interface: cgroups(7); kernel documentation, admin-guide/cgroup-v2.rst, "Weights",
 *   "cpu.max".
 * Specification: OCI runtime-spec, config-linux.md, "Control groups".
 * Invariants:
 *   weight-monotone     a weight is 0 or in 1..10000 and never falls when the shares rise
 *   quota-never-zero    a positive CPU limit gives a quota of limit x period, within one
 *                       microsecond, that the kernel takes
 *   limit-round-trip    parsing a printed limit gives it back, "max" included
 *   memory-whole-pages  a memory limit becomes a whole number of pages, never more than was asked,
 *                       and swap is never negative
 * Left out: the curve that newer crun and runc use so that 1024 shares become exactly weight 100;
 *   ours is the line of Docker 28.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */

/** The page of every machine that Drydock runs on has at least this many bytes. */
export const PAGE_BYTES = 4096;

/** The shares of version 1, for which Docker asks, go from here */
export const SHARES_MIN = 2;
/** to here. */
export const SHARES_MAX = 262_144;
const WEIGHT_MAX = 10_000;

/**
 * Maps the CPU shares of version 1 (2..262144) onto the weight of version 2 (1..10000), as runc
 * does.
 *
 * @param shares 0 means "not set" and stays 0; values outside the range are pulled into it, as the
 *   kernel does
 * @example sharesToWeight(262144) // 10000
 */
export function sharesToWeight(shares: number): number {
  if (shares <= 0) return 0;
  const inRange = Math.min(Math.max(shares, SHARES_MIN), SHARES_MAX);
  return 1 + Math.floor(((inRange - SHARES_MIN) * (WEIGHT_MAX - 1)) / (SHARES_MAX - SHARES_MIN));
}

/**
 * Maps the block I/O weight of version 1 (10..1000) onto the weight of version 2 (1..10000), as
 * runc does.
 *
 * @example blkioToIoWeight(1000) // 10000
 */
export function blkioToIoWeight(weight: number): number {
  if (weight <= 0) return 0;
  const inRange = Math.min(Math.max(weight, 10), 1000);
  return 1 + Math.floor(((inRange - 10) * (WEIGHT_MAX - 1)) / 990);
}

/** How long a cgroup may run (`quotaUs`) in each period; a quota of `Infinity` is no limit. */
export interface CpuBandwidth {
  readonly quotaUs: number;
  readonly periodUs: number;
}

/** The shortest quota and the longest period that the kernel takes. */
const QUOTA_MIN_US = 1000;
const PERIOD_MAX_US = 1_000_000;
const PERIOD_DEFAULT_US = 100_000;

/** The smallest CPU limit that the kernel can keep: one millisecond in each second. */
export const NANO_CPUS_MIN = 1_000_000;

/**
 * Turns billionths of a CPU into a bandwidth.
 *
 * The period is the kernel's default, but for limits below 0.01 CPU: there the quota would be under
 * the kernel's minimum of one millisecond, so the period grows instead.
 *
 * @param nanoCpus at least `NANO_CPUS_MIN`
 * @example nanoCpusToBandwidth(1_500_000_000) // { quotaUs: 150000, periodUs: 100000 }
 */
export function nanoCpusToBandwidth(nanoCpus: number): CpuBandwidth {
  const quotaUs = Math.floor((nanoCpus * PERIOD_DEFAULT_US) / 1e9);
  if (quotaUs >= QUOTA_MIN_US) return { quotaUs, periodUs: PERIOD_DEFAULT_US };
  return { quotaUs: Math.floor((nanoCpus * PERIOD_MAX_US) / 1e9), periodUs: PERIOD_MAX_US };
}

/** Rounds a number of bytes down to whole pages, as the kernel does. `Infinity` stays. */
export function wholePages(bytes: number): number {
  return Number.isFinite(bytes) ? Math.floor(bytes / PAGE_BYTES) * PAGE_BYTES : bytes;
}

/**
 * The swap that is left when `totalBytes` is the limit of memory and swap together: version 2
 * counts swap alone.
 *
 * @example swapOnly(200 << 20, 50 << 20) // 150 << 20
 */
export function swapOnly(totalBytes: number, memoryBytes: number): number {
  if (!Number.isFinite(totalBytes)) return Number.POSITIVE_INFINITY;
  if (!Number.isFinite(memoryBytes)) return 0;
  return Math.max(0, wholePages(totalBytes) - wholePages(memoryBytes));
}

/** Prints a limit as version 2 files want it: `"max"` for `Infinity`. */
export function formatLimit(value: number): string {
  return Number.isFinite(value) ? value.toFixed(0) : "max";
}

/**
 * The largest limit that counts as one: version 1 prints "no limit" as the largest whole number of
 * pages in 63 bits.
 */
const UNLIMITED_FROM = 2 ** 62;

/**
 * Parses what a limit file says: `"max"`, version 1's `-1` and version 1's huge number are
 * `Infinity`.
 */
export function parseLimit(text: string): number {
  const trimmed = text.trim();
  if (trimmed === "max" || trimmed.startsWith("-")) return Number.POSITIVE_INFINITY;
  const value = Number(trimmed);
  return value >= UNLIMITED_FROM ? Number.POSITIVE_INFINITY : value;
}
