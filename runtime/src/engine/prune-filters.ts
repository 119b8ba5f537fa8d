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

import type { Filters } from "./engine.ts";
import { invalidFilter, isFalse, untilMs } from "./filter-values.ts";
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
    throw invalidFilter("prune", unknown, hint);
  }
  const { label = [], "label!": without = [], until = [] } = filters;
  const limitMs = untilMs("prune", until, nowMs);
  for (const value of filters["dangling"] ?? []) isFalse("prune", value);
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
