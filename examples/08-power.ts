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
import { ownName } from "./02-name.ts";
import { ownMounts, ownProc } from "./04-mounts.ts";
import { makeImage, ownFiles } from "./05-files.ts";
import { ownNetwork } from "./06-network.ts";
import { join, makeShare } from "./07-share.ts";
import { runShell } from "./shell.ts";
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
  const { kernel, scratch } = stage;
  makeImage(kernel, scratch);
  const share = makeShare(kernel, `example-${scratch.slice(-6)}`);
  try {
    await runShell(stage, {
      steps: [join(share), ownName, ownNetwork, ownMounts, ownFiles, ownProc, lessPower],
      pidNamespace: "new",
      command: "echo I am user $(id -u); hostname ship; grep CapEff /proc/self/status",
    });
  } finally {
    kernel.rmdir(share.path);
  }
}
