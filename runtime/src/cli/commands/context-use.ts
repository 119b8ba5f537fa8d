/**
 * Command context use: choose the daemon that commands speak to.
 *
 * Kernel interface: none.
 * Specification: docker context use reference.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { DEFAULT_CONTEXT, contextsOf, storedContext } from "../contexts.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "CONTEXT",
  flags: [],
  arity: [1, 1],
  interspersed: true,
  about: "The docker CLI speaks to the same daemon from then on: both read one configuration.",
  concepts: ["cli"],
  run,
};

async function run({ around, console }: Context, { args }: Input): Promise<number> {
  const [name = ""] = args;
  const store = contextsOf(around.contexts);
  if (name !== DEFAULT_CONTEXT) storedContext(store, name);
  store.setCurrentName(name === DEFAULT_CONTEXT ? undefined : name);
  console.out.write(`${name}\n`);
  console.err.write(`Current context is now ${JSON.stringify(name)}\n`);
  const variable = ["DRYDOCK_HOST", "DOCKER_HOST"].find((each) => (console.env[each] ?? "") !== "");
  if (name !== DEFAULT_CONTEXT && variable !== undefined) {
    console.err.write(
      `Warning: ${variable} environment variable overrides the active context. To use ` +
        `${JSON.stringify(name)}, either set the global --context flag, or unset ${variable} ` +
        "environment variable.\n",
    );
  }
  return 0;
}
