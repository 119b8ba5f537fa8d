/**
 * Command commit: make an image of what a container changed.
 *
 * Kernel interface: overlayfs and the freezer, by the daemon.
 * Specification: docker commit reference; Engine API v1.50, ImageCommit.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { askNamed } from "../ambiguous.ts";
import type { Command, Context, Input } from "../command.ts";
import { repositoryAndTag } from "../reference.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  flags: [
    { name: "author", short: "a", kind: "string", help: "Who made it" },
    { name: "change", short: "c", kind: "list", help: "Line of a Dockerfile: CMD, ENV, LABEL, …" },
    { name: "message", short: "m", kind: "string", help: "What was done" },
    { name: "pause", short: "p", kind: "bool", initial: true, help: "Freeze it meanwhile" },
  ],
  arity: [1, 2],
  interspersed: true,
  about: "The container's own layer becomes the topmost of a new image. Volumes are no part of it.",
  concepts: ["archive", "layers"],
  completes: "containers",
  run,
};

interface Made {
  readonly Id: string;
  /** What a change does that was hardly meant; Docker has no such field. */
  readonly Warnings?: readonly string[];
}

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const [container = "", name = ""] = args;
  const changes = flags.list("change").join("\n");
  const query = {
    container,
    ...repositoryAndTag(name),
    comment: flags.text("message"),
    author: flags.text("author"),
    changes,
    // A query leaves out what is false, and the daemon's default is to pause.
    pause: flags.bool("pause") ? undefined : "0",
  };
  const path = "/commit";
  const made = await askNamed<Made>(api, { method: "POST", path, query });
  for (const warning of made.Warnings ?? []) console.err.write(`WARNING: ${warning}\n`);
  console.out.write(`${made.Id}\n`);
  return 0;
}
