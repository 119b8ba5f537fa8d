import { expect, test } from "vitest";
import type { Filters } from "./engine.ts";
import { checkPruneFilters, compilePruneFilters } from "./prune-filters.ts";
import type { PruneKind } from "./prune-filters.ts";

const NOW_MS = 100 * 3_600_000;

test.each([
  [{}, 0, true],
  [{ until: ["24h"] }, NOW_MS - 25 * 3_600_000, true],
  [{ until: ["24h"] }, NOW_MS - 23 * 3_600_000, false],
  [{ until: ["90m500us"] }, NOW_MS - 90 * 60_000, false],
  [{ until: ["1h30m"] }, NOW_MS - 100 * 60_000, true],
  [{ until: ["7200"] }, 7_199_000, true],
  [{ until: ["1970-01-02T00:00:00Z"] }, 86_400_000, false],
  [{ label: ["a"] }, 0, true],
  [{ label: ["a=2"] }, 0, false],
  [{ "label!": ["a"] }, 0, false],
] as const)("compilePruneFilters(%j) of what is %d ms old", (filters, createdAtMs, expected) => {
  const isWanted = compilePruneFilters("containers", filters, NOW_MS);
  expect(isWanted({ labels: { a: "1" }, createdAtMs })).toBe(expected);
});

test.each<[PruneKind, Filters, string, string]>([
  ["containers", { until: ["bad"] }, `'until=bad': failed to parse value as time or`, "1h30m"],
  ["images", { until: [""] }, "invalid filter 'until='", "24h"],
  ["networks", { until: ["1h", "2h"] }, "more than one until filter specified", "Keep the one"],
  ["volumes", { until: ["1h"] }, "invalid filter 'until'", "volumes are all, label, label!"],
  ["build caches", { foo: ["1"] }, "invalid filter 'foo'", "build caches are description"],
  ["images", { dangling: ["maybe"] }, "'dangling=maybe': neither true nor false", "dangling=false"],
  ["containers", { dangling: ["true"] }, "invalid filter 'dangling'", "label, label!, until"],
  ["containers", { constructor: ["1"] }, "invalid filter 'constructor'", "label, label!, until"],
])(
  "pruning %s with %j names the filter, says why and what would do",
  (kind, filters, why, hint) => {
    expect(() => checkPruneFilters(kind, filters)).toThrow(
      expect.objectContaining({
        class: "invalid",
        message: expect.stringContaining(why) as string,
        hint: expect.stringContaining(hint) as string,
      }) as Error,
    );
  },
);
