/**
 * Resource limits: numbers of the resources and of "unlimited".
 *
 * Kernel interface: getrlimit(2).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
const NAMES = `
RLIMIT_CPU RLIMIT_FSIZE RLIMIT_DATA RLIMIT_STACK RLIMIT_CORE RLIMIT_RSS RLIMIT_NPROC RLIMIT_NOFILE
RLIMIT_MEMLOCK RLIMIT_AS RLIMIT_LOCKS RLIMIT_SIGPENDING RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_RTPRIO
RLIMIT_RTTIME`
  .trim()
  .split(/\s+/);
const RLIM_INFINITY = 2n ** 64n - 1n;

/**
 * The number of a resource.
 *
 * @returns the number, or undefined for an unknown name
 * @example resourceNumber("RLIMIT_NOFILE") // 7
 */
export function resourceNumber(name: string): number | undefined {
  const index = NAMES.indexOf(name);
  return index < 0 ? undefined : index;
}

/** A limit as the kernel takes it, `struct rlimit64`: soft and hard. */
export function packLimit(soft: number, hard: number): BigUint64Array {
  const word = (limit: number): bigint => (Number.isFinite(limit) ? BigInt(limit) : RLIM_INFINITY);
  return new BigUint64Array([word(soft), word(hard)]);
}
