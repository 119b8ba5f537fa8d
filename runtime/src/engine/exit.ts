/**
 * Exit: what happens when a container's process has ended.
 *
 * The keeper announces the end after the log is complete and the exit record is on the disk. The
 * engine takes the state on, asks the cgroup whether memory ran out, removes the cgroup, and tells
 * those who wait. An end that is announced while the start is still on its way through the engine
 * waits for it.
 *
 * Kernel interface: rmdir(2) of cgroups, kill(2).
 * Specification: Docker Engine API v1.50, ContainerWait.
 * Invariants: see `engine.ts`.
 * Left out: restart policies (a later chapter acts on them).
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { readOomKills } from "../cgroups/index.ts";
import type { Cgroup } from "../cgroups/index.ts";
import { exitCodeOf, hasProcess } from "../container/index.ts";
import type { ExitRecord } from "../container/index.ts";
import { KernelError, withContext } from "../kernel/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { cleanUp, outcomeOf, pause } from "./clean-up.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import { removeEnded } from "./remove.ts";
import { writeHistory } from "./state-store.ts";

/** The keeper announced an end: of a container's first process, or of an exec process. */
export function onExit(engine: EngineContext, record: ExitRecord): void {
  const container = engine.containers.get(record.id);
  if (container === undefined) return onExecExit(engine, record);
  if (container.starting === null) return settleExit(engine, container, record);
  container.starting.exit = record;
}

function onExecExit(engine: EngineContext, record: ExitRecord): void {
  for (const { execs } of engine.containers.all()) {
    const exec = execs.get(record.id);
    if (exec === undefined) continue;
    exec.status = "exited";
    exec.exitCode = exitCodeOf(record.status);
  }
}

/** Takes the end of a run into account; what is not about the present run changes nothing. */
export function settleExit(engine: EngineContext, container: Container, record: ExitRecord): void {
  const { state } = container.history;
  if (!hasProcess(state) || state.hostPid !== record.hostPid) return;
  const kernel = withContext(container.journal.kernel, { operation: "clean up after exit" });
  container.advance({
    type: "exit",
    finishedAtMs: record.finishedAtMs,
    exitCode: exitCodeOf(record.status),
    oomKilled: wasOomKilled(kernel, container.cgroup),
  });
  const outcome = outcomeOf(container);
  const isKept = !container.definition.hostConfig.AutoRemove || container.isKeptAfterExit;
  container.release(["not-running", "next-exit"], outcome);
  // Its removal sweeps away what the run left behind.
  if (!isKept) return void removeEnded(engine, container);
  // Who waited hears it before the traces of the run are removed.
  container.cleaned = pause(engine.kernel, 0).then(() => cleanUp(engine, container));
  saveSoon(engine, container);
}

/**
 * Writes the history in the next quiet moment. Until then a daemon that is killed loses nothing:
 * what runs and what ended the keeper tells.
 */
export function saveSoon(engine: EngineContext, container: Container): void {
  container.isSaved = false;
  void engine.locks.run(`save ${container.id}`, async () => {
    await pause(engine.kernel, 0);
    const isThere = engine.containers.get(container.id) === container;
    if (isThere && !container.isSaved) saveHistory(engine, container);
  });
}

/** Writes the history; a disk that is full does not undo that the container has ended. */
export function saveHistory(engine: EngineContext, container: Container): void {
  const kernel = withContext(container.journal.kernel, {
    concept: "engine",
    operation: "remember how it stands",
  });
  container.isSaved = true;
  try {
    writeHistory(kernel, container.files, container.history);
  } catch (error) {
    notice(engine, `Cannot save the state of container ${container.id}`, error);
  }
}

/** Whether memory ran out; a cgroup that cannot be asked says no. */
function wasOomKilled(kernel: Kernel, cgroup: Cgroup | null): boolean {
  try {
    return cgroup !== null && readOomKills(kernel, cgroup) > 0;
  } catch (error) {
    if (error instanceof KernelError) return false;
    throw error;
  }
}
