import { expect, test } from "vitest";
import { humanDuration, NEVER, rfc3339 } from "./durations.ts";

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];

test.each([
  [0, "Less than a second"],
  [second, "1 second"],
  [59 * second, "59 seconds"],
  [minute, "About a minute"],
  [2 * minute, "2 minutes"],
  [59 * minute, "59 minutes"],
  [hour, "About an hour"],
  [89 * minute, "About an hour"],
  [90 * minute, "2 hours"],
  [47 * hour, "47 hours"],
  [2 * day, "2 days"],
  [13 * day, "13 days"],
  [14 * day, "2 weeks"],
  [60 * day, "2 months"],
  [729 * day, "24 months"],
  [730 * day, "2 years"],
])("humanDuration(%d) says %s", (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});

test.each([
  [0, NEVER],
  [1000, "1970-01-01T00:00:01Z"],
  [1500, "1970-01-01T00:00:01.5Z"],
  [1_700_000_000_123.25, "2023-11-14T22:13:20.12325Z"],
])("rfc3339(%d) prints %s", (ms, text) => {
  expect(rfc3339(ms)).toBe(text);
});
