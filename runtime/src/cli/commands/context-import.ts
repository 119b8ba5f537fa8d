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

/** A context is a few certificates: what is larger is something else. */
const MOST_BYTES = 10 << 20;

async function run({ around, console }: Context, { args }: Input): Promise<number> {
  const [name = "", file = ""] = args;
  const store = contextsOf(around.contexts);
  checkNewContext(store, name);
  try {
    const archive = await readAll(file === "-" ? console.input() : console.files.stream(file));
    await store.unpack(name, archive);
  } catch (cause) {
    const message = `cannot import context ${JSON.stringify(name)}: ${messageOf(cause)}`;
    throw new Failure({ message, exitCode: 1, cause });
  }
  console.out.write(`${name}\n`);
  console.err.write(`Successfully imported context ${JSON.stringify(name)}\n`);
  return 0;
}

async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let all = new Uint8Array(0);
  for await (const piece of pieces) {
    const longer = new Uint8Array(all.length + piece.length);
    longer.set(all);
    longer.set(piece, all.length);
    all = longer;
    if (all.length > MOST_BYTES) throw new Error("read exceeds the defined limit of 10 MiB");
  }
  return all;
}
