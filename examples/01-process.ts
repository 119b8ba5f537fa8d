/**
 * 01, a process: one program starts another. No container yet.
 *
 * The new process has everything that its parent has: the machine's files, its name, its process
 * list. Each of the next examples takes one of these away.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import { runShell } from "./shell.ts";
import type { Stage } from "./shell.ts";

/** Starts a shell, and does nothing to it. */
export async function run(stage: Stage): Promise<void> {
  await runShell(stage, {
    steps: [],
    pidNamespace: "inherit",
    command: '[ -e /proc/$PPID ] && echo "I see my parent"',
  });
}
