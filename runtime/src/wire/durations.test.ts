import { expect, test } from "vitest";
import { parseDurationNs } from "./index.ts";

test("parseDurationNs() reads Go's durations and says what is wrong in Go's words", () => {
  expect(parseDurationNs("1h1m1.5s")).toBe(3_661_500_000_000);
  expect(parseDurationNs("-5ms")).toBe(-5_000_000);
  expect(() => parseDurationNs("1")).toThrow('time: missing unit in duration "1"');
  expect(() => parseDurationNs("1x")).toThrow('time: unknown unit "x" in duration "1x"');
  expect(() => parseDurationNs("abc")).toThrow('time: invalid duration "abc"');
});
