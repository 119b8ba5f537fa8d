/**
 * Listing: one list printed in the ways that Docker prints lists.
 *
 * A list has rows with fields. `--format` picks the fields: nothing or "table" for the usual table,
 * "table {{…}}" for a table of one's own, "json" for one object a line, "raw", or a template that
 * is carried out for each row. The header of a table is the same template over the columns' names.
 *
 * Kernel interface: none.
 * Specification: docker ps reference, "Format the output"; docker/cli command/formatter.
 * Invariants: none.
 * Left out: the default formats of ~/.docker/config.json.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure, messageOf } from "./failure.ts";
import { LIST_LAYOUT, layOut } from "./table.ts";
import { evaluate, parseFormat } from "./template/evaluate.ts";
import { FUNCTIONS, type Functions } from "./template/functions.ts";
import { GO_TYPE, type Row } from "./template/go-value.ts";
import type { Template } from "./template/parse.ts";
import { readsField } from "./template/show.ts";

/** How a kind of list is printed. */
export interface ListKind {
  /** Go's name of the row's type, for error messages. */
  readonly goType: string;
  /** The table without a format. */
  readonly table: string;
  readonly raw: string;
  /** What --quiet prints. */
  readonly quiet: string;
  /** The head of each column. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What the user asked for. */
export interface ListWish {
  readonly format: string;
  readonly quiet: boolean;
}

/** A parsed wish. */
export interface ListFormat {
  readonly template: Template;
  readonly isTable: boolean;
}

/**
 * Parses what the user asked for.
 *
 * @throws Failure with exit code 1 when the template does not parse
 */
export function parseListFormat(kind: ListKind, wish: ListWish): ListFormat {
  const source = formatSource(kind, wish);
  const isTable = source.startsWith("table");
  const body = (isTable ? source.slice("table".length) : source)
    .replace(/^ +| +$/g, "")
    .replaceAll("\\t", "\t")
    .replaceAll("\\n", "\n");
  try {
    return { template: parseFormat("", body), isTable };
  } catch (cause) {
    throw listFailure("failed to parse template", cause);
  }
}

function formatSource(kind: ListKind, { format, quiet }: ListWish): string {
  if (format === "json") return "{{json .}}";
  if (format === "" || format === "table") return quiet ? kind.quiet : `table ${kind.table}`;
  if (format === "raw") return quiet ? (kind.raw.split("\n")[0] ?? "") : kind.raw;
  return quiet ? kind.quiet : format;
}

/** Whether a format reads a field, so that the API need not be asked for more than is shown. */
export function formatReads(format: ListFormat, field: string): boolean {
  return readsField(format.template.nodes, field);
}

/**
 * Prints a list.
 *
 * @throws Failure with exit code 1 when the template asks for what no row has
 */
export function printList(kind: ListKind, format: ListFormat, rows: readonly Row[]): string {
  try {
    const lines = rows.map((row) => `${evaluate(format.template, row)}\n`);
    if (!format.isTable) return lines.join("");
    return layOut([headerOf(kind, format), ...lines].join(""), LIST_LAYOUT);
  } catch (cause) {
    throw listFailure("failed to execute template", cause);
  }
}

/** In the header a field is its column's name, and functions leave names as they are. */
function headerOf(kind: ListKind, format: ListFormat): string {
  const heads: Row = { [GO_TYPE]: kind.goType, ...kind.headers, Label: labelHead };
  return `${evaluate(format.template, heads, HEADER_FUNCTIONS)}\n`;
}

function labelHead(label: unknown): string {
  return String(label).split(".").at(-1)?.replaceAll(/[-_]/g, " ") ?? "";
}

const SAME = (value: unknown): unknown => value;

const HEADER_FUNCTIONS: Functions = new Map([
  ...FUNCTIONS,
  ...["json", "title", "lower", "upper", "truncate", "split"].map((name): [string, typeof SAME] => [
    name,
    SAME,
  ]),
  ["join", SAME],
]);

function listFailure(what: string, cause: unknown): Failure {
  return new Failure({ message: `${what}: ${messageOf(cause)}`, exitCode: 1, cause });
}
