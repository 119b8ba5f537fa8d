/**
 * Health: runs a container's checks while it runs.
 *
 * A check is an exec like any other; what it says goes through the pure machine of
 * `container/health.ts`. Between two checks nothing happens: one timer for each container.
 *
 * Kernel interface: timer_create(2); the rest is that of an exec.
 * Specification: Docker Engine API v1.50, Health.
 * Invariants: see `container/health.ts`.
 * Left out: results survive no restart of the engine: it begins with `starting`, as Docker does.
 * Docs: docs/concepts/health.md
 *
 * @module
 */

import { afterCheck, hasProcess, nextCheckMs, planHealth, STARTING } from "../container/index.ts";
import type { HealthPlan, HealthResult } from "../container/index.ts";
import { createFrameReader } from "../wire/index.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import { PLAIN_EXEC } from "./engine.ts";
import { createExec, startExec } from "./exec.ts";

const OUTPUT_BYTES = 4096;

/** Begins the checks of a run that has just begun, or was found. */
export function watchHealth(engine: EngineContext, container: Container): void {
  const plan = planHealth(container.definition.config.Healthcheck ?? null);
  if (plan === null) return;
  const { state } = container.history;
  if (!hasProcess(state)) return;
  container.health = STARTING;
  let isOver = false;
  let cancel = (): void => undefined;
  container.stopHealth = () => {
    isOver = true;
    cancel();
  };
  const since = (ms: number): number => ms - state.startedAtMs;
  const check = async (): Promise<void> => {
    const isPaused = container.history.state.status === "paused";
    const result = isPaused ? null : await runCheck(engine, container, plan);
    if (isOver) return;
    if (result !== null)
      take(engine, container, plan, { ...result, sinceMs: since(result.startMs) });
    next();
  };
  const next = (): void => {
    const waitMs = nextCheckMs(plan, container.health ?? STARTING, since(engine.kernel.nowMs()));
    cancel = engine.kernel.after(waitMs, () => void check());
  };
  next();
}

function take(
  engine: EngineContext,
  container: Container,
  plan: HealthPlan,
  { sinceMs, ...result }: HealthResult & { readonly sinceMs: number },
): void {
  const before = container.health ?? STARTING;
  container.health = afterCheck(plan, before, result, sinceMs);
  const { status } = container.health;
  if (status === before.status) return;
  engine.events.tellContainer(container.definition, `health_status: ${status}`);
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
  const ended = new Promise<number>((resolve) => (exec.onEnd = resolve));
  const line = await startExec(engine, target, START);
  const output = line === null ? Promise.resolve("") : textOf(line.output);
  let cancel = (): void => undefined;
  const tooLate = new Promise<null>((resolve) => {
    cancel = engine.kernel.after(plan.timeoutMs, () => resolve(null));
  });
  const exitCode = await Promise.race([ended, tooLate]);
  cancel();
  if (exitCode !== null) return { exitCode, output: await output };
  await engine.keeper.current.signal(id, "SIGKILL");
  line?.detach();
  const seconds = plan.timeoutMs / 1000;
  return { exitCode: -1, output: `Health check exceeded timeout (${seconds}s)` };
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
