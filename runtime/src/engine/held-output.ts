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
import type { Container, HeldOutput } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { lookOr, textOr } from "./look.ts";

const HELD_KEPT = 8;

/** Tells the administrator who still holds the output, if anybody does; `why` tells it later. */
export function tellHolders(engine: EngineContext, container: Container, record: ExitRecord): void {
  const { heldPipes = [], id } = record;
  if (heldPipes.length === 0 || container.cgroup === null) return;
  const held = { id, pipes: heldPipes };
  container.heldOutputs = [...container.heldOutputs.slice(1 - HELD_KEPT), held];
  const names = holdersOf(engine.kernel, container, held);
  const what = id === container.id ? "its process" : `its exec ${id.slice(0, 12)}`;
  engine.options.onNotice(
    `Container ${container.name}: ${what} has ended, but its output is still held by process ` +
      `${names.join(", ") || "unknown"}: clients were let go after two seconds, and what is ` +
      "written there from now on is lost. Who leaves a process behind should give it an output " +
      "of its own, as with >/dev/null 2>&1.",
  );
}

/** Who holds output now: the exec that wrote it (null: the container), and the processes. */
export function heldOutputs(
  kernel: Kernel,
  container: Container,
): readonly { readonly exec: string | null; readonly holders: readonly string[] }[] {
  return container.heldOutputs
    .map((held) => ({
      exec: held.id === container.id ? null : held.id,
      holders: holdersOf(kernel, container, held),
    }))
    .filter(({ holders }) => holders.length > 0);
}

/** As `22 (sleep 100)`. */
function holdersOf(
  kernel: Kernel,
  { cgroup }: Container,
  { pipes }: HeldOutput,
): readonly string[] {
  if (cgroup === null) return [];
  const held = new Set(pipes);
  return lookOr(() => readCgroupPids(kernel, cgroup), [])
    .filter((pid) => holds(kernel, pid, held))
    .map((pid) => `${pid} (${commandOf(kernel, pid)})`);
}

function holds(kernel: Kernel, pid: HostPid, pipes: ReadonlySet<string>): boolean {
  const directory = `/proc/${pid}/fd`;
  const names = lookOr(() => kernel.readdir(directory), []);
  return names.some((name) => pipes.has(lookOr(() => kernel.readlink(`${directory}/${name}`), "")));
}

function commandOf(kernel: Kernel, pid: HostPid): string {
  return textOr(kernel, `/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
}
