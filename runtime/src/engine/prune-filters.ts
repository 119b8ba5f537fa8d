/**
 * Prune filters: which of the things that nobody uses are meant.
 *
 * A filter that is not understood is refused before anything is removed: to prune more than was
 * meant cannot be taken back. The refusal names the filter, says why, and what would be right.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, the "filters" of each prune.
 * Invariants: none.
 * Left out: of build caches and volumes only the names are known; there are none to choose from.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { parseDurationNs } from "../wire/index.ts";
import type { Filters } from "./engine.ts";
import { hasLabel } from "./filters.ts";

const KNOWN = {
  containers: "label, label!, until",
  images: "dangling, label, label!, until",
  networks: "label, label!, until",
  volumes: "all, label, label!",
  "build caches": "description, id, inuse, label, parent, private, shared, type, until",
} as const;

/** What can be pruned. */
export type PruneKind = keyof typeof KNOWN;

/** What a filter looks at. */
export interface Prunable {
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
}

/**
 * A test of what is meant by all filters together. Pure.
 *
 * @param nowMs what an age in `until` counts back from
 * @throws RuntimeError filter-invalid
 * @example
 * compilePruneFilters("images", { label: ["a"] }, 0)({ labels: { a: "" }, createdAtMs: 0 }) // true
 */
export function compilePruneFilters(
  kind: PruneKind,
  filters: Filters,
  nowMs: number,
): (thing: Prunable) => boolean {
  const known = KNOWN[kind].split(", ");
  const unknown = Object.keys(filters).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const hint = `Filters of pruning ${kind} are ${KNOWN[kind]}.`;
    throw invalidFilter(`invalid filter '${unknown}'`, hint);
  }
  const { label = [], "label!": without = [], until = [] } = filters;
  const limitMs = untilOf(until, nowMs);
  (filters["dangling"] ?? []).forEach(isFalse);
  return ({ labels, createdAtMs }) =>
    label.every((value) => hasLabel(labels, value)) &&
    !without.some((value) => hasLabel(labels, value)) &&
    createdAtMs < limitMs;
}

/**
 * Refuses the filters of what there is none of yet, as those of the others are.
 *
 * @throws RuntimeError filter-invalid
 */
export function checkPruneFilters(kind: PruneKind, filters: Filters): void {
  compilePruneFilters(kind, filters, 0);
}

/** Whether a value of `dangling` is Docker's way to mean what has a name too. */
export function isFalse(value: string): boolean {
  if (["1", "true"].includes(value)) return false;
  if (["0", "false"].includes(value)) return true;
  const hint = "Say dangling=false for images with a name too, dangling=true for those without.";
  throw invalidFilter(`invalid filter 'dangling=${value}': neither true nor false`, hint);
}

const UNTIL_HINT =
  "Write an age such as 24h or 1h30m, a moment such as 2026-01-31T12:00:00Z, " +
  "or seconds since 1970.";

function untilOf(values: readonly string[], nowMs: number): number {
  const [text, second] = values;
  if (text === undefined) return Infinity;
  if (second !== undefined) {
    const message = `invalid filter 'until=${second}': more than one until filter specified`;
    throw invalidFilter(message, "Keep the one that means the older things.");
  }
  if (/^\d+(\.\d+)?$/u.test(text)) return Number(text) * 1000;
  const ageMs = ageOf(text);
  if (ageMs !== undefined) return nowMs - ageMs;
  const moment = Date.parse(text);
  if (!Number.isNaN(moment)) return moment;
  const why = `failed to parse value as time or duration: ${JSON.stringify(text)}`;
  throw invalidFilter(`invalid filter 'until=${text}': ${why}`, UNTIL_HINT);
}

/** Milliseconds of a duration in Go's manner; undefined when it is none. */
function ageOf(text: string): number | undefined {
  try {
    return parseDurationNs(text) / 1e6;
  } catch {
    return undefined;
  }
}

function invalidFilter(message: string, hint: string): RuntimeError {
  return new RuntimeError({
    code: "filter-invalid",
    class: "invalid",
    message,
    operation: "prune",
    hint,
  });
}
