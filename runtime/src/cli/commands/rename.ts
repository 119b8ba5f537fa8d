/**
 * Command rename: give a container another name.
 *
 * Kernel interface: none; the daemon acts.
 * Specification: docker rename reference; Engine API v1.50, ContainerRename.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { askNamed } from "../ambiguous.ts";
import type { Command, Context, Input } from "../command.ts";
import { Failure, failureText } from "../failure.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "CONTAINER NEW_NAME",
  flags: [],
  arity: [2, 2],
  interspersed: true,
  about: "A name is only for people: the container's id, files and process stay as they are.",
  concepts: ["container"],
  completes: "containers",
  run,
};

async function run({ api, console }: Context, { args }: Input): Promise<number> {
  const [name = "", newName = ""] = args.map((text) => text.trim());
  if (name === "" || newName === "") {
    throw new Failure({ message: "Error: Neither old nor new names may be empty", exitCode: 1 });
  }
  const path = `/containers/${pathPart(name)}/rename`;
  try {
    await askNamed<undefined>(api, { method: "POST", path, query: { name: newName } });
    return 0;
  } catch (thrown) {
    // Docker says it twice: why, and what came of it.
    console.err.write(`${failureText(thrown)}\n`);
    const message = `Error: failed to rename container named ${name}`;
    throw new Failure({ message, exitCode: 1, cause: thrown });
  }
}
