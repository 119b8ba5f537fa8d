/**
 * Command restart: stop and start containers.
 *
 * Kernel interface: kill(2), execve(2), by the daemon.
 * Specification: docker restart reference; Engine API v1.50, ContainerRestart.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { STOP_FLAGS, stopBy } from "../stop-wish.ts";
import { forEachTarget } from "../targets.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: STOP_FLAGS,
  arity: [1, ANY],
  interspersed: true,
  about: "Ends the process as stop does and starts a new one in the same container.",
  concepts: ["container"],
  completes: "containers",
  run: (context: Context, { flags, args }: Input) =>
    forEachTarget(context, args, async (name) => {
      await stopBy("restart", context, flags, name);
      return name;
    }),
};
