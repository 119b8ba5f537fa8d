export { inheritMounts } from "./inherit.ts";
export { type MountSpec, parseMountSpecs, type VolumesRequest } from "./mount-spec.ts";
export { inspectMounts, type MountPoint, planVolumes, type VolumeMount } from "./plan.ts";
export { checkSources, makeSources, reachSources } from "./sources.ts";
