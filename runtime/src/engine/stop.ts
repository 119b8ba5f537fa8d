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

import { hasProcess, parseSignal } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { signalNumber } from "../kernel/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { thaw } from "./pause.ts";
import { giveUpRestart } from "./restart.ts";
import type { SignalRequest } from "./record.ts";
import { noteRequest } from "./why.ts";

/** How to stop: see `Engine.stopContainer`. */
export interface StopOptions {
  readonly signal: string | null;
  readonly timeoutSeconds: number | null;
}

const DEFAULT_TIMEOUT_SECONDS = 10;

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

/** Stops the process of a running container and waits for its end. The caller has the lock. */
export async function stopProcess(
  engine: EngineContext,
  container: Container,
  options: StopOptions,
): Promise<void> {
  const { StopTimeout } = container.definition.config;
  const signal = options.signal === null ? stopSignalOf(container) : parseSignal(options.signal);
  const seconds = options.timeoutSeconds ?? StopTimeout ?? DEFAULT_TIMEOUT_SECONDS;
  const ended = endOf(container);
  await sendSignal(engine, container, { by: "stop", signal, patienceSeconds: seconds });
  let cancel = (): void => undefined;
  if (seconds >= 0) {
    const tooLong = new Promise<"too long">((resolve) => {
      cancel = engine.kernel.after(seconds * 1000, () => resolve("too long"));
    });
    if ((await Promise.race([ended, tooLong])) === "too long") {
      const by = { by: "timeout", signal: "SIGKILL", patienceSeconds: seconds } as const;
      await sendSignal(engine, container, by);
    }
  }
  await ended;
  cancel();
}

/** Kills the process of a running container and waits for its end. */
export async function killAndWait(engine: EngineContext, container: Container): Promise<void> {
  const ended = endOf(container);
  await sendSignal(engine, container, { by: "kill", signal: "SIGKILL" });
  await ended;
}

function stopSignalOf({ definition }: Container): string {
  const { StopSignal } = definition.config;
  return parseSignal(StopSignal === "" ? "SIGTERM" : StopSignal);
}

/** Sends a signal, and tells of it first: an end that it causes is told after it. */
async function sendSignal(
  engine: EngineContext,
  container: Container,
  request: Omit<SignalRequest, "atMs">,
): Promise<void> {
  const { id, definition } = container;
  const { signal } = request;
  noteRequest(container, { ...request, atMs: engine.kernel.nowMs() });
  // Known before the end that it may cause: what a person ends does not start again.
  const ends = signal === "SIGKILL" || signal === stopSignalOf(container);
  if (ends) container.history = { ...container.history, isStopped: true };
  engine.events.tellContainer(definition, "kill", { signal: String(signalNumber(signal)) });
  const keeper = engine.keeper.current;
  await keeper.signal(id, signal);
  container.journal.addInit(() => keeper.takeJournal(id));
  // A frozen process sees a signal when it runs again: one that is to end it must be seen.
  if (ends && container.history.state.status === "paused") thaw(engine, container);
}

/** Resolves when the present run has ended and its cgroup is gone. */
function endOf(container: Container): Promise<void> {
  if (!hasProcess(container.history.state)) return container.cleaned;
  return new Promise((resolve) => {
    container.waiters.push({ condition: "next-exit", resolve: () => resolve() });
  });
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
  await sendSignal(engine, container, { by: "kill", signal });
}
