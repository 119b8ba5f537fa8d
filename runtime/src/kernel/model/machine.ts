/**
 * Machine: what the hardware of a model is.
 *
 * Kernel interface: proc_meminfo(5), proc_cpuinfo(5), sysfs(5).
 * Invariants: none.
 * Left out: memory that runs out for the whole machine: only cgroups have limits.
 * Docs: docs/concepts/model.md
 *
 * @module
 */

/** Its processors, as the kernel lists them. */
export const CPUS = "0-1";

/** Its nodes of memory. */
export const MEMORY_NODES = "0";

/** How much memory it has. */
export const MEMORY_BYTES = 2 * 1024 ** 3;
