/**
 * 07, a share of its own: at most five processes.
 *
 * So far the process saw little and could use everything. A cgroup is a directory: its files hold
 * the limits, and whoever writes 0 into one of them joins. The engine's own process makes the
 * directory, before the start, and removes it after the end.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import type { Files } from "../runtime/src/kernel/index.ts";
import { ownName } from "./02-name.ts";
import { ownMounts, ownProc } from "./04-mounts.ts";
import { makeImage, ownFiles } from "./05-files.ts";
import { ownNetwork } from "./06-network.ts";
import { runShell } from "./shell.ts";
import type { Stage, Step } from "./shell.ts";

/** A cgroup: its directory, and the file in it that takes members. */
export interface Share {
  readonly path: string;
  readonly joinFile: string;
}

/** Makes a cgroup that holds at most five processes. Where it is depends on the version. */
export function makeShare(kernel: Files, name: string): Share {
  const isV2 = kernel.readdir("/sys/fs/cgroup").includes("cgroup.controllers");
  if (isV2) kernel.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+pids", "existing");
  const path = `/sys/fs/cgroup/${isV2 ? name : `pids/${name}`}`;
  kernel.mkdir(path, 0o755);
  kernel.writeFile(`${path}/pids.max`, "5", "existing");
  return { path, joinFile: `${path}/${isV2 ? "cgroup.procs" : "tasks"}` };
}

/** Joins a cgroup: to be done while its path can still be reached. */
export function join(share: Share): Step {
  return (kernel) => kernel.joinCgroups(kernel.openCgroups([share.joinFile]));
}

/** Runs a shell with all steps so far, then `last`; its share goes with it. */
export async function runShared(
  stage: Stage,
  last: readonly Step[],
  command: string,
): Promise<void> {
  const { kernel, scratch } = stage;
  makeImage(kernel, scratch);
  const share = makeShare(kernel, `example-${scratch.slice(-6)}`);
  const steps = [join(share), ownName, ownNetwork, ownMounts, ownFiles, ownProc, ...last];
  try {
    await runShell(stage, { steps, pidNamespace: "new", command });
  } finally {
    kernel.rmdir(share.path);
  }
}

/** Forks until somebody says no. */
export async function run(stage: Stage): Promise<void> {
  await runShared(stage, [], "sleep 0.1 | sleep 0.1 | sleep 0.1 | sleep 0.1 | sleep 0.1");
}
