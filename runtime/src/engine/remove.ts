/**
 * Remove: a container and everything that was its own.
 *
 * Removal begins with the definition: once that name is gone the container is gone, also for every
 * later start of an engine, and what is left of it, its directory and its cgroup, is rubbish. That
 * is swept away in the next quiet moment, while the client already has its answer. A removal that
 * fails before leaves the container dead: it can only be removed again.
 *
 * Kernel interface: unlink(2), rmdir(2).
 * Specification: Docker Engine API v1.50, ContainerDelete.
 * Invariants:
 *   remove-is-complete   after run and remove, mounts, namespaces, cgroups, processes and files are
 *       as before
 * Left out: volumes (`-v`): there are none yet.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { hasProcess, requireTransition } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import { removeTree } from "../layers/index.ts";
import { cleanUp, outcomeOf, pause } from "./clean-up.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import { giveBackLayersOf } from "./image-changes.ts";
import { dropPrepared } from "./prepare.ts";
import { giveUpRestart } from "./restart.ts";
import { killAndWait } from "./stop.ts";
import { removeDefinition } from "./state-store.ts";

/** How often a container that removes itself is tried again. */
const ATTEMPTS = 5;
const PAUSE_MS = 50;

/**
 * Removes a container.
 *
 * @param options `force` kills one that runs
 * @throws RuntimeError container-running, container-being-removed, container-removal-failed
 */
export async function removeContainer(
  engine: EngineContext,
  container: Container,
  options: { readonly force: boolean },
): Promise<void> {
  // A second removal does not wait for the first: it is told.
  if (container.history.state.status === "removing") {
    requireTransition(container.history.state, "remove", container.name);
  }
  await engine.locks.run(container.id, async () => {
    if (engine.containers.get(container.id) !== container) return;
    if (hasProcess(container.history.state) && options.force) {
      container.isGoing = true;
      await killAndWait(engine, container).finally(() => (container.isGoing = false));
    }
    const isWaiting = container.history.state.status === "restarting";
    if (isWaiting && options.force) giveUpRestart(engine, container);
    requireTransition(container.history.state, "remove", container.name);
    await removeUnderLock(engine, container);
  });
}

/**
 * Removes a container that ended and was to be removed then. Failures are tried again, then told.
 */
export async function removeEnded(engine: EngineContext, container: Container): Promise<void> {
  await engine.locks.run(container.id, async () => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const isOurs = engine.containers.get(container.id) === container;
      if (!isOurs || hasProcess(container.history.state)) return;
      try {
        return await removeUnderLock(engine, container);
      } catch (error) {
        if (attempt === ATTEMPTS) notice(engine, `Cannot remove container ${container.id}`, error);
      }
      await pause(engine.kernel, PAUSE_MS * attempt);
    }
  });
}

async function removeUnderLock(engine: EngineContext, container: Container): Promise<void> {
  container.advance({ type: "remove" });
  container.holdPrepared();
  try {
    removeDefinition(engine.kernel, container.files);
  } catch (cause) {
    const error = removalFailed(container, cause);
    container.advance({ type: "fail-removal", error: error.message });
    throw error;
  }
  container.journal.close();
  engine.containers.delete(container.id);
  engine.events.tellContainer(container.definition, "destroy");
  // That a start failed was told to who started it; to be gone is what these wait for.
  const outcome = { ...outcomeOf(container), error: null };
  container.release(["not-running", "next-exit", "removed"], outcome);
  void engine.locks.run(`sweep ${container.id}`, () => sweep(engine, container));
  await forget(engine, container);
}

/**
 * Removes what is left of a container that is gone; at the latest the next engine does. It begins
 * in a quiet moment: whoever removes one is still at work, and would have to share the machine.
 */
async function sweep(engine: EngineContext, container: Container): Promise<void> {
  const { id, files } = container;
  await engine.quiet.moment();
  await container.cleaned;
  await Promise.all(container.readers);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await pause(engine.kernel, PAUSE_MS * attempt);
    if (container.cgroup !== null) await cleanUp(engine, container);
    await dropPrepared(engine, container);
    try {
      removeTree(engine.kernel, files.directory);
      return giveBackLayersOf(engine, container.definition.imageId);
    } catch (error) {
      if (attempt === ATTEMPTS) notice(engine, `Cannot remove the files of container ${id}`, error);
    }
  }
}

/** Clients that attached before a start which will never come are told. */
async function forget(engine: EngineContext, container: Container): Promise<void> {
  try {
    await engine.keeper.current.forget(container.id);
  } catch (error) {
    notice(engine, `Cannot tell the keeper that container ${container.id} is gone`, error);
  }
}

function removalFailed(container: Container, cause: unknown): RuntimeError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RuntimeError({
    code: "container-removal-failed",
    class: "internal",
    message: `cannot remove container "${container.name}": ${why}`,
    operation: "remove container",
    subject: container.id,
    errno: cause instanceof KernelError ? cause.errno : undefined,
    hint: "Remove it again; what was removed stays removed.",
    cause,
  });
}
