/**
 * Command stop: ask containers to end; after a grace, kill them.
 *
 * Kernel interface: kill(2), by the daemon.
 * Specification: docker stop reference; Engine API v1.50, ContainerStop.
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
  about:
    "Sends SIGTERM (or the container's stop signal), waits ten seconds, then sends SIGKILL. A process " +
    "that is PID 1 and has no handler for SIGTERM never sees it: the kernel shields PID 1 from signals " +
    "it did not ask for, so such a container takes the whole ten seconds. When that is so you are told " +
    "at once, with what to do about it.",
  concepts: ["container"],
  completes: "running-containers",
  run: (context: Context, { flags, args }: Input) =>
    forEachTarget(context, args, async (name) => {
      await stopBy("stop", context, flags, name);
      return name;
    }),
};
