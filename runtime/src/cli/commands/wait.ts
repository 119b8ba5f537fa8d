/**
 * Command wait: wait for containers to end and print their exit codes.
 *
 * Kernel interface: wait4(2), by the keeper.
 * Specification: docker wait reference; Engine API v1.50, ContainerWait.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { waitForExit } from "../container-session.ts";
import { forEachTarget } from "../targets.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "CONTAINER [CONTAINER...]",
  flags: [],
  arity: [1, ANY],
  interspersed: true,
  about:
    "The code is the one the process left: exit(2)'s, or 128 and the number of the signal that ended it.",
  concepts: ["container"],
  completes: "containers",
  run: (context: Context, { args }: Input) =>
    forEachTarget(context, args, async (name) => {
      const exit = await waitForExit(context.api, name, "not-running");
      return String(await exit.code());
    }),
};
