import { expect, test } from "vitest";
import { planCgroup, planUpdate } from "./plan.ts";
import type { CgroupParent } from "./plan.ts";

const support = {} as CgroupParent["support"]; // shares depend on none of it

function parentOf(version: 1 | 2): CgroupParent {
  const hierarchies = [{ version, mountPoint: "/cg", controllers: ["cpu"] }];
  const layout = { mode: version === 1 ? "v1" : "v2", hierarchies } as const;
  return { layout, path: "/p", hierarchies, files: new Set(), support };
}

function sharesOn(version: 1 | 2, cpuShares: number): unknown {
  const request = { name: "c", limits: { cpuShares }, devices: "all" } as const;
  const { steps } = planCgroup(parentOf(version), { ...request, blockDevices: new Map() });
  return steps.flatMap((step) => (step.kind === "write" ? step.texts : []));
}

test("planCgroup() refuses the shares that version 1 would bend, in runc's words (-c 1)", () => {
  expect(() => sharesOn(1, 1)).toThrow("the minimum allowed cpu-shares is 2");
  expect(() => sharesOn(1, 262_145)).toThrow("the maximum allowed cpu-shares is 262144");
  expect([sharesOn(1, 2), sharesOn(1, 262_144)]).toEqual([["2"], ["262144"]]);
  // Version 2 has other numbers, onto which any shares are mapped.
  expect([sharesOn(2, 1), sharesOn(2, 262_145)]).toEqual([["1"], ["10000"]]);
});

test("planUpdate() refuses them too, before anything is written", () => {
  const { cgroup } = planCgroup(parentOf(1), {
    name: "c",
    limits: {},
    devices: "all",
    blockDevices: new Map(),
  });
  expect(() => planUpdate(parentOf(1), cgroup, { cpuShares: 1 }, 0)).toThrow("minimum");
});
