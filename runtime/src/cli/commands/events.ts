/**
 * Command events: tell what happens in the engine, as it happens.
 *
 * Kernel interface: none.
 * Specification: docker events reference; Engine API v1.50, SystemEvents.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { readJsonLines } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { Failure, messageOf } from "../failure.ts";
import { checkFilter, encodeFilters } from "../filters.ts";
import { rfc3339Local } from "../human.ts";
import { parseMoment } from "../moment.ts";
import { evaluate, parseFormat } from "../template/evaluate.ts";
import { GO_TYPE } from "../template/go-value.ts";
import type { Template } from "../template/parse.ts";

/** One event of the API. */
interface EventMessage {
  /** The image; of a container's event. */
  readonly from?: string;
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope?: string;
  readonly time: number;
  /** Rounded: it has more digits than a number holds, so the last ones are not shown. */
  readonly timeNano: number;
}

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: [
    {
      name: "filter",
      short: "f",
      kind: "list",
      check: checkFilter,
      help: "Only what fits: event=start, type=container, container=NAME, label=K=V, image=…",
    },
    { name: "format", kind: "string", help: "json, or a Go template for each event" },
    { name: "since", kind: "string", help: "Begin with this moment, or so long ago (10m)" },
    { name: "until", kind: "string", help: "End at this moment; without it, never" },
  ],
  arity: [0, 0],
  interspersed: true,
  about:
    "Each line is something that the engine did or noticed: a container was made, started, died. The " +
    "engine remembers the last 256; --since shows those first.",
  concepts: ["events"],
  run,
};

async function run({ api, console }: Context, { flags }: Input): Promise<number> {
  const moment = (name: string): string | undefined => {
    const text = flags.text(name);
    if (text === "") return undefined;
    const parsed = parseMoment(text, console.nowMs());
    if (parsed !== undefined) return parsed;
    const message = `failed to parse value as time or duration: ${JSON.stringify(text)}`;
    throw new Failure({ message, exitCode: 1 });
  };
  const print = printerOf(flags.text("format"));
  const query = {
    since: moment("since"),
    until: moment("until"),
    filters: encodeFilters(flags.list("filter")),
  };
  const { body } = await api.stream({ method: "GET", path: "/events", query });
  // The daemon's answers have the API's shape.
  for await (const event of readJsonLines(body)) console.out.write(print(event as EventMessage));
  return 0;
}

/** @throws Failure when the template does not parse */
function printerOf(format: string): (event: EventMessage) => string {
  if (format === "") return (event) => `${printEvent(event)}\n`;
  if (format === "json") return (event) => `${JSON.stringify(withSortedAttributes(event))}\n`;
  const template = parsed(format);
  return (event) => {
    const { ID } = event.Actor;
    const old = { ID, Status: event.Action, From: event.from ?? "" };
    const row = { ...event, ...old, Scope: event.scope ?? "", [GO_TYPE]: "*events.Message" };
    try {
      return `${evaluate(template, row)}\n`;
    } catch (cause) {
      throw formatFailure(cause);
    }
  };
}

/** Go prints the keys of a map in order. */
function withSortedAttributes(event: EventMessage): EventMessage {
  const sorted = Object.entries(event.Actor.Attributes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { ...event, Actor: { ...event.Actor, Attributes: Object.fromEntries(sorted) } };
}

function formatFailure(cause: unknown): Failure {
  const message = `Error parsing format: ${messageOf(cause)}`;
  return new Failure({ message, exitCode: 64, cause });
}

function parsed(format: string): Template {
  try {
    return parseFormat("", format.replaceAll("\\t", "\t").replaceAll("\\n", "\n"));
  } catch (cause) {
    throw formatFailure(cause);
  }
}

/**
 * An event in words, with Docker's order: when, what kind, what, who, and more about it.
 *
 * @example printEvent(event) // "2026-11-22T01:19:14.123456000Z container start 4f1c… (name=web)"
 */
export function printEvent({ Type, Action, Actor, timeNano }: EventMessage): string {
  const attributes = Object.entries(Actor.Attributes)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(", ");
  const about = attributes === "" ? "" : ` (${attributes})`;
  return `${localTime(timeNano)} ${Type} ${Action} ${Actor.ID}${about}`;
}

/** RFC 3339 in the reader's zone, with nanoseconds of which the last three are not known. */
function localTime(timeNano: number): string {
  const microseconds = Math.round(timeNano / 1000);
  const local = rfc3339Local(Math.floor(microseconds / 1_000_000));
  const fraction = String(microseconds % 1_000_000).padStart(6, "0");
  // The fraction stands before the zone.
  return `${local.slice(0, 19)}.${fraction}000${local.slice(19)}`;
}
