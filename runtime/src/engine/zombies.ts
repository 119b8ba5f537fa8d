/**
 * Zombies: processes that have ended and whose parent has not asked how.
 *
 * Nothing is left of them but a number and an exit code, kept until somebody asks. The cgroup does
 * not list them any more, their parents do.
 *
 * Kernel interface: proc(5), wait(2).
 * Specification: none.
 * Invariants: none.
 * Left out: zombies of a parent that joined the container's namespaces from outside its cgroup.
 * Docs: docs/concepts/why.md
 *
 * @module
 */

import { readCgroupPids } from "../cgroups/index.ts";
import { hasProcess } from "../container/index.ts";
import type { HostPid, Kernel } from "../kernel/index.ts";
import type { Container } from "./container-table.ts";
import { lookOr } from "./look.ts";

/** A process that has ended, and who should ask how. */
export interface Zombie {
  readonly pid: HostPid;
  readonly name: string;
  readonly parentPid: HostPid;
  readonly parentName: string;
}

/** Those of a container; none when it does not run. */
export function zombiesOf(
  kernel: Kernel,
  { cgroup, history }: Pick<Container, "cgroup" | "history">,
): readonly Zombie[] {
  if (cgroup === null || !hasProcess(history.state)) return [];
  return readCgroupPids(kernel, cgroup).flatMap((pid) => {
    const children = lookOr(() => childrenOf(kernel, pid), []).flatMap((child) =>
      lookOr(() => [readProcess(kernel, child)], []),
    );
    const dead = children.filter(({ state }) => state === "Z");
    if (dead.length === 0) return [];
    const parentName = lookOr(() => readProcess(kernel, pid).name, "");
    return dead.map(({ name, pid: child }) => ({ pid: child, name, parentPid: pid, parentName }));
  });
}

/** Any of its threads may be their parent. */
function childrenOf(kernel: Kernel, pid: number): readonly number[] {
  const tasks = `/proc/${pid}/task`;
  return kernel.readdir(tasks).flatMap((task) => {
    const text = kernel.readText(`${tasks}/${task}/children`);
    return text
      .split(" ")
      .filter((word) => word !== "")
      .map(Number);
  });
}

interface Process {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
}

function readProcess(kernel: Kernel, pid: number): Process {
  const text = kernel.readText(`/proc/${pid}/status`);
  const field = (name: string): string =>
    new RegExp(`^${name}:\\s*(.*)$`, "mu").exec(text)?.[1] ?? "";
  return { pid, name: field("Name"), state: field("State").slice(0, 1) };
}
