/**
 * Command context rm: forget contexts.
 *
 * Kernel interface: none.
 * Specification: docker context rm reference.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { DEFAULT_CONTEXT, contextsOf, type ContextStore } from "../contexts.ts";
import { currentContext } from "../endpoint.ts";
import { Failure } from "../failure.ts";
import { forEachTarget } from "../targets.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTEXT [CONTEXT...]",
  flags: [{ name: "force", short: "f", kind: "bool", help: "Also the one in use" }],
  arity: [1, ANY],
  interspersed: true,
  about: "Only its name, address and certificates here are gone; the daemon does not notice.",
  concepts: ["cli"],
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const { around } = context;
  const store = contextsOf(around.contexts);
  return forEachTarget(context, args, async (name) => {
    checkRemovable(store, name);
    if (name === currentContext(around)) {
      if (!flags.bool("force")) {
        const message = `context ${JSON.stringify(name)} is in use, set -f flag to force remove`;
        throw new Failure({ message, exitCode: 1 });
      }
      store.setCurrentName(undefined);
    }
    store.remove(name);
    return name;
  });
}

function checkRemovable(store: ContextStore, name: string): void {
  if (name === DEFAULT_CONTEXT) {
    throw new Failure({ message: 'context "default" cannot be removed', exitCode: 1 });
  }
  if (store.read(name) !== undefined) return;
  throw new Failure({ message: `context ${JSON.stringify(name)} does not exist`, exitCode: 1 });
}
