/**
 * Command kill: send containers a signal.
 *
 * Kernel interface: kill(2), by the daemon.
 * Specification: docker kill reference; Engine API v1.50, ContainerKill.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { forEachTarget } from "../targets.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: [
    {
      name: "signal",
      short: "s",
      kind: "string",
      help: "Signal to send, by name or number (SIGKILL)",
    },
  ],
  arity: [1, ANY],
  interspersed: true,
  about:
    "Sends the signal to the container's first process. SIGKILL cannot be handled: the exit code is " +
    "137, which is 128 + 9.",
  concepts: ["container"],
  completes: "running-containers",
  run: (context: Context, { flags, args }: Input) =>
    forEachTarget(context, args, async (name) => {
      await context.api.json<undefined>({
        method: "POST",
        path: `/containers/${pathPart(name)}/kill`,
        query: { signal: flags.text("signal") || "SIGKILL" },
      });
      return name;
    }),
};
