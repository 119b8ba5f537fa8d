/**
 * 08, less power: root that is not root. Now it is a container.
 *
 * Root inside is still root of the machine, and could undo all the steps before. So it gives up all
 * but three of root's privileges, for good, and whatever would bring them back. A filter on system
 * calls would come here too: docs/concepts/seccomp.md.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import { runShared } from "./07-share.ts";
import type { Stage, Step } from "./shell.ts";

const KEPT = ["CAP_CHOWN", "CAP_SETGID", "CAP_SETUID"];

/** Gives up what is not in the list. Last, since most steps need what it takes away. */
export const lessPower: Step = (kernel) => {
  kernel.setBoundingSet(KEPT);
  const sets = { bounding: KEPT, permitted: KEPT, effective: KEPT };
  kernel.setCapabilities({ ...sets, inheritable: [], ambient: [] });
  kernel.setNoNewPrivileges();
};

/** Tries as root what root can do. */
export async function run(stage: Stage): Promise<void> {
  const command = "echo I am user $(id -u); hostname ship; grep CapEff /proc/self/status";
  await runShared(stage, [lessPower], command);
}
