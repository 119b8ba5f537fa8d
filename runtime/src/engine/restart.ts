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
import type { RestartDecision } from "../container/index.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import { saveSoon } from "./save.ts";

/** What the container's policy says to the end of a run. */
export function decisionFor(
  { definition, history }: Container,
  run: { readonly exitCode: number; readonly ranMs: number },
): RestartDecision {
  const { RestartPolicy } = definition.hostConfig;
  const { restartCount, restartDelayMs = 0, isStopped = false } = history;
  const before = { count: restartCount, delayMs: restartDelayMs };
  return decideRestart(RestartPolicy, { ...run, isStopped }, before);
}

/** Starts it when the wait is over, unless somebody was faster. */
export function scheduleRestart(
  engine: EngineContext,
  container: Container,
  delayMs: number,
): void {
  container.cancelRestart();
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
  const { state } = container.history;
  container.history = { state, restartCount: 0 };
}

/** A container that ended while nobody looked, or waits since an earlier engine. */
export function resumeRestart(engine: EngineContext, container: Container): void {
  const { state, restartCount, restartDelayMs = 0, isStopped = false } = container.history;
  if (state.status === "restarting") return scheduleRestart(engine, container, restartDelayMs);
  const ended = lastEndOf(state);
  if (state.status !== "exited" || ended === null) return;
  const { RestartPolicy } = container.definition.hostConfig;
  const run = { exitCode: ended.exitCode, isStopped };
  if (!decideAtBoot(RestartPolicy, run, restartCount)) return;
  container.history = {
    state: { status: "restarting", ended },
    restartCount: restartCount + 1,
    restartDelayMs,
  };
  saveSoon(engine, container);
  scheduleRestart(engine, container, 0);
}
