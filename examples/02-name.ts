/**
 * 02, a name of its own: the first namespace, and the easiest.
 *
 * A UTS namespace holds the name of the machine. `unshare` gives the process a copy of its own; from
 * then on it changes its own only.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import { runShell } from "./shell.ts";
import type { Stage, Step } from "./shell.ts";

/** Leaves the machine's name alone and has another. */
export const ownName: Step = (kernel) => {
  kernel.unshare(["CLONE_NEWUTS"]);
  kernel.setHostname("boat");
};

/** Renames, and looks whether the machine noticed. */
export async function run(stage: Stage): Promise<void> {
  const nameOfMachine = (): string => stage.kernel.readText("/proc/sys/kernel/hostname");
  const before = nameOfMachine();
  await runShell(stage, {
    steps: [ownName],
    pidNamespace: "inherit",
    command: "echo my machine is called $(hostname)",
  });
  stage.say(nameOfMachine() === before ? "the machine kept its name" : "the machine was renamed");
}
