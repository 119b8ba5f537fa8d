/**
 * 03, numbers of its own: the first process of a PID namespace is process 1.
 *
 * A process cannot change its own number, so nobody can enter a PID namespace: one has to be born
 * there. That is why it is said when the process is made, and not in a step.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import { ownName } from "./02-name.ts";
import { runShell } from "./shell.ts";
import type { Stage } from "./shell.ts";

/** Asks a shell for its number. */
export async function run(stage: Stage): Promise<void> {
  await runShell(stage, {
    steps: [ownName],
    pidNamespace: "new",
    command: "echo on $(hostname) I am process $$",
  });
}
