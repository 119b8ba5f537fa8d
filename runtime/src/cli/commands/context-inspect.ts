/**
 * Command context inspect: all that is known of contexts.
 *
 * Kernel interface: none.
 * Specification: docker context inspect reference.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { DEFAULT_CONTEXT, contextsOf, storedContext } from "../contexts.ts";
import { currentContext, defaultEndpoint, type Surroundings } from "../endpoint.ts";
import { indentJson } from "../indent-json.ts";
import { FORMAT_FLAG } from "../inspection.ts";
import { printObject } from "../object-format.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] [CONTEXT] [CONTEXT...]",
  flags: [
    { ...FORMAT_FLAG, help: "'json', or a Go template such as '{{.Endpoints.docker.Host}}'" },
  ],
  arity: [0, ANY],
  interspersed: true,
  about: "Without a name, the one in use. Keys are not shown, only that they are there.",
  concepts: ["cli"],
  run,
};

async function run({ around, console }: Context, { flags, args }: Input): Promise<number> {
  const names = args.length === 0 ? [currentContext(around)] : args;
  const objects = names.map((name) => describe(around, name));
  const format = flags.text("format");
  console.out.write(
    format === "" || format === "json"
      ? `${indentJson(JSON.stringify(objects), "")}\n`
      : objects
          .map((object) => printObject(format, object, { template: "", goType: "client" }))
          .join(""),
  );
  return 0;
}

function describe(around: Surroundings, name: string): object {
  if (name === DEFAULT_CONTEXT) {
    const IN_MEMORY = "<IN MEMORY>";
    return {
      Name: name,
      Metadata: {},
      Endpoints: { docker: { Host: defaultEndpoint(around).host, SkipTLSVerify: false } },
      TLSMaterial: {},
      Storage: { MetadataPath: IN_MEMORY, TLSPath: IN_MEMORY },
    };
  }
  const store = contextsOf(around.contexts);
  const { description, host, skipTlsVerify } = storedContext(store, name);
  const files = Object.keys(store.readTls(name));
  const { metadata, tls } = store.pathsOf(name);
  return {
    Name: name,
    Metadata: description === "" ? {} : { Description: description },
    Endpoints: { docker: { Host: host, SkipTLSVerify: skipTlsVerify } },
    TLSMaterial: files.length === 0 ? {} : { docker: files },
    Storage: { MetadataPath: metadata, TLSPath: tls },
  };
}
