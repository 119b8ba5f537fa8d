import { describe, expect, test } from "vitest";
import { mountsForPath, planPaths } from "./index.ts";

describe("planPaths()", () => {
  test("hides and protects Docker's paths by default", () => {
    const steps = planPaths({ masked: null, readOnly: null, confinement: "confined" });
    expect(steps).toHaveLength(17);
    expect(steps).toContainEqual({ op: "mask", path: "/proc/kcore" });
    expect(steps).toContainEqual({ op: "read-only", path: "/proc/sys" });
  });
});

describe("mountsForPath()", () => {
  test("keeps the flags of proc, and adds none elsewhere", () => {
    const flagsOf = (path: string) =>
      mountsForPath({ op: "read-only", path }, "directory").map(({ flags }) => flags);
    expect(flagsOf("/proc/sys")[1]).toContain("MS_NOEXEC");
    expect(flagsOf("/usr")).toEqual([
      ["MS_BIND", "MS_REC"],
      ["MS_BIND", "MS_REMOUNT", "MS_RDONLY"],
    ]);
  });
});
