/**
 * Restart: what a policy says is done, after the wait.
 *
 * While it waits a container counts as running for those who list, stop or remove it. The wait is
 * an entry of the history: an engine that comes back goes on with it.
 *
 * Kernel interface: timer_create(2).
 * Specification: Docker Engine API v1.50, RestartPolicy.
 * Invariants: see `container/restart.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/restart.md
 *
 * @module
 */

import { decideAtBoot, decideRestart, lastEndOf } from "../container/index.ts";
import type { EndedRun, RestartDecision, RestartHistory } from "../container/index.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import type { History } from "./record.ts";
import { saveSoon } from "./save.ts";

type Lasted = Pick<EndedRun, "exitCode" | "ranMs">;

/** What the container's policy says to the end of a run. */
export function decisionFor({ definition, history }: Container, run: Lasted): RestartDecision {
  const { RestartPolicy } = definition.hostConfig;
  return decideRestart(RestartPolicy, { ...run, ...circumstances(history) }, cameBefore(history));
}

function circumstances({ isStopped = false, health }: History): Omit<EndedRun, keyof Lasted> {
  return { isStopped, isUnhealthy: health?.status === "unhealthy" };
}

function cameBefore({ restartCount, restartDelayMs = 0 }: History): RestartHistory {
  return { count: restartCount, delayMs: restartDelayMs };
}

/** Starts it when the wait is over, unless somebody was faster. */
export function scheduleRestart(
  engine: EngineContext,
  container: Container,
  delayMs: number,
): void {
  container.cancelRestart();
  if (engine.isClosing) return;
  container.cancelRestart = engine.kernel.after(delayMs, () => {
    void engine.locks
      .run(container.id, async () => {
        const isThere = engine.containers.get(container.id) === container;
        if (!isThere || container.history.state.status !== "restarting") return;
        await engine.startAgain(container);
      })
      .catch((error: unknown) => {
        notice(engine, `Cannot start container ${container.id} again`, error);
      });
  });
}

/** Ends the wait for a restart: the container is stopped. The caller has the lock. */
export function giveUpRestart(engine: EngineContext, container: Container): void {
  container.cancelRestart();
  container.advance({ type: "cancel-restart" });
  container.history = { ...container.history, isStopped: true };
  saveSoon(engine, container);
}

/** A person starts it: what was before does not count. */
export function forgetRestarts(container: Container): void {
  container.cancelRestart();
  const { restartDelayMs: _, isStopped: __, ...history } = container.history;
  container.history = { ...history, restartCount: 0 };
}

/**
 * A container that ended while nobody looked, or waits since an earlier engine: it waits for what
 * is left of its wait.
 */
export function resumeRestart(engine: EngineContext, container: Container): void {
  const { history } = container;
  const { state, restartDelayMs = 0 } = history;
  const ended = lastEndOf(state);
  if (ended === null) return;
  const wait = (delayMs: number): void => {
    const waitedMs = engine.kernel.nowMs() - ended.finishedAtMs;
    // A clock that was set back makes nobody wait longer.
    scheduleRestart(engine, container, Math.min(delayMs, Math.max(0, delayMs - waitedMs)));
  };
  if (state.status === "restarting") return wait(restartDelayMs);
  if (state.status !== "exited") return;
  const { RestartPolicy } = container.definition.hostConfig;
  const { exitCode, startedAtMs, finishedAtMs } = ended;
  const run = { exitCode, ranMs: finishedAtMs - startedAtMs, ...circumstances(history) };
  const decision = decideAtBoot(RestartPolicy, run, cameBefore(history));
  if (!decision.restarts) return;
  const { isStopped: _, ...rest } = history;
  container.history = {
    ...rest,
    state: { status: "restarting", ended },
    restartCount: decision.count,
    restartDelayMs: decision.delayMs,
  };
  saveSoon(engine, container);
  wait(decision.delayMs);
}
