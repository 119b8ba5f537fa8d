/**
 * 06, a network of its own: empty, but for a loopback link that is down.
 *
 * A network namespace has its own links, addresses, routes and ports. To connect it to anything is
 * work of its own; here the process can reach itself, and nobody else.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import { ownName } from "./02-name.ts";
import { ownMounts, ownProc } from "./04-mounts.ts";
import { makeImage, ownFiles } from "./05-files.ts";
import { runShell } from "./shell.ts";
import type { Stage, Step } from "./shell.ts";

/** A network namespace whose only link is up. The same for the System V and POSIX queues: IPC. */
export const ownNetwork: Step = (kernel) => {
  kernel.unshare(["CLONE_NEWNET", "CLONE_NEWIPC"]);
  kernel.changeLink("lo", { up: true });
};

/** Asks a shell which links there are. */
export async function run(stage: Stage): Promise<void> {
  makeImage(stage.kernel, stage.scratch);
  await runShell(stage, {
    steps: [ownName, ownNetwork, ownMounts, ownFiles, ownProc],
    pidNamespace: "new",
    command: "echo my links: $(tail -n +3 /proc/net/dev | cut -d: -f1)",
  });
}
