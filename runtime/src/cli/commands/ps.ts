/**
 * Command ps: list containers.
 *
 * Kernel interface: none.
 * Specification: docker ps reference; Engine API v1.50, ContainerList.
 * Invariants: none.
 * Left out: configured default formats.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { CONTAINER_LIST, containerRow, type ContainerSummary } from "../container-list.ts";
import { checkFilter, encodeFilters } from "../filters.ts";
import { formatReads, parseListFormat, printList, type ListFormat } from "../listing.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: [
    { name: "all", short: "a", kind: "bool", help: "Also those that do not run" },
    {
      name: "filter",
      short: "f",
      kind: "list",
      check: checkFilter,
      help: "Only those that fit: status=exited, label=K=V, name=web, ancestor=busybox, …",
    },
    {
      name: "format",
      kind: "string",
      help: "table, json, raw, 'table {{.Names}}\\t{{.Status}}' or a Go template for each",
    },
    {
      name: "last",
      short: "n",
      kind: "int",
      initial: -1,
      help: "Only the newest so many, in any state",
    },
    { name: "latest", short: "l", kind: "bool", help: "Only the newest, in any state" },
    { name: "no-trunc", kind: "bool", help: "Whole ids and commands" },
    { name: "quiet", short: "q", kind: "bool", help: "Only ids" },
    { name: "size", short: "s", kind: "bool", help: "Also the size of the writable layer" },
  ],
  arity: [0, 0],
  interspersed: true,
  about: "Each line is a container: a process (or what is left of one) and its writable layer.",
  concepts: ["container"],
  run,
};

async function run({ api, console }: Context, { flags }: Input): Promise<number> {
  const kind = flags.bool("size")
    ? {
        ...CONTAINER_LIST,
        table: `${CONTAINER_LIST.table}\t{{.Size}}`,
        raw: `${CONTAINER_LIST.raw}size: {{.Size}}\n`,
      }
    : CONTAINER_LIST;
  const format = parseListFormat(kind, {
    format: flags.text("format"),
    quiet: flags.bool("quiet"),
  });
  const last = flags.bool("latest") ? 1 : flags.number("last");
  const containers = await api.json<readonly ContainerSummary[]>({
    method: "GET",
    path: "/containers/json",
    query: {
      all: flags.bool("all"),
      limit: last > 0 ? last : undefined,
      size: flags.bool("size") || wantsSize(flags.text("format"), format),
      filters: encodeFilters(flags.list("filter")),
    },
  });
  const view = { truncated: !flags.bool("no-trunc"), nowSeconds: console.nowMs() / 1000 };
  const rows = containers.map((each) => containerRow(each, view));
  console.out.write(printList(kind, format, rows));
  return 0;
}

/** Working out sizes is dear: only a template that shows them asks for it, as with docker. */
function wantsSize(text: string, format: ListFormat): boolean {
  return text !== "json" && formatReads(format, "Size");
}
