/**
 * Health: runs a container's checks while it runs.
 *
 * A check is an exec like any other; what it says goes through the pure machine of
 * `container/health.ts`. Between two checks nothing happens: one timer for each container. How it
 * is belongs to the container's history, so that the next engine goes on from there.
 *
 * Kernel interface: timer_create(2); the rest is that of an exec.
 * Specification: Docker Engine API v1.50, Health.
 * Invariants: see `container/health.ts`.
 * Left out: a check that ran while the engine ended tells nobody anything; the next one follows
 *   when it is due.
 * Docs: docs/concepts/health.md
 *
 * @module
 */

import { afterCheck, hasProcess, nextCheckMs, planHealth, STARTING } from "../container/index.ts";
import type { Health, HealthPlan, HealthResult } from "../container/index.ts";
import { within } from "../kernel/index.ts";
import { createFrameReader } from "../wire/index.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import { goDuration } from "./durations.ts";
import type { EngineContext } from "./context.ts";
import { PLAIN_EXEC } from "./engine.ts";
import { createExec, startExec } from "./exec.ts";
import { saveSoon } from "./save.ts";
import { endUnhealthy } from "./stop.ts";

const OUTPUT_BYTES = 4096;

/** Begins the checks of a run that has just begun. */
export function watchHealth(engine: EngineContext, container: Container): void {
  const plan = planHealth(container.definition.config.Healthcheck ?? null);
  if (plan === null) return;
  container.history = { ...container.history, health: STARTING };
  keepChecking(engine, container, plan);
}

/** Goes on with the checks of a run that was found, where the engine before had got to. */
export function resumeHealth(engine: EngineContext, container: Container): void {
  const plan = planHealth(container.definition.config.Healthcheck ?? null);
  if (plan !== null) keepChecking(engine, container, plan);
}

function keepChecking(engine: EngineContext, container: Container, plan: HealthPlan): void {
  const { state } = container.history;
  if (!hasProcess(state) || engine.isClosing) return;
  let isOver = false;
  let cancel = (): void => undefined;
  container.stopHealth = () => {
    isOver = true;
    cancel();
  };
  const { startedAtMs } = state;
  const check = async (): Promise<void> => {
    const isPaused = container.history.state.status === "paused";
    const result = isPaused ? null : await runCheck(engine, container, plan);
    if (isOver) return;
    if (result !== null) take(engine, container, plan, { ...result, startedAtMs });
    next(engine.kernel.nowMs());
  };
  const next = (lastMs: number): void => {
    const nowMs = engine.kernel.nowMs();
    const waitMs = nextCheckMs(plan, healthOf(container), lastMs - startedAtMs);
    cancel = engine.kernel.after(Math.max(0, lastMs + waitMs - nowMs), () => void check());
  };
  next(healthOf(container).log.at(-1)?.endMs ?? startedAtMs);
}

function healthOf({ history }: Container): Health {
  return history.health ?? STARTING;
}

function take(
  engine: EngineContext,
  container: Container,
  plan: HealthPlan,
  { startedAtMs, ...result }: HealthResult & { readonly startedAtMs: number },
): void {
  const before = healthOf(container);
  const health = afterCheck(plan, before, result, result.startMs - startedAtMs);
  container.history = { ...container.history, health };
  saveSoon(engine, container);
  if (health.status === before.status) return;
  engine.events.tellContainer(container.definition, `health_status: ${health.status}`);
  if (health.status === "unhealthy") endIfWanted(engine, container);
}

function endIfWanted(engine: EngineContext, container: Container): void {
  endUnhealthy(engine, container).catch((error: unknown) => {
    notice(engine, `Cannot end container ${container.id}, which is unhealthy`, error);
  });
}

/** null: it could not be run, because the container has ended. */
async function runCheck(
  engine: EngineContext,
  container: Container,
  plan: HealthPlan,
): Promise<HealthResult | null> {
  const startMs = engine.kernel.nowMs();
  try {
    const { exitCode, output } = await runToEnd(engine, container, plan);
    return { startMs, endMs: engine.kernel.nowMs(), exitCode, output };
  } catch (error) {
    if (!hasProcess(container.history.state)) return null;
    notice(engine, `Cannot check the health of container ${container.id}`, error);
    const output = error instanceof Error ? error.message : String(error);
    return { startMs, endMs: engine.kernel.nowMs(), exitCode: 126, output };
  }
}

async function runToEnd(
  engine: EngineContext,
  container: Container,
  plan: HealthPlan,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const { id } = createExec(engine, container, { ...PLAIN_EXEC, cmd: plan.command });
  const target = engine.containers.findExec(id);
  const { exec } = target;
  exec.isCheck = true;
  const ended = new Promise<number>((resolve) => (exec.onEnd = resolve));
  const line = await startExec(engine, target, START);
  const output = line === null ? Promise.resolve("") : textOf(line.output);
  const exitCode = await within(engine.kernel, plan.timeoutMs, ended);
  if (exitCode !== "late") {
    // Nobody else knows of it, and the execs of clients are to be remembered.
    container.execs.delete(id);
    return { exitCode, output: await output };
  }
  await engine.keeper.current.signal(id, "SIGKILL");
  line?.detach();
  const limit = goDuration(plan.timeoutMs);
  return { exitCode: -1, output: `Health check exceeded timeout (${limit})` };
}

const START = { detach: false, tty: false, consoleSize: [0, 0] } as const;

/** The first of what both streams say. */
async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const frames = createFrameReader();
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    for (const { payload } of frames.push(bytes)) {
      if (text.length < OUTPUT_BYTES) text += decoder.decode(payload, { stream: true });
    }
  }
  return text.slice(0, OUTPUT_BYTES);
}
