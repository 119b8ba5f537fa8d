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
import { checkContextName, contextsOf, noSuchContext } from "../contexts.ts";
import type { ContextStore, StoredContext, TlsFiles } from "../contexts.ts";
import { defaultEndpoint } from "../endpoint.ts";
import { Failure, messageOf } from "../failure.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTEXT",
  flags: [
    { name: "description", kind: "string", help: "What it is" },
    {
      name: "docker",
      kind: "string",
      help: "host=ADDRESS[,ca=FILE,cert=FILE,key=FILE][,skip-tls-verify=true] or from=CONTEXT",
    },
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

/** What is kept under the new name. */
interface Content {
  readonly context: Omit<StoredContext, "name">;
  readonly tls: TlsFiles;
}

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const [name = ""] = args;
  const store = contextsOf(context.around.contexts);
  if (store.read(name) !== undefined)
    throw failure(`context ${JSON.stringify(name)} already exists`);
  checkContextName(name);
  const settings = settingsOf(flags.text("docker"));
  const from = flags.text("from") || settings.get("from") || "";
  const content = settings.has("host")
    ? contentOf(context, settings)
    : copyOf(context, store, from);
  const description = flags.changed("description")
    ? flags.text("description")
    : content.context.description;
  store.write({ ...content.context, name, description }, content.tls);
  context.console.out.write(`${name}\n`);
  context.console.err.write(`Successfully created context ${JSON.stringify(name)}\n`);
  return 0;
}

const KEYS = ["from", "host", "ca", "cert", "key", "skip-tls-verify"];

function settingsOf(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(",").filter((pair) => pair !== "");
  const settings = new Map(
    pairs.map((pair): [string, string] => {
      const at = pair.indexOf("=");
      if (at < 1) throw failure(`${pair} must be formatted as key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
  const unknown = [...settings.keys()].find((key) => !KEYS.includes(key));
  if (unknown === undefined) return settings;
  throw failure(`unable to create docker endpoint config: unrecognized config key: ${unknown}`);
}

function contentOf({ console }: Context, settings: ReadonlyMap<string, string>): Content {
  const host = settings.get("host") ?? "";
  if (!/^(unix|tcp|http|https|ssh|npipe|fd):\/\/./.test(host)) {
    throw failure(
      "unable to create docker endpoint config: unable to apply docker endpoint options: " +
        `unable to parse docker host \`${host}\``,
    );
  }
  const tls: Record<string, string> = {};
  for (const key of ["ca", "cert", "key"]) {
    const path = settings.get(key);
    if (path === undefined) continue;
    try {
      tls[`${key}.pem`] = console.files.read(path);
    } catch (cause) {
      throw failure(`unable to create docker endpoint config: ${messageOf(cause)}`, cause);
    }
  }
  const skipTlsVerify = settings.get("skip-tls-verify") === "true";
  return { context: { description: "", host, skipTlsVerify }, tls };
}

/** Without an address the new context is what another is, or what the environment says. */
function copyOf({ around }: Context, store: ContextStore, from: string): Content {
  if (from === "" || from === "default") {
    const description = "Current DOCKER_HOST based configuration";
    const { host, tls } = defaultEndpoint(around);
    const files = { "ca.pem": tls?.ca, "cert.pem": tls?.cert, "key.pem": tls?.key };
    const kept = Object.entries(files).filter(([, text]) => text !== undefined);
    const skipTlsVerify = tls?.verify === false;
    return { context: { description, host, skipTlsVerify }, tls: Object.fromEntries(kept) };
  }
  const source = store.read(from);
  if (source === undefined) throw noSuchContext(store, from);
  return { context: source, tls: store.readTls(from) };
}

function failure(message: string, cause?: unknown): Failure {
  return new Failure({ message, exitCode: 1, cause });
}
