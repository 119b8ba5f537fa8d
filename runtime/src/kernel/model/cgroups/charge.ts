/**
 * Charge: who uses how much, and who is told no.
 *
 * A process counts in its cgroup and in every one above; the smallest limit on that way decides. A
 * fork that would be one too many fails; memory that would be too much ends the process that holds
 * most below the limit.
 *
 * Kernel interface: cgroups(7); kernel documentation, admin-guide/cgroup-v2.rst, "Memory", "PID".
 * Invariants:
 *   cgroup-one-home         every process is in exactly one cgroup of a hierarchy, before and after
 *                           moving
 *   cgroup-usage-adds-up    what a cgroup uses is what its own processes and its children use
 *   cgroup-limit-is-least   a fork is refused, or somebody killed for memory, exactly when there
 *                           would be too much in the cgroup or in one above it
 * Left out: time on the processor, bytes to and from disks, memory that can be reclaimed, swap.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { WaitStatus } from "../../port.ts";
import { refuse } from "../refusal.ts";
import type { Cgroup, Process } from "../state.ts";

/** A cgroup and all above it, itself first. */
export function upwards(cgroup: Cgroup): readonly Cgroup[] {
  return cgroup.parent === undefined ? [cgroup] : [cgroup, ...upwards(cgroup.parent)];
}

/** A cgroup and all below it, itself first. */
export function downwards(cgroup: Cgroup): readonly Cgroup[] {
  return [cgroup, ...[...cgroup.children.values()].flatMap(downwards)];
}

/** The processes in a cgroup and below. */
export function processesBelow(cgroup: Cgroup): readonly Process[] {
  return downwards(cgroup).flatMap(({ processes }) => [...processes]);
}

/** The bytes held in a cgroup and below. */
export function memoryBelow(cgroup: Cgroup): number {
  return downwards(cgroup).reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
}

/** Counts something that happened. */
export function count(cgroup: Cgroup, event: string): void {
  cgroup.events.set(event, (cgroup.events.get(event) ?? 0) + 1);
}

/** A limit that was written, or Infinity. */
export function limitOf(cgroup: Cgroup, ...files: readonly string[]): number {
  const text = files.flatMap((file) => cgroup.settings.get(file) ?? [])[0];
  return text === undefined || text === "max" ? Infinity : Number(text);
}

/** One more process of the parent's cgroups. @throws Refusal EAGAIN beyond a limit */
export function chargeProcess(parent: Process): void {
  for (const own of parent.cgroups.values()) {
    if (!own.hierarchy.controllers.includes("pids")) continue;
    for (const cgroup of upwards(own)) {
      if (processesBelow(cgroup).length + 1 <= limitOf(cgroup, "pids.max")) continue;
      count(own, "pids max");
      refuse("EAGAIN");
    }
  }
}

/** Puts a process into a cgroup, out of the one of the same hierarchy that it was in. */
export function moveProcess(process: Process, cgroup: Cgroup): void {
  const { id } = cgroup.hierarchy;
  const before = process.cgroups.get(id);
  if (before !== undefined) {
    before.processes.delete(process);
    before.memoryBytes -= process.memoryBytes;
  }
  process.cgroups.set(id, cgroup);
  cgroup.processes.add(process);
  cgroup.memoryBytes += process.memoryBytes;
}

/** Ends a process; given from outside, since ending one takes it out of its cgroups. */
export type End = (process: Process, status: WaitStatus) => void;

/**
 * A process holds more or less memory.
 *
 * @throws Refusal ENOMEM when that ended the process itself
 */
export function holdMemory(process: Process, bytes: number, end: End): void {
  const own = [...process.cgroups.values()].find(({ hierarchy }) =>
    hierarchy.controllers.includes("memory"),
  );
  const more = Math.max(bytes, -process.memoryBytes);
  process.memoryBytes += more;
  if (own === undefined) return;
  own.memoryBytes += more;
  for (const cgroup of upwards(own)) {
    keepWithin(cgroup, end);
    const used = memoryBelow(cgroup);
    cgroup.events.set("peak", Math.max(cgroup.events.get("peak") ?? 0, used));
  }
  if (process.status !== undefined) refuse("ENOMEM");
}

/** Ends processes, the largest first, until a limit is kept. */
export function keepWithin(cgroup: Cgroup, end: End): void {
  while (memoryBelow(cgroup) > limitOf(cgroup, "memory.max", "memory.limit_in_bytes")) {
    const [largest] = processesBelow(cgroup).toSorted((a, b) => b.memoryBytes - a.memoryBytes);
    if (largest === undefined) return;
    count(cgroup, "max");
    count(cgroup, "oom");
    count(cgroup, "oom_kill");
    end(largest, { signal: "SIGKILL", coreDumped: false });
  }
}
