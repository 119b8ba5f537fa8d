/**
 * Command context import: read a context from a file.
 *
 * Kernel interface: none.
 * Specification: docker context import reference.
 * Invariants: none.
 * Left out: zip files.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { checkNewContext, contextsOf } from "../contexts.ts";
import { Failure, messageOf } from "../failure.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "CONTEXT FILE|-",
  flags: [],
  arity: [2, 2],
  interspersed: true,
  about: "What `context export` of drydock or docker wrote, under a name of your own.",
  concepts: ["cli"],
  run,
};

async function run({ around, console }: Context, { args }: Input): Promise<number> {
  const [name = "", file = ""] = args;
  const store = contextsOf(around.contexts);
  checkNewContext(store, name);
  try {
    await store.unpack(name, file === "-" ? console.input() : console.files.stream(file));
  } catch (cause) {
    const message = `cannot import context ${JSON.stringify(name)}: ${messageOf(cause)}`;
    throw new Failure({ message, exitCode: 1, cause });
  }
  console.out.write(`${name}\n`);
  console.err.write(`Successfully imported context ${JSON.stringify(name)}\n`);
  return 0;
}
