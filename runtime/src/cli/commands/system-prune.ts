/**
 * Command system prune: remove what nobody uses.
 *
 * Kernel interface: none.
 * Specification: docker system prune reference.
 * Invariants: none.
 * Left out: --all for build caches, since there are none yet.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { Failure } from "../failure.ts";
import { prune, PRUNE_FLAGS } from "../prune.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: [
    { name: "all", short: "a", kind: "bool", help: "Also images with a name that nobody uses" },
    { name: "volumes", kind: "bool", help: "Also volumes without a name that nobody uses" },
    ...PRUNE_FLAGS,
  ],
  arity: [0, 0],
  interspersed: true,
  about:
    "First it says by name what would go and how much room that makes, then it asks. --dry-run ends " +
    "there.",
  concepts: ["layers", "images"],
  run,
};

async function run(context: Context, { flags }: Input): Promise<number> {
  const [all, volumes] = [flags.bool("all"), flags.bool("volumes")];
  if (volumes && flags.list("filter").some((filter) => filter.startsWith("until="))) {
    throw new Failure({
      message: 'ERROR: The "until" filter is not supported with "--volumes"',
      exitCode: 1,
    });
  }
  const lines = [
    "all stopped containers",
    ...(volumes ? ["all anonymous volumes not used by at least one container"] : []),
    all ? "all images without at least one container associated to them" : "all dangling images",
  ];
  const warning = `WARNING! This will remove:\n${lines.map((line) => `  - ${line}\n`).join("")}`;
  const images = all ? "all" : "dangling";
  return prune(context, flags, { containers: true, images, volumes, warning });
}
