/**
 * Machine: what an engine asks once about where it runs.
 *
 * Kernel interface: proc(5), uname(2), cgroups(7).
 * Specification: none.
 * Invariants: none.
 * Left out: memory or processors that are added later.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { openCgroupParent, readCgroupLayout } from "../cgroups/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { parseCapabilityMask, parseLimits } from "../security/index.ts";
import type { EngineMachine } from "./context.ts";
import { readMemoryBytes } from "./info.ts";

/** Asks; makes the cgroup parent where it is missing. @throws RuntimeError cgroup-unavailable */
export function readMachine(kernel: Kernel, cgroupParent: string): EngineMachine {
  const bounding = /^CapBnd:\s*(\S+)$/mu.exec(kernel.readText("/proc/self/status"))?.[1] ?? "0";
  const filesystems = kernel.readText("/proc/filesystems").split("\n");
  return {
    uname: kernel.uname(),
    cgroupParent: openCgroupParent(kernel, readCgroupLayout(kernel), cgroupParent),
    capabilities: parseCapabilityMask(bounding),
    limits: parseLimits(kernel.readText("/proc/self/limits")),
    filesystems: new Set(filesystems.map((line) => line.split("\t").at(-1) ?? "")),
    memoryBytes: readMemoryBytes(kernel),
  };
}
