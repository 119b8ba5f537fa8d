/**
 * Filter values: what may stand behind the name of a filter, for lists and prunes alike.
 *
 * Kernel interface: none.
 * Specification: docker timestamp.GetTimestamp; Docker's filters.Args.GetBoolOrDefault.
 * Invariants: none.
 * Left out: dates without a time of day in the reader's own zone; they are read as UTC.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { parseDurationNs } from "../wire/index.ts";

/** What is filtered, for a refusal: "prune", "list images". */
type Operation = string;

/**
 * A filter that cannot be.
 *
 * @param filter its name, and its value where that is wrong
 * @param hint what would be right
 */
export function invalidFilter(
  operation: Operation,
  filter: string,
  hint: string,
  why = "",
): RuntimeError {
  return new RuntimeError({
    code: "filter-invalid",
    class: "invalid",
    message: `invalid filter '${filter}'${why === "" ? "" : `: ${why}`}`,
    operation,
    hint,
  });
}

/**
 * Whether `dangling=` asks for what has a name; a list shows only that, a prune takes it too.
 *
 * @throws RuntimeError filter-invalid for what is neither true nor false
 */
export function isFalse(operation: Operation, value: string): boolean {
  if (["1", "true"].includes(value)) return false;
  if (["0", "false"].includes(value)) return true;
  const hint = "Say dangling=true for images without a name, dangling=false for those with one.";
  throw invalidFilter(operation, `dangling=${value}`, hint, "neither true nor false");
}

const UNTIL_HINT =
  "Write an age such as 24h or 1h30m, a moment such as 2026-01-31T12:00:00Z, " +
  "or seconds since 1970.";

/**
 * Before when something must have been made; Infinity without such a filter.
 *
 * @param nowMs what an age counts back from
 * @throws RuntimeError filter-invalid
 */
export function untilMs(operation: Operation, values: readonly string[], nowMs: number): number {
  const [text, second] = values;
  if (text === undefined) return Infinity;
  if (second !== undefined) {
    const hint = "Keep the one that means the older things.";
    const why = "more than one until filter specified";
    throw invalidFilter(operation, `until=${second}`, hint, why);
  }
  if (/^\d+(\.\d+)?$/u.test(text)) return Number(text) * 1000;
  const ageMs = ageOf(text);
  if (ageMs !== undefined) return nowMs - ageMs;
  const moment = Date.parse(text);
  if (!Number.isNaN(moment)) return moment;
  const why = `failed to parse value as time or duration: ${JSON.stringify(text)}`;
  throw invalidFilter(operation, `until=${text}`, UNTIL_HINT, why);
}

/** Milliseconds of a duration in Go's manner; undefined when it is none. */
function ageOf(text: string): number | undefined {
  try {
    return parseDurationNs(text) / 1e6;
  } catch {
    return undefined;
  }
}
