/**
 * Cgroups: from what Docker's API asks to limits that are known to be possible.
 *
 * A request is checked against what this machine has. What is wrong is refused in Docker's words;
 * what this kernel cannot do is dropped with a warning in Docker's words, never silently. The
 * checks for each controller are in the files `check-memory.ts`, `check-cpu.ts` and
 * `check-blkio.ts`.
 *
 * Kernel interface: cgroups(7).
 * Specification: Docker Engine API v1.50, "Resources".
 * Invariants:
 *   impossible-refused   swap below memory, more CPUs than present, ids out of range: refused,
 *                        never clipped
 * Left out: nothing.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import { checkBlkio } from "./check-blkio.ts";
import { checkCpu, checkCpuset, checkPids, checkRealtime } from "./check-cpu.ts";
import { checkMemory, checkOom, checkReservation } from "./check-memory.ts";
import { parseDeviceRule } from "./devices.ts";
import type { CgroupLimits, CgroupSupport, Check, ResourceRequest } from "./limits.ts";

/** What a check found: the limits that hold and what had to be dropped, in Docker's words. */
export interface CheckedLimits {
  readonly limits: CgroupLimits;
  readonly warnings: readonly string[];
}

/**
 * Checks a request against a machine.
 *
 * @param request Docker's `Resources`
 * @param support what the machine can do
 * @param purpose `create`, or `update` of a live container (where swap may be given alone)
 * @throws RuntimeError `resource-invalid` in Docker's words
 * @example
 * checkResources({ Memory: 1024 }, support); // throws: Minimum memory limit allowed is 6MB
 */
export function checkResources(
  request: ResourceRequest,
  support: CgroupSupport,
  purpose: "create" | "update" = "create",
): CheckedLimits {
  const warnings: string[] = [];
  const warn: Check["warn"] = (isDropped, text) => {
    if (isDropped) warnings.push(text);
    return isDropped;
  };
  const check: Check = { request, support, purpose, warn };
  const rules = request.DeviceCgroupRules ?? [];
  const limits: CgroupLimits = {
    ...checkMemory(check),
    ...checkReservation(check),
    ...checkOom(check),
    ...checkPids(check),
    ...checkCpu(check),
    ...checkRealtime(check),
    ...checkCpuset(check),
    settings: request.CgroupConf ?? undefined,
    ...checkBlkio(check),
    deviceRules: rules.length === 0 ? undefined : rules.map((text) => parseDeviceRule(text)),
  };
  return { limits: withoutUndefined(limits), warnings };
}

/** Limits as they are stored and printed: only what was asked. */
function withoutUndefined(limits: CgroupLimits): CgroupLimits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
