/**
 * Save: the history goes to the disk.
 *
 * Kernel interface: rename(2).
 * Specification: none.
 * Invariants: see `state-store.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { withContext } from "../kernel/index.ts";
import { pause } from "./clean-up.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import { writeHistory } from "./state-store.ts";

/**
 * Writes the history in the next quiet moment. A daemon that is killed before loses who asked for
 * an end, and nothing else: what runs and what ended the keeper tells.
 */
export function saveSoon(engine: EngineContext, container: Container): void {
  container.isSaved = false;
  void engine.locks.run(`save ${container.id}`, async () => {
    await pause(engine.kernel, 1);
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
