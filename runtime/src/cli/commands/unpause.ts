/**
 * Command unpause: let frozen containers go on.
 *
 * Kernel interface: cgroups(7), the freezer, by the daemon.
 * Specification: docker unpause reference; Engine API v1.50, ContainerUnpause.
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
  usage: "CONTAINER [CONTAINER...]",
  flags: [],
  arity: [1, ANY],
  interspersed: true,
  about: "What was frozen runs on as if nothing had been, but for the clock.",
  concepts: ["cgroups"],
  completes: "running-containers",
  run: (context: Context, { args }: Input) =>
    forEachTarget(context, args, async (name) => {
      const path = `/containers/${pathPart(name)}/unpause`;
      await context.api.json<undefined>({ method: "POST", path });
      return name;
    }),
};
