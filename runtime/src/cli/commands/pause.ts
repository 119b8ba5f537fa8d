/**
 * Command pause: freeze every process of containers.
 *
 * Kernel interface: cgroups(7), the freezer, by the daemon.
 * Specification: docker pause reference; Engine API v1.50, ContainerPause.
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
  about:
    "The freezer of its cgroup stops every process where it stands; no signal is involved and none can " +
    "notice. Stop and kill still work: they let it go on to see the signal.",
  concepts: ["cgroups"],
  completes: "running-containers",
  run: (context: Context, { args }: Input) =>
    forEachTarget(context, args, async (name) => {
      const path = `/containers/${pathPart(name)}/pause`;
      await context.api.json<undefined>({ method: "POST", path });
      return name;
    }),
};
