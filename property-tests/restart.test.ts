/** Properties of restart policies and health: pure decisions, whatever happens. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { afterCheck, STARTING } from "../runtime/src/container/health.ts";
import type { Health, HealthPlan } from "../runtime/src/container/health.ts";
import { decideAtBoot, decideRestart } from "../runtime/src/container/restart.ts";

const policy = fc.record({
  Name: fc.constantFrom("no", "always", "unless-stopped", "on-failure", "on-unhealthy"),
  MaximumRetryCount: fc.constant(0),
});
const run = fc.record({
  exitCode: fc.integer({ min: 0, max: 255 }),
  ranMs: fc.integer({ min: 0, max: 30_000 }),
  isStopped: fc.boolean(),
  isUnhealthy: fc.boolean(),
});

/** A run that fails at once. */
const FAILED = { exitCode: 1, ranMs: 0, isStopped: false, isUnhealthy: false };

describe("restart", () => {
  test.prop([fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 30 })], {
    // Long enough to come to the minute.
    examples: [[Array.from({ length: 12 }, () => 0)]],
  })(
    "restart-backs-off: twice the wait before, up to a minute, anew after ten seconds of work",
    (runs) => {
      const always = { Name: "always", MaximumRetryCount: 0 };
      let history = { count: 0, delayMs: 0 };
      let short = 0;
      for (const [at, ranMs] of runs.entries()) {
        const next = decideRestart(always, { ...FAILED, ranMs }, history);
        short = ranMs >= 10_000 ? 0 : short;
        const expected = Math.min(100 * 2 ** short, 60_000);
        expect(next).toEqual({ restarts: true, count: at + 1, delayMs: expected });
        short += 1;
        history = { count: at + 1, delayMs: expected };
      }
    },
  );

  test.prop([policy, run, fc.nat(50)])(
    "restart-obeys-policy, and a person above all",
    (wanted, ended, count) => {
      const { restarts } = decideRestart(wanted, ended, { count, delayMs: 0 });
      const failed = ended.exitCode !== 0;
      const expected: Record<string, boolean> = {
        no: false,
        always: true,
        "unless-stopped": true,
        "on-failure": failed,
        "on-unhealthy": failed || ended.isUnhealthy,
      };
      expect(restarts).toBe(!ended.isStopped && expected[wanted.Name]);
      const atBoot = decideAtBoot(wanted, ended, { count, delayMs: 0 });
      expect(atBoot.restarts).toBe(wanted.Name === "always" || restarts);
    },
  );

  const counting = fc.constantFrom("on-failure", "on-unhealthy");
  test.prop([counting, fc.integer({ min: 1, max: 20 })])(
    "restart-obeys-policy: with :N a program that always fails runs N times again",
    (Name, most) => {
      const wanted = { Name, MaximumRetryCount: most };
      let history = { count: 0, delayMs: 0 };
      let runs = 1;
      for (;;) {
        const next = decideRestart(wanted, FAILED, history);
        if (!next.restarts) break;
        history = next;
        runs += 1;
      }
      expect(runs).toBe(most + 1);
    },
  );
});

const plan = fc.record<HealthPlan>({
  command: fc.constant(["true"]),
  intervalMs: fc.constant(1000),
  timeoutMs: fc.constant(1000),
  startPeriodMs: fc.constantFrom(0, 5000),
  startIntervalMs: fc.constant(500),
  retries: fc.integer({ min: 1, max: 5 }),
});
const checks = fc.array(fc.constantFrom(0, 1, -1), { maxLength: 40 });

/** Every state that a series of checks leads through, a second apart. */
function history(wanted: HealthPlan, codes: readonly number[]): readonly Health[] {
  const states = [STARTING];
  for (const [at, exitCode] of codes.entries()) {
    const result = { startMs: at, endMs: at, exitCode, output: "" };
    states.push(afterCheck(wanted, states.at(-1) ?? STARTING, result, at * 1000));
  }
  return states;
}

describe("health", () => {
  test.prop([plan, checks])(
    "health-needs-retries: unhealthy exactly while so many have failed in a row",
    (wanted, codes) => {
      const forgiven = wanted.startPeriodMs / 1000;
      for (const [at, state] of history(wanted, codes).entries()) {
        const before = codes.slice(0, at);
        const lastSuccess = before.lastIndexOf(0);
        // Before the first success, failures count only behind the start period.
        const firstCounted = lastSuccess >= 0 ? lastSuccess + 1 : Math.min(forgiven, at);
        const streak = at - firstCounted;
        expect(state.failingStreak).toBe(streak);
        const isHealthy = lastSuccess >= 0 ? "healthy" : "starting";
        expect(state.status).toBe(streak >= wanted.retries ? "unhealthy" : isHealthy);
        expect(state.log.map(({ exitCode }) => exitCode)).toEqual(before.slice(-5));
      }
    },
  );

  test.prop([plan, fc.integer({ min: 0, max: 5 })])(
    "health-forgives-the-start, however often it fails",
    (wanted, count) => {
      const slow = { ...wanted, startPeriodMs: count * 1000 };
      const states = history(
        slow,
        Array.from({ length: count }, () => 1),
      );
      expect(states.map(({ status }) => status)).toEqual(states.map(() => "starting"));
      expect(states.at(-1)?.failingStreak).toBe(0);
    },
  );
});
