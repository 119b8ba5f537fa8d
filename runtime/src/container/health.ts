/**
 * Health: does a container do its work, besides being alive?
 *
 * A command of the image's choice is run in it now and then. One success makes it healthy; so many
 * failures in a row make it unhealthy; failures while it is still starting count nothing.
 *
 *     starting ──success──▶ healthy ◀──success── unhealthy
 *         │                    │                     ▲
 *         └── retries failures ┴── retries failures ─┘
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, HealthConfig and Health; moby daemon/health.go.
 * Invariants:
 *   health-needs-retries   it becomes unhealthy after exactly so many counted failures in a row,
 *       and healthy by one success
 *   health-forgives-the-start   no failure within the start period counts before the first success
 * Left out: nothing.
 * Docs: docs/concepts/health.md
 *
 * @module
 */

/** A check as the API takes it; durations in nanoseconds, 0: the default. */
export interface HealthConfig {
  /** Empty: the image's; `NONE`; `CMD` and words; `CMD-SHELL` and a line. */
  readonly Test: readonly string[];
  readonly Interval: number;
  readonly Timeout: number;
  readonly StartPeriod: number;
  readonly StartInterval: number;
  readonly Retries: number;
}

/** What a check said. */
export interface HealthResult {
  readonly startMs: number;
  readonly endMs: number;
  /** -1: it took too long. */
  readonly exitCode: number;
  readonly output: string;
}

/** How a container is. */
export interface Health {
  readonly status: "starting" | "healthy" | "unhealthy";
  readonly failingStreak: number;
  /** The last five. */
  readonly log: readonly HealthResult[];
}

/** A check with everything filled in. */
export interface HealthPlan {
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
}

const LOG_ENTRIES = 5;
const NS_PER_MS = 1_000_000;
const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, startIntervalMs: 5000, retries: 3 };

/** A container that was just started. */
export const STARTING: Health = { status: "starting", failingStreak: 0, log: [] };

/**
 * What to run and when; null: nothing. Pure.
 *
 * @example planHealth({ Test: ["CMD-SHELL", "true"], … })?.command // ["/bin/sh", "-c", "true"]
 */
export function planHealth(config: HealthConfig | null): HealthPlan | null {
  const [kind, ...words] = config?.Test ?? [];
  if (config === null || kind === undefined || kind === "NONE" || words.length === 0) return null;
  const ms = (ns: number, otherwise: number): number => (ns > 0 ? ns / NS_PER_MS : otherwise);
  return {
    command: kind === "CMD-SHELL" ? ["/bin/sh", "-c", words[0] ?? ""] : words,
    intervalMs: ms(config.Interval, DEFAULTS.intervalMs),
    timeoutMs: ms(config.Timeout, DEFAULTS.timeoutMs),
    startPeriodMs: ms(config.StartPeriod, 0),
    startIntervalMs: ms(config.StartInterval, DEFAULTS.startIntervalMs),
    retries: config.Retries > 0 ? config.Retries : DEFAULTS.retries,
  };
}

/** How it is after one check more. Pure. @param sinceStartMs when the check began */
export function afterCheck(
  plan: HealthPlan,
  health: Health,
  result: HealthResult,
  sinceStartMs: number,
): Health {
  const log = [...health.log, result].slice(-LOG_ENTRIES);
  if (result.exitCode === 0) return { status: "healthy", failingStreak: 0, log };
  if (health.status === "starting" && sinceStartMs < plan.startPeriodMs) return { ...health, log };
  const failingStreak = health.failingStreak + 1;
  const isOver = failingStreak >= plan.retries;
  return { status: isOver ? "unhealthy" : health.status, failingStreak, log };
}

/** How long to wait for the next check. Pure. */
export function nextCheckMs(plan: HealthPlan, health: Health, sinceStartMs: number): number {
  const isStarting = health.status === "starting" && sinceStartMs < plan.startPeriodMs;
  return isStarting ? plan.startIntervalMs : plan.intervalMs;
}
