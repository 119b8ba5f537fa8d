/**
 * Stop: asking a process to end, and seeing that it does.
 *
 * First the signal that the container names (SIGTERM unless it says otherwise), then time, then
 * SIGKILL, which no process can refuse. PID 1 of a namespace has no default action for signals: a
 * shell that installs no handler does not notice SIGTERM, and its stop takes all of the time.
 *
 * Kernel interface: kill(2), pid_namespaces(7).
 * Specification: Docker Engine API v1.50, ContainerStop and ContainerKill.
 * Invariants: see `engine.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { hasProcess, parseSignal, partsOf } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { signalNumber, within } from "../kernel/index.ts";
import type { Container, ContainerTable } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { StopOptions } from "./engine.ts";
import { thaw } from "./pause.ts";
import type { SignalRequest } from "./record.ts";
import { decisionFor, giveUpRestart } from "./restart.ts";
import { saveHistory } from "./save.ts";
import { adviseStop, stopPlan } from "./stop-advice.ts";
import { noteRequest } from "./why.ts";

/** Stops a container. Idempotent. @throws RuntimeError container-already-stopped, signal-unknown */
export async function stopContainer(
  engine: EngineContext,
  container: Container,
  options: StopOptions,
): Promise<void> {
  if (options.signal !== null) parseSignal(options.signal);
  await engine.locks.run(container.id, async () => {
    if (container.history.state.status === "restarting") {
      return giveUpRestart(engine, container);
    }
    if (!hasProcess(container.history.state)) {
      throw new RuntimeError({
        code: "container-already-stopped",
        class: "not-modified",
        message: `container ${container.name} is already stopped`,
        operation: "stop container",
        subject: container.name,
      });
    }
    await stopProcess(engine, container, options);
    engine.events.tellContainer(container.definition, "stop");
  });
}

/**
 * Ends a run whose check failed too often, if its policy is to run it again: then its end is what
 * every end is.
 */
export async function endUnhealthy(engine: EngineContext, container: Container): Promise<void> {
  // The others speak of ends only, as Docker's do.
  if (container.definition.hostConfig.RestartPolicy.Name !== "on-unhealthy") return;
  const run = container.history.state;
  await engine.locks.run(container.id, async () => {
    const { state, health } = container.history;
    if (state !== run || !hasProcess(state) || health?.status !== "unhealthy") return;
    const ranMs = engine.kernel.nowMs() - state.startedAtMs;
    if (!decisionFor(container, { exitCode: 0, ranMs }).restarts) return;
    await stopProcess(engine, container, NO_WISH, "policy");
  });
}

/** Who wants a process to end: what a person ends does not start again. */
type Who = "person" | "policy";

/** Stops the process of a running container and waits for its end. The caller has the lock. */
export async function stopProcess(
  engine: EngineContext,
  container: Container,
  options: StopOptions,
  who: Who = "person",
): Promise<void> {
  const { signal, seconds } = stopPlan(container, options);
  const advice = adviseStop(engine, container, options);
  if (advice !== null) engine.options.onNotice(`${advice.message}. ${advice.hint}`);
  const ended = endOf(container);
  const by = who === "person" ? "stop" : "health";
  const request = { by, signal, patienceSeconds: seconds } as const;
  await sendSignal(engine, container, request, who);
  if (seconds >= 0 && (await within(engine.kernel, seconds * 1000, ended)) === "late") {
    const force = { ...request, by: "timeout", signal: "SIGKILL" } as const;
    await sendSignal(engine, container, force, who);
  }
  await ended;
}

/** Kills the process of a running container and waits for its end. */
export async function killAndWait(engine: EngineContext, container: Container): Promise<void> {
  const ended = endOf(container);
  await sendSignal(engine, container, { by: "kill", signal: "SIGKILL" }, "person");
  await ended;
}

const NO_WISH: StopOptions = { signal: null, timeoutSeconds: null };

/** Sends a signal, and tells of it first: an end that it causes is told after it. */
async function sendSignal(
  engine: EngineContext,
  container: Container,
  request: Omit<SignalRequest, "atMs">,
  who: Who,
): Promise<void> {
  const { id, definition } = container;
  const { signal } = request;
  noteRequest(container, { ...request, atMs: engine.kernel.nowMs() });
  // Known before the end that it may cause.
  const ends = signal === "SIGKILL" || signal === stopPlan(container, NO_WISH).signal;
  if (ends && who === "person") rememberStop(engine, container);
  engine.events.tellContainer(definition, "kill", { signal: String(signalNumber(signal)) });
  const keeper = engine.keeper.current;
  await keeper.signal(id, signal);
  container.journal.addInit(() => keeper.takeJournal(id));
  // A frozen process sees a signal when it runs again: one that is to end it must be seen.
  if (ends && container.history.state.status === "paused") thaw(engine, container);
}

/** A daemon that is killed before it sees the end must not start again what a person stopped. */
function rememberStop(engine: EngineContext, container: Container): void {
  container.history = { ...container.history, isStopped: true };
  const { Name } = container.definition.hostConfig.RestartPolicy;
  if (Name !== "" && Name !== "no") saveHistory(engine, container);
}

/** Resolves when the present run has ended and its cgroup is gone. */
function endOf(container: Container): Promise<void> {
  if (!hasProcess(container.history.state)) return container.cleaned;
  return new Promise((resolve) => {
    container.waiters.push({ condition: "next-exit", resolve: () => resolve() });
  });
}

/** The container to kill; there being none is said in Docker's words. @throws RuntimeError */
export function findToKill(containers: ContainerTable, reference: string): Container {
  try {
    return containers.find(reference);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    const message = `cannot kill container: ${reference}: ${error.message}`;
    throw new RuntimeError({ ...partsOf(error), message, cause: error });
  }
}

/**
 * Sends a signal; SIGKILL is waited for, as its effect is certain.
 *
 * @throws RuntimeError container-not-running, signal-unknown
 */
export async function killContainer(
  engine: EngineContext,
  container: Container,
  signalText: string,
): Promise<void> {
  const signal = parseSignal(signalText === "" ? "SIGKILL" : signalText);
  if (container.history.state.status === "restarting") return giveUpRestart(engine, container);
  if (!hasProcess(container.history.state)) {
    throw new RuntimeError({
      code: "container-not-running",
      class: "conflict",
      message: `cannot kill container: ${container.name}: container ${container.id} is not running`,
      operation: "kill container",
      subject: container.name,
      hint: "Only a running container has a process that a signal could reach.",
    });
  }
  if (signal === "SIGKILL") return killAndWait(engine, container);
  await sendSignal(engine, container, { by: "kill", signal }, "person");
}
