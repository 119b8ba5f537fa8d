/**
 * Command context ls: list contexts.
 *
 * Kernel interface: none.
 * Specification: docker context ls reference.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { DEFAULT_CONTEXT, contextsOf } from "../contexts.ts";
import { currentContext, defaultEndpoint } from "../endpoint.ts";
import { parseListFormat, printList, type ListKind } from "../listing.ts";
import { GO_TYPE, type Row } from "../template/go-value.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: [
    { name: "format", kind: "string", help: "table, json, or a Go template for each" },
    { name: "quiet", short: "q", kind: "bool", help: "Only names" },
  ],
  arity: [0, 0],
  interspersed: true,
  about: "The star marks the one that commands speak to now.",
  concepts: ["cli"],
  run,
};

const CONTEXT_LIST: ListKind = {
  goType: "formatter.clientContextContext",
  table: "{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}",
  raw: "{{.Name}}",
  quiet: "{{.Name}}",
  headers: {
    Name: "NAME",
    Description: "DESCRIPTION",
    DockerEndpoint: "DOCKER ENDPOINT",
    Error: "ERROR",
    Current: "",
  },
};

async function run({ around, console }: Context, { flags }: Input): Promise<number> {
  const format = parseListFormat(CONTEXT_LIST, {
    format: flags.text("format"),
    quiet: flags.bool("quiet"),
  });
  const store = contextsOf(around.contexts);
  const current = currentContext(around);
  const rowOf = (name: string, description: string, host: string): Row => ({
    [GO_TYPE]: CONTEXT_LIST.goType,
    Current: name === current,
    Description: description,
    DockerEndpoint: host,
    Error: "",
    Name: name,
  });
  const about = "Current DOCKER_HOST based configuration";
  const rows = [
    rowOf(DEFAULT_CONTEXT, about, defaultEndpoint(around).host),
    ...store.names().flatMap((name) => {
      const context = store.read(name);
      return context === undefined ? [] : [rowOf(name, context.description, context.host)];
    }),
  ];
  console.out.write(printList(CONTEXT_LIST, format, rows));
  return 0;
}
