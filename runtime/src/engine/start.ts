/**
 * Start: from a container that exists to one that runs.
 *
 *   facts ─▶ plan ─▶ cgroup made ─▶ keeper spawns init ─▶ init walks the plan ─▶ running
 *                        └──────────── whatever fails: every step back ────────────┘
 *
 * Nothing of a run exists before it but a part of its cgroup (`prepare.ts`): the rest is made by
 * init in namespaces that end with it. A start that fails leaves the container as it was, with the
 * reason and an exit code that says whether the command was missing (127), not executable (126) or
 * something else (128).
 *
 * Kernel interface: mkdir(2) and write(2) of cgroups; the rest is init's.
 * Specification: Docker Engine API v1.50, ContainerStart.
 * Invariants:
 *   start-leaves-nothing   a start or removal that fails at any kernel call, ours or init's, leaves
 *       nothing, and the next works
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import {
  exitCodeOfFailure,
  hasProcess,
  requireTransition,
  rotationOf,
  StartError,
} from "../container/index.ts";
import type { ContainerPlan, StartRequest } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { KernelError, withContext } from "../kernel/index.ts";
import { originalErrorOf, UndoStack } from "../undo/index.ts";
import { makeSources, reachSources } from "../volumes/index.ts";
import { withAdvice } from "./command-advice.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import type { StopOptions } from "./engine.ts";
import { settleExit } from "./exit.ts";
import { stdioOf } from "./plan-facts.ts";
import { dropPrepared, planStart } from "./prepare.ts";
import { watchHealth } from "./health.ts";
import { removeEnded } from "./remove.ts";
import { forgetRestarts } from "./restart.ts";
import { saveHistory, saveSoon } from "./save.ts";
import { unlinkIfThere } from "./state-store.ts";
import { stopProcess } from "./stop.ts";

/**
 * Starts a container.
 *
 * @throws RuntimeError container-already-started and whatever the start failed with
 */
export async function startContainer(engine: EngineContext, container: Container): Promise<void> {
  try {
    await engine.locks.run(container.id, async () => {
      requireTransition(container.history.state, "start", container.id);
      forgetRestarts(container);
      await startUnderLock(engine, container);
    });
  } catch (error) {
    const failed = error instanceof RuntimeError && error.code === "container-start-failed";
    if (failed && container.definition.hostConfig.AutoRemove) await removeEnded(engine, container);
    throw error;
  }
}

/** The same for a caller that has the container's lock. */
export async function startUnderLock(engine: EngineContext, container: Container): Promise<void> {
  requireTransition(container.history.state, "start", container.id);
  await engine.keeper.ready;
  await container.cleaned;
  container.starting = { exit: null };
  try {
    await run(engine, container);
  } catch (error) {
    const cause = originalErrorOf(error);
    if (cause !== error) notice(engine, `The start of ${container.id} left traces`, error);
    throw await failStart(engine, container, cause);
  } finally {
    container.starting = null;
  }
}

async function run(engine: EngineContext, container: Container): Promise<void> {
  const kernel = withContext(container.journal.kernel, { operation: "start container" });
  await using undo = new UndoStack();
  container.holdPrepared();
  undo.push("drop what was prepared", () => dropPrepared(engine, container));
  await reachSources(kernel, container.mounts);
  makeSources(withContext(kernel, { concept: "volumes" }), container.mounts, undo);
  const plan = await planStart(engine, kernel, container, undo);
  // An old record would be taken for the end of this run.
  const hasRun = container.history.state.status === "exited";
  if (hasRun) unlinkIfThere(withContext(kernel, { concept: "engine" }), container.files.exit);
  const request = startRequest(engine, container, plan);
  const started = await engine.keeper.current.start(request);
  container.journal.addInit(() => engine.keeper.current.takeJournal(container.id));
  const { hostPid, startedAtMs } = started;
  container.advance({ type: "start", hostPid, startedAtMs });
  engine.events.tellContainer(container.definition, "start");
  watchHealth(engine, container);
  saveSoon(engine, container);
  undo.commit();
  const { starting } = container;
  if (starting !== null && starting.exit !== null) settleExit(engine, container, starting.exit);
}

function startRequest(
  engine: EngineContext,
  { id, definition, files, history }: Container,
  plan: ContainerPlan,
): StartRequest {
  const { config, hostConfig } = definition;
  return {
    id,
    kind: "container",
    plan: plan.init,
    pidNamespace: plan.pidNamespace,
    idMaps: plan.idMaps,
    stdio: stdioOf(config, hostConfig.ConsoleSize),
    outlivedByMounts: plan.outlivedByMounts,
    logPath: hostConfig.LogConfig.Type === "none" ? null : files.log,
    logRotation: {
      ...rotationOf(hostConfig.LogConfig),
      continues: history.state.status !== "created",
    },
    // Whoever comes back finds it gone from the keeper and removes it: nobody asks how it ended.
    exitPath: hostConfig.AutoRemove ? null : files.exit,
    fault: engine.options.nextInitFault?.() ?? null,
  };
}

/** Notes why a start failed, and says it in Docker's words. */
async function failStart(
  engine: EngineContext,
  container: Container,
  failure: unknown,
): Promise<unknown> {
  if (failure instanceof StartError) container.journal.addInit(async () => failure.journal);
  const cause = await withAdvice(engine, container, failure);
  const isExpected = cause instanceof RuntimeError || cause instanceof KernelError;
  if (!isExpected) return cause;
  const error = startFailed(container, cause);
  const code = cause instanceof RuntimeError ? exitCodeOfFailure(cause) : START_FAILED;
  const event = { atMs: engine.kernel.nowMs(), exitCode: code, error: error.message } as const;
  container.advance({ type: "fail-start", ...event });
  saveHistory(engine, container);
  return error;
}

const START_FAILED = 128;

/** These say what the client got wrong and stand alone; all others are failures of the start. */
const OWN_WORDS = [
  "namespace-target-invalid",
  "network-mode-unsupported",
  "container-not-found",
  "volume-invalid",
  "user-not-found",
  "resource-invalid",
];

function startFailed(container: Container, cause: RuntimeError | KernelError): RuntimeError {
  const text = cause.message;
  const isOwn = cause instanceof RuntimeError && OWN_WORDS.includes(cause.code);
  return new RuntimeError({
    code: "container-start-failed",
    class: cause instanceof RuntimeError ? cause.class : "internal",
    message: isOwn
      ? text
      : "failed to create task for container: failed to create shim task: " +
        `OCI runtime create failed: ${text}: unknown`,
    operation: "start container",
    subject: container.name,
    errno: cause.errno,
    hint:
      (cause instanceof RuntimeError ? cause.hint : undefined) ??
      `drydock explain ${container.name} shows every call up to the one that failed.`,
    cause,
  });
}

/** Stops what runs and starts it again. */
export async function restartContainer(
  engine: EngineContext,
  container: Container,
  options: StopOptions,
): Promise<void> {
  await engine.locks.run(container.id, async () => {
    container.isKeptAfterExit = true;
    try {
      if (hasProcess(container.history.state)) {
        await stopProcess(engine, container, options);
        engine.events.tellContainer(container.definition, "stop");
      }
      forgetRestarts(container);
      await startUnderLock(engine, container);
      engine.events.tellContainer(container.definition, "restart");
    } finally {
      container.isKeptAfterExit = false;
    }
  });
}
