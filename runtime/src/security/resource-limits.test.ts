import { describe, expect, test } from "vitest";
import { parseLimits, parseUlimit, planResourceLimits } from "./index.ts";

describe("parseUlimit()", () => {
  test("takes one value for both", () => {
    expect(parseUlimit("nofile=64")).toEqual({ Name: "nofile", Soft: 64, Hard: 64 });
    expect(parseUlimit("core=0:infinity")).toEqual({ Name: "core", Soft: 0, Hard: -1 });
  });

  test.each([
    ["nofile", "invalid ulimit argument: nofile"],
    ["as=5", "invalid ulimit type: as"],
    ["nofile=1:2:3", "too many limit value arguments - 1:2:3"],
    ["nofile=many", 'parsing "many": invalid syntax'],
    ["nofile=2:1", "soft limit must be less than or equal to hard limit: 2 > 1"],
    ["nofile=-1:1", "soft: -1 (unlimited), hard: 1"],
  ])("refuses %s in Docker's words", (text, message) => {
    expect(() => parseUlimit(text)).toThrow(message);
  });
});

describe("planResourceLimits()", () => {
  test("says why a limit above our own cannot be had", () => {
    const facts = {
      own: [{ name: "RLIMIT_NOFILE", soft: 1, hard: 4096 }],
      mayRaise: "no" as const,
    };
    const plan = () => planResourceLimits([{ Name: "nofile", Soft: 1, Hard: 5000 }], facts);
    expect(plan).toThrow("error setting rlimit RLIMIT_NOFILE: hard limit 5000 exceeds 4096");
  });

  test("lets the last of two with one name win", () => {
    const ulimits = [1, 2].map((value) => ({ Name: "core", Soft: value, Hard: value }));
    const facts = { own: [], mayRaise: "yes" as const };
    expect(planResourceLimits(ulimits, facts)).toEqual([{ name: "RLIMIT_CORE", soft: 2, hard: 2 }]);
  });
});

describe("parseLimits()", () => {
  test("reads /proc/PID/limits", () => {
    const text = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max open files            1024                 524288               files
Max nice priority         0                    0                    `;
    expect(parseLimits(text)).toEqual([
      { name: "RLIMIT_CPU", soft: Infinity, hard: Infinity },
      { name: "RLIMIT_NOFILE", soft: 1024, hard: 524_288 },
      { name: "RLIMIT_NICE", soft: 0, hard: 0 },
    ]);
  });
});
