/**
 * Pause: every process of a container stands still, and goes on later as if nothing had been.
 *
 * The freezer stops what is in a cgroup, whatever it does; no signal is involved, and the processes
 * cannot notice. An exec joins the cgroup on its way to its program while the keeper waits for it:
 * frozen there it would hold the keeper and every other container. So a pause first closes the door
 * (the state is paused from then on, and execs are refused), waits for those that are on their way,
 * and only then freezes.
 *
 * Kernel interface: kernel documentation, admin-guide/cgroup-v1/freezer-subsystem.rst,
 *   cgroup-v2.rst, "cgroup.freeze".
 * Specification: Docker Engine API v1.50, ContainerPause, ContainerUnpause.
 * Invariants: see `engine.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { freezeCgroup, thawCgroup } from "../cgroups/index.ts";
import type { Cgroup } from "../cgroups/index.ts";
import { requireTransition } from "../container/index.ts";
import { withContext } from "../kernel/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { notRunning } from "./container-table.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { saveSoon } from "./save.ts";

/** Freezes a container. @throws RuntimeError container-paused, container-not-running */
export async function pauseContainer(engine: EngineContext, container: Container): Promise<void> {
  await engine.locks.run(container.id, async () => {
    requireTransition(container.history.state, "pause", container.id);
    const cgroup = cgroupOf(container);
    container.advance({ type: "pause" });
    await Promise.allSettled(container.execStarts);
    // It may have ended while the last exec was on its way.
    if (container.history.state.status !== "paused") throw notRunning(container);
    try {
      freezeCgroup(kernelOf(container, "pause container"), cgroup);
    } catch (error) {
      container.advance({ type: "unpause" });
      throw error;
    }
    saveSoon(engine, container);
    engine.events.tellContainer(container.definition, "pause");
  });
}

/** Lets a container go on. @throws RuntimeError container-not-paused, container-not-running */
export async function unpauseContainer(engine: EngineContext, container: Container): Promise<void> {
  await engine.locks.run(container.id, async () => thaw(engine, container));
}

/** The same for a caller that has the lock, or sends a signal that must be seen. */
export function thaw(engine: EngineContext, container: Container): void {
  requireTransition(container.history.state, "unpause", container.id);
  thawCgroup(kernelOf(container, "unpause container"), cgroupOf(container));
  container.advance({ type: "unpause" });
  saveSoon(engine, container);
  engine.events.tellContainer(container.definition, "unpause");
}

function cgroupOf(container: Container): Cgroup {
  if (container.cgroup === null) throw notRunning(container);
  return container.cgroup;
}

function kernelOf({ journal }: Container, operation: string): Kernel {
  return withContext(journal.kernel, { concept: "cgroups", operation });
}
