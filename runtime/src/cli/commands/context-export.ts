/**
 * Command context export: write a context with its keys to a file.
 *
 * Kernel interface: none.
 * Specification: docker context export reference.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { DEFAULT_CONTEXT, contextsOf, storedContext } from "../contexts.ts";
import { Failure } from "../failure.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTEXT [FILE|-]",
  flags: [],
  arity: [1, 2],
  interspersed: true,
  about: "The file holds the key: whoever has it is root where that daemon runs.",
  concepts: ["cli"],
  run,
};

async function run({ around, console }: Context, { args }: Input): Promise<number> {
  const [name = "", file = `${name}.dockercontext`] = args;
  const store = contextsOf(around.contexts);
  if (name === DEFAULT_CONTEXT) {
    throw failure('context "default" cannot be exported: it is kept nowhere');
  }
  storedContext(store, name);
  const archive = await store.pack(name);
  if (file === "-") {
    if (console.out.isTerminal) {
      throw failure("cowardly refusing to export to a terminal, specify a file path");
    }
    console.out.write(archive);
    return 0;
  }
  if (console.files.exists(file)) throw failure(`open ${file}: file exists`);
  await console.files.save(file, oneOf(archive));
  console.err.write(`Written file ${JSON.stringify(file)}\n`);
  return 0;
}

async function* oneOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function failure(message: string): Failure {
  return new Failure({ message, exitCode: 1 });
}
