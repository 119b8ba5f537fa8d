/**
 * 04, mounts of its own: another /proc, and nobody else sees it.
 *
 * In example 03 `ps` would still show the whole machine, because it reads /proc, and /proc was mounted
 * by somebody outside. A mount namespace is a copy of the mount table. The copies still tell each
 * other what they mount, until that is switched off; then a proc of our own can go over the old one.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import { ownName } from "./02-name.ts";
import { runShell } from "./shell.ts";
import type { Stage, Step } from "./shell.ts";

/** A copy of the mount table that keeps to itself. */
export const ownMounts: Step = (kernel) => {
  kernel.unshare(["CLONE_NEWNS"]);
  const flags = ["MS_REC", "MS_PRIVATE"] as const;
  kernel.mount({ source: "none", target: "/", fstype: "", flags, data: "" });
};

/** A proc shows the PID namespace of whoever mounts it. */
export const ownProc: Step = (kernel) => {
  const flags = ["MS_NOSUID", "MS_NODEV", "MS_NOEXEC"] as const;
  kernel.mount({ source: "proc", target: "/proc", fstype: "proc", flags, data: "" });
};

/** Asks a shell which processes there are. */
export async function run(stage: Stage): Promise<void> {
  await runShell(stage, {
    steps: [ownName, ownMounts, ownProc],
    pidNamespace: "new",
    command: "echo all processes: /proc/[0-9]*",
  });
}
