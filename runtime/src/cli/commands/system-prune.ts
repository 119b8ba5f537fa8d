/**
 * Command system prune: remove what nobody uses.
 *
 * Kernel interface: none.
 * Specification: docker system prune reference.
 * Invariants: none.
 * Left out: --volumes, since there are none yet; --all for build caches, for the same reason.
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
    { name: "all", short: "a", kind: "bool", help: "Also images with a name that nobody uses" },
    ...PRUNE_FLAGS,
  ],
  arity: [0, 0],
  interspersed: true,
  about:
    "First it says by name what would go and how much room that makes, then it asks. --dry-run ends " +
    "there.",
  concepts: ["layers", "images"],
  run: (context, { flags }) =>
    prune(context, flags, {
      containers: true,
      images: flags.bool("all") ? "all" : "dangling",
      warning:
        "WARNING! This will remove:\n  - all stopped containers\n" +
        (flags.bool("all")
          ? "  - all images without at least one container associated to them\n"
          : "  - all dangling images\n"),
    }),
};
