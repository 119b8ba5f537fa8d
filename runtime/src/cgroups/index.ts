export {
  applyCgroup,
  freezeCgroup,
  isFrozen,
  joinFiles,
  killCgroup,
  readCgroupPids,
  removeCgroup,
  thawCgroup,
  updateCgroup,
} from "./apply.ts";
export { type CheckedLimits, checkResources } from "./check.ts";
export type { DeviceRule } from "./devices.ts";
export { type CgroupHierarchy, type CgroupLayout, readCgroupLayout } from "./layout.ts";
export type { CgroupLimits, CgroupSupport, ResourceRequest } from "./limits.ts";
export { checkSettings, closeCgroupParent, openCgroupParent } from "./parent.ts";
export {
  type Cgroup,
  type CgroupDirectory,
  type CgroupParent,
  type CgroupPlan,
  type CgroupRequest,
  type CgroupStep,
  planCgroup,
  splitCgroup,
} from "./plan.ts";
export {
  type CgroupUsage,
  readBlockDevices,
  readCgroupUsage,
  readOomKills,
  readUnweighable,
} from "./read.ts";
