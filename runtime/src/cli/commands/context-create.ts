/**
 * Command context create: give a daemon a name, with its address and certificates.
 *
 * Kernel interface: none.
 * Specification: docker context create reference.
 * Invariants: none.
 * Left out: endpoints of other kinds.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { checkNewContext, contextsOf, storedContext, type ContextStore } from "../contexts.ts";
import {
  contextContent,
  contextSettings,
  DOCKER_FLAG,
  type ContextContent,
} from "../context-settings.ts";
import { defaultEndpoint } from "../endpoint.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTEXT",
  flags: [
    { name: "description", kind: "string", help: "What it is" },
    DOCKER_FLAG,
    { name: "from", kind: "string", help: "Copy another context" },
  ],
  arity: [1, 1],
  interspersed: true,
  about:
    "The certificates are copied, so the files may go. Whoever can read the copy of the key is " +
    "root where that daemon runs.",
  concepts: ["cli", "daemon"],
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const [name = ""] = args;
  const store = contextsOf(context.around.contexts);
  checkNewContext(store, name);
  const settings = contextSettings(flags.text("docker"));
  const from = flags.text("from") || settings.get("from") || "";
  const content = settings.has("host")
    ? contextContent(context, settings)
    : copyOf(context, store, from);
  const description = flags.changed("description")
    ? flags.text("description")
    : content.context.description;
  store.write({ ...content.context, name, description }, content.tls);
  context.console.out.write(`${name}\n`);
  context.console.err.write(`Successfully created context ${JSON.stringify(name)}\n`);
  return 0;
}

/** Without an address the new context is what another is, or what the environment says. */
function copyOf({ around }: Context, store: ContextStore, from: string): ContextContent {
  if (from === "" || from === "default") {
    const description = "Current DOCKER_HOST based configuration";
    const { host, tls } = defaultEndpoint(around);
    const files = { "ca.pem": tls?.ca, "cert.pem": tls?.cert, "key.pem": tls?.key };
    const kept = Object.entries(files).filter(([, text]) => text !== undefined);
    const skipTlsVerify = tls?.verify === false;
    return { context: { description, host, skipTlsVerify }, tls: Object.fromEntries(kept) };
  }
  return { context: storedContext(store, from), tls: store.readTls(from) };
}
