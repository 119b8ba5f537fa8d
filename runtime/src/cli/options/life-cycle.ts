/**
 * Options, life cycle: health checks, restarts, the end.
 *
 * Kernel interface: none.
 * Specification: docker run reference, "--restart" and "--health-cmd"; Engine API v1.50.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure } from "../failure.ts";
import type { Flags } from "../grammar.ts";

/** A health check as the API takes it; durations in nanoseconds. */
export interface HealthConfig {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

const DURATIONS = [
  ["health-interval", "Interval"],
  ["health-timeout", "Timeout"],
  ["health-start-period", "StartPeriod"],
  ["health-start-interval", "StartInterval"],
  ["health-retries", "Retries"],
] as const;

/** Reads --health-* and --no-healthcheck. @throws Failure with exit code 125 */
export function readHealth(flags: Flags): HealthConfig | undefined {
  const command = flags.text("health-cmd");
  const numbers = DURATIONS.filter(([name]) => flags.number(name) !== 0);
  const any = command !== "" || numbers.length > 0;
  if (flags.bool("no-healthcheck")) {
    if (any) throw fail("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  if (!any) return undefined;
  for (const [name] of numbers) {
    if (flags.number(name) < 0) throw fail(`--${name} cannot be negative`);
  }
  return {
    ...(command === "" ? {} : { Test: ["CMD-SHELL", command] }),
    ...Object.fromEntries(numbers.map(([name, field]) => [field, flags.number(name)])),
  };
}

/** A restart policy as the API takes it. */
export interface RestartPolicy {
  readonly Name: string;
  readonly MaximumRetryCount: number;
}

/** Parses "on-failure:3". @throws Failure with exit code 125 */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [Name = "", count, extra] = text.split(":");
  if (Name === "" && count !== undefined) {
    throw fail("invalid restart policy format: no policy provided before colon");
  }
  if (extra !== undefined || (count !== undefined && !/^\d+$/.test(count))) {
    throw fail("invalid restart policy format: maximum retry count must be an integer");
  }
  return { Name: Name === "" ? "no" : Name, MaximumRetryCount: Number(count ?? 0) };
}

/** Refuses what cannot go together. @throws Failure with exit code 125 */
export function checkConflicts(flags: Flags): void {
  const policy = parseRestartPolicy(flags.text("restart"));
  if (flags.bool("rm") && policy.Name !== "no") {
    throw fail("conflicting options: cannot specify both --restart and --rm");
  }
  const swappiness = flags.number("memory-swappiness");
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw fail(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  if (flags.text("log-driver") === "none" && flags.list("log-opt").length > 0) {
    throw fail("invalid logging opts for driver none");
  }
  const pull = flags.text("pull");
  if (!["always", "missing", "never", ""].includes(pull)) {
    throw fail(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`);
  }
  checkModes(flags);
}

const MODES: readonly (readonly [string, string, RegExp])[] = [
  ["pid", "PID", /^(|host|container:.+)$/],
  ["uts", "UTS", /^(|host)$/],
  ["userns", "USER", /^(|host|private|keep-id|map:.+)$/],
  ["cgroupns", "CGROUP", /^(|host|private)$/],
];

function checkModes(flags: Flags): void {
  for (const [flag, kind, form] of MODES) {
    if (!form.test(flags.text(flag))) throw fail(`--${flag}: invalid ${kind} mode`);
  }
}

function fail(message: string): Failure {
  return new Failure({ message, exitCode: 125 });
}
