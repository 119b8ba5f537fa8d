/**
 * Command image prune: remove images that nobody uses.
 *
 * Kernel interface: none.
 * Specification: docker image prune reference; Engine API v1.50, ImagePrune.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command } from "../command.ts";
import { prune, PRUNE_FLAGS } from "../prune.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: [
    { name: "all", short: "a", kind: "bool", help: "Also those with a name that no container has" },
    ...PRUNE_FLAGS,
  ],
  arity: [0, 0],
  interspersed: true,
  about:
    "Without -a only images that lost their name to a newer one: nobody can ask for those by name.",
  concepts: ["images"],
  run: (context, { flags }) =>
    prune(context, flags, {
      containers: false,
      images: flags.bool("all") ? "all" : "dangling",
      warning: flags.bool("all")
        ? "WARNING! This will remove all images without at least one container associated to them."
        : "WARNING! This will remove all dangling images.",
    }),
};
