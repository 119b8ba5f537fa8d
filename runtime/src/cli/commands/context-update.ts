/**
 * Command context update: change the address or certificates of a context.
 *
 * Kernel interface: none.
 * Specification: docker context update reference.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { contextContent, contextSettings, DOCKER_FLAG } from "../context-settings.ts";
import { contextsOf, storedContext } from "../contexts.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTEXT",
  flags: [{ name: "description", kind: "string", help: "What it is" }, DOCKER_FLAG],
  arity: [1, 1],
  interspersed: true,
  about: "What is not named stays; with a new address the certificates are named anew.",
  concepts: ["cli", "daemon"],
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const [name = ""] = args;
  const store = contextsOf(context.around.contexts);
  const before = storedContext(store, name);
  const settings = contextSettings(flags.text("docker"));
  const from = settings.get("from");
  const source = from === undefined ? before : storedContext(store, from);
  const content = settings.has("host")
    ? contextContent(context, settings)
    : { context: source, tls: store.readTls(source.name) };
  const description = flags.changed("description") ? flags.text("description") : before.description;
  store.write({ ...content.context, name, description }, content.tls);
  context.console.out.write(`${name}\n`);
  context.console.err.write(`Successfully updated context ${JSON.stringify(name)}\n`);
  return 0;
}
