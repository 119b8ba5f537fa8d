/**
 * Command diff: what a container changed in its files.
 *
 * Kernel interface: overlayfs, by the daemon.
 * Specification: docker diff reference; Engine API v1.50, ContainerChanges.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { askNamed } from "../ambiguous.ts";
import { pathPart } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "CONTAINER",
  flags: [],
  arity: [1, 1],
  interspersed: true,
  about:
    "What the container wrote lies in a directory of its own above the image's layers: A is new there, C " +
    "hides something below, D is a mark that hides a name.",
  concepts: ["layers"],
  completes: "containers",
  run,
};

const LETTERS = ["C", "A", "D"];

async function run({ api, console }: Context, { args }: Input): Promise<number> {
  const path = `/containers/${pathPart(args[0] ?? "")}/changes`;
  const changes = await askNamed<readonly { Path: string; Kind: number }[] | null>(api, {
    method: "GET",
    path,
  });
  for (const { Path, Kind } of changes ?? []) console.out.write(`${LETTERS[Kind]} ${Path}\n`);
  return 0;
}
