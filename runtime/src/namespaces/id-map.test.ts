import { describe, expect, test } from "vitest";
import {
  parseIdMap,
  parseNamespaceLink,
  parseSubordinateIds,
  planIdMaps,
  validateIdMap,
} from "./index.ts";
import type { IdFacts } from "./index.ts";

describe("parseIdMap()", () => {
  test("refuses a line that is not three numbers", () => {
    expect(() => parseIdMap("0 1\n")).toThrow("three numbers");
    expect(() => parseIdMap("0 -1 5\n")).toThrow("three numbers");
  });
});

describe("validateIdMap()", () => {
  test.each([
    ["it is empty", []],
    ["an extent is empty", [{ containerId: 0, hostId: 0, count: 0 }]],
    ["beyond 32 bits", [{ containerId: 0, hostId: 2 ** 32 - 1, count: 1 }]],
    [
      "overlap inside the container",
      [
        { containerId: 0, hostId: 0, count: 10 },
        { containerId: 9, hostId: 100, count: 1 },
      ],
    ],
    [
      "overlap on the host",
      [
        { containerId: 0, hostId: 5, count: 10 },
        { containerId: 20, hostId: 0, count: 6 },
      ],
    ],
  ])("says that %s", (problem, map) => {
    expect(() => validateIdMap(map)).toThrow(problem);
  });
});

describe("parseSubordinateIds()", () => {
  test("skips comments and broken lines", () => {
    const text = "# ours\nme:100000:65536\nbroken\nme:x:1\n1000:200000:10\n";
    expect(parseSubordinateIds(text)).toEqual([
      { user: "me", hostId: 100_000, count: 65_536 },
      { user: "1000", hostId: 200_000, count: 10 },
    ]);
  });
});

describe("planIdMaps()", () => {
  const facts: IdFacts = { hostUid: 1000, hostGid: 100, subordinateUids: [], subordinateGids: [] };

  test("maps root to the engine's user when there is nothing else", () => {
    expect(planIdMaps("subordinate", facts)).toEqual({
      uid: [{ containerId: 0, hostId: 1000, count: 1 }],
      gid: [{ containerId: 0, hostId: 100, count: 1 }],
    });
  });

  test("puts the engine's user between subordinate ids with keep-id", () => {
    const ids = [{ user: "me", hostId: 100_000, count: 65_536 }];
    expect(planIdMaps("keep-id", { ...facts, subordinateUids: ids }).uid).toEqual([
      { containerId: 0, hostId: 100_000, count: 1000 },
      { containerId: 1000, hostId: 1000, count: 1 },
      { containerId: 1001, hostId: 101_000, count: 64_536 },
    ]);
  });

  test("takes explicit extents, for both kinds or for one", () => {
    expect(planIdMaps({ extents: "uid=0:5:1,gid=0:6:1,1:100:10" }, facts)).toEqual({
      uid: [
        { containerId: 0, hostId: 5, count: 1 },
        { containerId: 1, hostId: 100, count: 10 },
      ],
      gid: [
        { containerId: 0, hostId: 6, count: 1 },
        { containerId: 1, hostId: 100, count: 10 },
      ],
    });
  });

  test.each(["", "0:1", "0:1:2;", "gid=0:1:2"])("refuses extents %j", (extents) => {
    expect(() => planIdMaps({ extents }, facts)).toThrow();
  });
});

describe("parseNamespaceLink()", () => {
  test("reads kind and inode, and refuses anything else", () => {
    expect(parseNamespaceLink("mnt:[4026531840]")).toEqual({ name: "mnt", inode: 4_026_531_840 });
    expect(() => parseNamespaceLink("/proc/1")).toThrow("namespace link");
  });
});
