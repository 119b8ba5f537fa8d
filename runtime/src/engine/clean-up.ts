/**
 * Clean up: what a run leaves behind goes, and those who wait for it are told.
 *
 * Kernel interface: rmdir(2) of cgroups, kill(2).
 * Specification: Docker Engine API v1.50, ContainerWait.
 * Invariants: see `remove.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { killCgroup, removeCgroup } from "../cgroups/index.ts";
import type { Cgroup } from "../cgroups/index.ts";
import { hasProcess, lastEndOf } from "../container/index.ts";
import { KernelError, withContext } from "../kernel/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Container, WaitOutcome } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import type { WaitCondition } from "./engine.ts";

/** How often the removal of a cgroup is tried, with a longer pause each time. */
const CLEAN_ATTEMPTS = 40;
const CLEAN_PAUSE_MS = 5;

/** What a waiter hears of a container that does not run. */
export function outcomeOf(container: Container): WaitOutcome {
  const ended = lastEndOf(container.history.state);
  const error = ended?.error ?? "";
  return { exitCode: ended?.exitCode ?? 0, error: error === "" ? null : error };
}

/**
 * Removes the cgroup of a run that has ended, with whatever is left in it. Idempotent.
 *
 * The kernel may need a moment before a cgroup counts as empty: it is asked again.
 */
export async function cleanUp(engine: EngineContext, container: Container): Promise<void> {
  const kernel = withContext(container.journal.kernel, {
    concept: "cgroups",
    operation: "remove cgroup",
  });
  let left: unknown;
  for (let attempt = 1; attempt <= CLEAN_ATTEMPTS && container.cgroup !== null; attempt++) {
    left = tryToRemove(kernel, container.cgroup);
    if (left === undefined) container.cgroup = null;
    else await pause(engine.kernel, attempt * CLEAN_PAUSE_MS);
  }
  if (container.cgroup !== null) {
    notice(engine, `Cannot remove the cgroup of container ${container.id}`, left);
  }
}

/** @returns undefined when it is gone, else why it is not */
function tryToRemove(kernel: Kernel, cgroup: Cgroup): unknown {
  try {
    const busy = removeCgroup(kernel, cgroup);
    if (busy.length === 0) return undefined;
    // With the host's pid namespace, processes outlive the one that started them.
    killCgroup(kernel, cgroup);
    return new Error(`processes are left in ${busy.join(", ")}`);
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
}

/** Resolves later. */
export function pause(kernel: Kernel, ms: number): Promise<void> {
  return new Promise((resolve) => {
    kernel.after(ms, resolve);
  });
}

/**
 * A promise of a container's end.
 *
 * @param condition `not-running` is true at once for one that does not run
 */
export function waitFor(container: Container, condition: WaitCondition): Promise<WaitOutcome> {
  const { state } = container.history;
  const isRunning =
    hasProcess(state) || state.status === "restarting" || container.starting !== null;
  if (condition === "not-running" && !isRunning) {
    return container.cleaned.then(() => outcomeOf(container));
  }
  return new Promise((resolve) => {
    container.waiters.push({ condition, resolve });
  });
}
