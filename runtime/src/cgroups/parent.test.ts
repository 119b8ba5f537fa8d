import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import type { CgroupLayout } from "./layout.ts";
import { openCgroupParent } from "./parent.ts";
import { planCgroup } from "./plan.ts";

const kernel = createLinuxKernel();
let mountPoint = "";

beforeEach(() => {
  mountPoint = mkdtempSync(join(tmpdir(), "drydock-parent-"));
});
afterEach(() => rmSync(mountPoint, { recursive: true, force: true }));

/** Files of a version 2 hierarchy with its parent there already, as plain files. */
function layoutOfVersion2(controllers: readonly string[], files: readonly string[]): CgroupLayout {
  writeFileSync(`${mountPoint}/cgroup.subtree_control`, "cpu\n");
  mkdirSync(`${mountPoint}/drydock`);
  for (const name of files) writeFileSync(`${mountPoint}/drydock/${name}`, "");
  writeFileSync(`${mountPoint}/drydock/cgroup.subtree_control`, "");
  return { mode: "v2", hierarchies: [{ version: 2, mountPoint, controllers }] };
}

describe("openCgroupParent()", () => {
  test("enables in the root and in itself what is not enabled yet", () => {
    const layout = layoutOfVersion2(["cpu", "pids", "rdma"], ["cpu.weight", "cpu.max", "pids.max"]);
    const parent = openCgroupParent(kernel, layout, "/drydock");
    expect(parent.hierarchies[0]?.controllers).toEqual(["cpu", "pids"]);
    // A plain file keeps the last write only; cpu was enabled in the root before.
    const enabled = (path: string) => readFileSync(`${mountPoint}${path}`, "utf8").slice(0, 5);
    expect(enabled("/cgroup.subtree_control")).toBe("+pids");
    expect(enabled("/drydock/cgroup.subtree_control")).toBe("+pids");
  });

  test("learns what works from the files that are there", () => {
    const layout = layoutOfVersion2(["cpu", "memory"], ["cpu.max", "memory.max", "memory.low"]);
    const { support } = openCgroupParent(kernel, layout, "/drydock");
    expect(support).toMatchObject({
      cpuQuota: true,
      cpuRealtime: false,
      cpuShares: false,
      memoryLimit: true,
      memoryReservation: true,
      swapLimit: false,
      memorySwappiness: false,
      pidsLimit: false,
      cpuset: false,
      devices: false,
    });
    expect(support.cpuCount).toBeGreaterThan(0);
    expect(support.cpus).toMatch(/^\d/);
  });

  test("gives a parent whose plans begin with mkdir", () => {
    const layout = layoutOfVersion2(["memory"], ["memory.max"]);
    const parent = openCgroupParent(kernel, layout, "/drydock");
    const limits = { memoryMaxBytes: 8192 };
    const request = { name: "c1", limits, devices: "listed" as const, blockDevices: new Map() };
    expect(planCgroup(parent, request).steps).toEqual([
      { kind: "mkdir", path: `${mountPoint}/drydock/c1` },
      { kind: "write", path: `${mountPoint}/drydock/c1/memory.max`, texts: ["8192"] },
    ]);
  });

  test.each(["drydock", "/", "/../x", "/a b", ""])("refuses the path %j", (path) => {
    const layout: CgroupLayout = { mode: "none", hierarchies: [] };
    expect(() => openCgroupParent(kernel, layout, path)).toThrow(`invalid cgroup parent "${path}"`);
  });

  test("is content with a machine that has no cgroups: nothing is supported", () => {
    const parent = openCgroupParent(kernel, { mode: "none", hierarchies: [] }, "/drydock");
    expect(parent.hierarchies).toEqual([]);
    expect(parent.support).toMatchObject({ memoryLimit: false, pidsLimit: false, freezer: false });
  });
});
