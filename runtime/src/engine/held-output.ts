/**
 * Held output: who keeps the output of a process that has ended.
 *
 * A pipe ends when nobody can write to it any more, and `sleep 100 &` inherits that of its shell. A
 * process has ended when it has ended, so nobody waits for such a pipe longer than Docker does; but
 * why there was a wait, and for whom, is told.
 *
 * Kernel interface: proc(5), pipe(7).
 * Specification: none.
 * Invariants: none.
 * Left out: holders outside of the container's cgroup.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import { readCgroupPids } from "../cgroups/index.ts";
import type { ExitRecord } from "../container/index.ts";
import type { HostPid, Kernel } from "../kernel/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { lookOr, textOr } from "./look.ts";

/** Tells the administrator who still holds the output, if anybody does. */
export function tellHolders(engine: EngineContext, container: Container, record: ExitRecord): void {
  const { kernel } = engine;
  const { heldPipes = [], id } = record;
  if (heldPipes.length === 0 || container.cgroup === null) return;
  const held = new Set(heldPipes);
  const pids = readCgroupPids(kernel, container.cgroup).filter((pid) => holds(kernel, pid, held));
  const names = pids.map((pid) => `${pid} (${commandOf(kernel, pid)})`);
  const what = id === container.id ? "its process" : `its exec ${id.slice(0, 12)}`;
  engine.options.onNotice(
    `Container ${container.name}: ${what} has ended, but its output is still held by process ` +
      `${names.join(", ") || "unknown"}: clients were let go after two seconds, and what is ` +
      "written there from now on is lost. Who leaves a process behind should give it an output " +
      "of its own, as with >/dev/null 2>&1.",
  );
}

function holds(kernel: Kernel, pid: HostPid, pipes: ReadonlySet<string>): boolean {
  const directory = `/proc/${pid}/fd`;
  const names = lookOr(() => kernel.readdir(directory), []);
  return names.some((name) => pipes.has(lookOr(() => kernel.readlink(`${directory}/${name}`), "")));
}

function commandOf(kernel: Kernel, pid: HostPid): string {
  return textOr(kernel, `/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
}
