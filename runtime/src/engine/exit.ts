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
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { readOomKills } from "../cgroups/index.ts";
import type { Cgroup } from "../cgroups/index.ts";
import { exitCodeOf, hasProcess, lastEndOf } from "../container/index.ts";
import type { ExitRecord } from "../container/index.ts";
import { withContext } from "../kernel/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { cleanUp, outcomeOf, pause } from "./clean-up.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { tellHolders } from "./held-output.ts";
import { lookOr } from "./look.ts";
import { removeEnded } from "./remove.ts";
import { decisionFor, scheduleRestart } from "./restart.ts";
import { saveSoon } from "./save.ts";
import { accountFor } from "./why.ts";

/** The keeper announced an end: of a container's first process, or of an exec process. */
export function onExit(engine: EngineContext, record: ExitRecord): void {
  const container = engine.containers.get(record.id);
  if (container === undefined) return onExecExit(engine, record);
  tellHolders(engine, container, record);
  if (container.starting === null) return settleExit(engine, container, record);
  container.starting.exit = record;
}

/** An exec has ended; of one that nobody knows, nobody is told. */
export function onExecExit(engine: EngineContext, record: ExitRecord): void {
  for (const container of engine.containers.all()) {
    const { execs, definition, journal } = container;
    const exec = execs.get(record.id);
    if (exec === undefined || exec.status === "exited") continue;
    exec.status = "exited";
    exec.exitCode = exitCodeOf(record.status);
    exec.onEnd?.(exec.exitCode);
    journal.noteExec(exec.id, { exitCode: exec.exitCode });
    const about = { execID: exec.id, exitCode: String(exec.exitCode) };
    engine.events.tellContainer(definition, "exec_die", about);
    tellHolders(engine, container, record);
  }
}

/** Takes the end of a run into account; what is not about the present run changes nothing. */
export function settleExit(engine: EngineContext, container: Container, record: ExitRecord): void {
  const { state } = container.history;
  if (!hasProcess(state) || state.hostPid !== record.hostPid) return;
  const kernel = withContext(container.journal.kernel, { operation: "clean up after exit" });
  const exitCode = exitCodeOf(record.status);
  const ranMs = record.finishedAtMs - state.startedAtMs;
  const decision = decisionFor(container, { exitCode, ranMs });
  container.stopHealth();
  const oomKilled = wasOomKilled(kernel, container.cgroup);
  const account = accountFor(kernel, container, record, oomKilled ? container.cgroup : null);
  container.history = { ...container.history, account };
  container.advance({
    type: decision.restarts ? "await-restart" : "exit",
    finishedAtMs: record.finishedAtMs,
    exitCode,
    oomKilled,
  });
  if (decision.restarts) {
    const { count, delayMs } = decision;
    container.history = { ...container.history, restartCount: count, restartDelayMs: delayMs };
    scheduleRestart(engine, container, delayMs);
  }
  tellEnd(engine, container);
  const outcome = outcomeOf(container);
  const isKept = !container.definition.hostConfig.AutoRemove || container.isKeptAfterExit;
  container.release(["not-running", "next-exit"], outcome);
  // Its removal sweeps away what the run left behind.
  if (!isKept) return void removeEnded(engine, container);
  // Who waited hears it before the traces of the run are removed.
  const moment = container.isGoing ? engine.quiet.moment() : pause(engine.kernel, 1);
  container.cleaned = moment.then(() => cleanUp(engine, container));
  saveSoon(engine, container);
}

/** Tells that a container has ended, and why if memory ran out. */
export function tellEnd({ events }: EngineContext, { definition, history }: Container): void {
  const ended = lastEndOf(history.state);
  if (ended === null) return;
  if (ended.oomKilled) events.tellContainer(definition, "oom");
  const seconds = Math.floor((ended.finishedAtMs - ended.startedAtMs) / 1000);
  events.tellContainer(definition, "die", {
    execDuration: String(seconds),
    exitCode: String(ended.exitCode),
  });
}

/** Whether memory ran out; a cgroup that cannot be asked says no. */
export function wasOomKilled(kernel: Kernel, cgroup: Cgroup | null): boolean {
  return cgroup !== null && lookOr(() => readOomKills(kernel, cgroup) > 0, false);
}
