/**
 * Resource limits: their names, and what a process begins with.
 *
 * Kernel interface: getrlimit(2), proc_pid_limits(5).
 * Invariants: none.
 * Left out: none is enforced.
 * Docs: docs/concepts/model.md
 *
 * @module
 */

/** One limit: its line in /proc/PID/limits and its first soft and hard value. */
export interface LimitKind {
  readonly title: string;
  readonly unit: string;
  readonly initial: readonly [number, number];
}

const NONE = [Infinity, Infinity] as const;

/** In the order of /proc/PID/limits. */
export const RESOURCE_LIMITS: Readonly<Record<string, LimitKind>> = {
  RLIMIT_CPU: { title: "Max cpu time", unit: "seconds", initial: NONE },
  RLIMIT_FSIZE: { title: "Max file size", unit: "bytes", initial: NONE },
  RLIMIT_DATA: { title: "Max data size", unit: "bytes", initial: NONE },
  RLIMIT_STACK: { title: "Max stack size", unit: "bytes", initial: [8_388_608, Infinity] },
  RLIMIT_CORE: { title: "Max core file size", unit: "bytes", initial: [0, Infinity] },
  RLIMIT_RSS: { title: "Max resident set", unit: "bytes", initial: NONE },
  RLIMIT_NPROC: { title: "Max processes", unit: "processes", initial: NONE },
  RLIMIT_NOFILE: { title: "Max open files", unit: "files", initial: [1024, 524_288] },
  RLIMIT_MEMLOCK: { title: "Max locked memory", unit: "bytes", initial: [8_388_608, 8_388_608] },
  RLIMIT_AS: { title: "Max address space", unit: "bytes", initial: NONE },
  RLIMIT_LOCKS: { title: "Max file locks", unit: "locks", initial: NONE },
  RLIMIT_SIGPENDING: { title: "Max pending signals", unit: "signals", initial: [95_000, 95_000] },
  RLIMIT_MSGQUEUE: { title: "Max msgqueue size", unit: "bytes", initial: [819_200, 819_200] },
  RLIMIT_NICE: { title: "Max nice priority", unit: "", initial: [0, 0] },
  RLIMIT_RTPRIO: { title: "Max realtime priority", unit: "", initial: [0, 0] },
  RLIMIT_RTTIME: { title: "Max realtime timeout", unit: "us", initial: NONE },
};
