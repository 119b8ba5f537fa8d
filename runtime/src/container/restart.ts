/**
 * Restart: whether the end of a container is followed by another run, and after how long.
 *
 * A program that fails at once must not be started thousands of times a second: each wait is twice
 * as long as the one before, up to a minute. Who ran for ten seconds begins anew with a tenth of a
 * second. What a person stopped stays stopped.
 *
 * `on-unhealthy` is ours: as `on-failure`, and a run whose check fails too often is ended and
 * counts as failed.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, RestartPolicy; moby restartmanager.
 * Invariants:
 *   restart-backs-off      waits double from 100 ms to a minute and begin anew after ten seconds of
 *       work
 *   restart-obeys-policy   no policy restarts what was stopped, `no` never, on-failure only
 *       failures and on-unhealthy only these and what was unhealthy, at most as often as it says
 * Left out: nothing.
 * Docs: docs/concepts/restart.md
 *
 * @module
 */

import type { HostConfig } from "./config.ts";

const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 60_000;
const WORKED_MS = 10_000;

/** What a run that has ended was like. */
export interface EndedRun {
  readonly exitCode: number;
  readonly ranMs: number;
  /** A person asked for the end. */
  readonly isStopped: boolean;
  /** Its check had failed too often. */
  readonly isUnhealthy: boolean;
}

/** What came before. */
export interface RestartHistory {
  /** How often it was restarted since a person started it. */
  readonly count: number;
  /** The last wait; 0: there was none. */
  readonly delayMs: number;
}

/** Another run after a wait, or none. */
export type RestartDecision =
  { readonly restarts: false } | ({ readonly restarts: true } & RestartHistory);

/**
 * Decides. Pure.
 *
 * @example decideRestart({ Name: "always", MaximumRetryCount: 0 }, run, { count: 0, delayMs: 0 })
 *   // { restarts: true, count: 1, delayMs: 100 }
 */
export function decideRestart(
  policy: HostConfig["RestartPolicy"],
  run: EndedRun,
  history: RestartHistory,
): RestartDecision {
  if (run.isStopped || !isWanted(policy, run, history.count)) return { restarts: false };
  const before = run.ranMs >= WORKED_MS ? 0 : history.delayMs;
  const delayMs = before === 0 ? FIRST_DELAY_MS : Math.min(before * 2, LAST_DELAY_MS);
  return { restarts: true, count: history.count + 1, delayMs };
}

function isWanted(policy: HostConfig["RestartPolicy"], run: EndedRun, count: number): boolean {
  const mayAgain = policy.MaximumRetryCount === 0 || count < policy.MaximumRetryCount;
  switch (policy.Name) {
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
      return run.exitCode !== 0 && mayAgain;
    case "on-unhealthy":
      return (run.exitCode !== 0 || run.isUnhealthy) && mayAgain;
    default:
      return false;
  }
}

/**
 * Decides when a daemon starts and finds a run that has ended. `always` means also what was
 * stopped: that is how it differs from `unless-stopped`. Pure.
 */
export function decideAtBoot(
  policy: HostConfig["RestartPolicy"],
  run: EndedRun,
  history: RestartHistory,
): RestartDecision {
  const isStopped = run.isStopped && policy.Name !== "always";
  return decideRestart(policy, { ...run, isStopped }, history);
}
