/**
 * Command system prune: remove what nobody uses.
 *
 * Kernel interface: none.
 * Specification: docker system prune reference.
 * Invariants: none.
 * Left out: networks, images and volumes, which the engine cannot remove yet.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command } from "../command.ts";
import { prune, PRUNE_FLAGS } from "../prune.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: PRUNE_FLAGS,
  arity: [0, 0],
  interspersed: true,
  about:
    "Today that is stopped containers. Networks, images and volumes come with the commands that make " +
    "them.",
  concepts: ["layers"],
  run: (context, { flags }) =>
    prune(context, flags, "WARNING! This will remove:\n  - all stopped containers\n"),
};
