import { expect, test } from "vitest";
import { parseReference, type Image } from "../images/index.ts";
import type { ImageRunConfig } from "../images/index.ts";
import { compileImageFilters } from "./image-filters.ts";

const HOUR_MS = 3_600_000;
const context = { createdMs: () => 5 * HOUR_MS, nowMs: 100 * HOUR_MS };

function imageOf(names: readonly string[], atMs: number, config: ImageRunConfig = {}): Image {
  const created = new Date(atMs).toISOString();
  // What filters look at.
  return { references: names.map(parseReference), config: { created, config } } as unknown as Image;
}

const labelled = imageOf(["team/app:1"], 10 * HOUR_MS, { Labels: { a: "1", b: "2" } });

test.each([
  [{}, true],
  [{ label: ["a=1", "b"] }, true],
  [{ label: ["a=1", "missing"] }, false],
  [{ reference: ["nothing", "team/*"] }, true],
  [{ reference: ["team/app:?"] }, true],
  [{ reference: ["*"] }, false],
  [{ dangling: ["false"] }, true],
  [{ dangling: ["true"] }, false],
  [{ dangling: ["true", "false"] }, true],
  [{ before: ["other"] }, false],
  [{ since: ["other"] }, true],
  [{ until: ["89h"] }, true],
  [{ until: ["91h"] }, false],
  [{ until: ["36001"] }, true],
  [{ until: ["1970-01-01T10:00:00Z"] }, false],
])("a list of images with %j shows an image: %j", (filters, isShown) => {
  expect(compileImageFilters(filters, context)(labelled)).toBe(isShown);
});

test("an image without a name dangles", () => {
  expect(compileImageFilters({ dangling: ["1"] }, context)(imageOf([], 0))).toBe(true);
});

test.each([
  [{ dangling: ["maybe"] }, "invalid filter 'dangling=maybe': neither true nor false"],
  [{ until: ["soon"] }, "invalid filter 'until=soon': failed to parse value as time or duration"],
  [{ toString: ["x"] }, "invalid filter 'toString'"],
])("%j is refused", (filters, message) => {
  expect(() => compileImageFilters(filters, context)).toThrow(message);
});
