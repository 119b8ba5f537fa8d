/**
 * Event filter: which events somebody wants to hear, and how one is told.
 *
 * Values of one filter are alternatives, labels alone must all hold, and different filters must all
 * hold. `event=exec_start` and `event=health_status` also match what follows their colon, as
 * Docker's do: the action of an exec carries its command.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, SystemEvents, "filters", and EventMessage.
 * Invariants: see `events.ts`.
 * Left out: filters of swarm (node, service, secret, config) match nothing.
 * Docs: docs/concepts/events.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { Filters } from "./engine.ts";
import { hasLabel } from "./filters.ts";

/** What kind of thing an event is about. */
export type EventType = "container" | "image" | "volume" | "network" | "daemon";

/** Something that happened. */
export interface EngineEvent {
  readonly type: EventType;
  /** `start`, `die`, `exec_start: sh -c …`, `health_status: healthy`. */
  readonly action: string;
  /** Of the container, image, … */
  readonly id: string;
  /** Its name and labels, and what the action adds. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Wall clock, with fraction. */
  readonly atMs: number;
}

type Test = (event: EngineEvent, values: readonly string[]) => boolean;

/** Actions that go on behind a colon. */
const OPEN_ACTIONS = ["exec_create", "exec_start", "health_status"];

const TESTS: Readonly<Record<string, Test>> = {
  event: ({ action }, values) =>
    values.some(
      (value) => values.some((each) => OPEN_ACTIONS.includes(each)) && action.startsWith(value),
    ) || values.includes(action),
  type: ({ type }, values) => values.includes(type),
  container: (event, values) => event.type === "container" && isNamed(event, values),
  volume: (event, values) => event.type === "volume" && isNamed(event, values),
  network: (event, values) => event.type === "network" && isNamed(event, values),
  daemon: (event, values) => event.type === "daemon" && isNamed(event, values),
  image: (event, values) =>
    imageNamesOf(event).some((name) => values.includes(name) || values.includes(withoutTag(name))),
  label: ({ attributes }, values) => values.every((value) => hasLabel(attributes, value)),
  scope: (_event, values) => values.includes("local"),
  plugin: () => false,
  node: () => false,
  service: () => false,
  secret: () => false,
  config: () => false,
};

/** By id or name, either of which may be cut short. */
function isNamed({ id, attributes }: EngineEvent, values: readonly string[]): boolean {
  const name = attributes["name"] ?? "";
  return values.some((value) => id.startsWith(value) || name.startsWith(value));
}

/** An image by its id and name; a container by the image that it was made from. */
function imageNamesOf({ type, id, attributes }: EngineEvent): readonly string[] {
  if (type === "image") return [id, attributes["name"] ?? id];
  return attributes["image"] === undefined ? [] : [attributes["image"]];
}

function withoutTag(name: string): string {
  return name.replace(/(?<=[^/]):[^:/@]*$/u, "");
}

/**
 * Turns filters into one test. Pure.
 *
 * @throws RuntimeError filter-invalid for a filter that is not known
 * @example compileEventFilters({ type: ["container"] })(event) // true
 */
export function compileEventFilters(filters: Filters): (event: EngineEvent) => boolean {
  const wanted = Object.entries(filters).filter(([, values]) => values.length > 0);
  for (const [name] of wanted) if (!Object.hasOwn(TESTS, name)) throw unknownFilter(name);
  return (event) => wanted.every(([name, values]) => TESTS[name]?.(event, values) ?? false);
}

function unknownFilter(name: string): RuntimeError {
  return new RuntimeError({
    code: "filter-invalid",
    class: "invalid",
    message: `invalid filter '${name}'`,
    operation: "listen to events",
    subject: name,
    hint: `Filters of events are ${Object.keys(TESTS).join(", ")}.`,
  });
}

/**
 * An event as one line of JSON, as the API tells it. Pure.
 *
 * The time in nanoseconds has more digits than a number in JavaScript: it is written as text.
 */
export function printEvent(event: EngineEvent): string {
  const { type, action, id, attributes, atMs } = event;
  const microseconds = Math.floor(atMs * 1000);
  const actor = JSON.stringify({ ID: id, Attributes: attributes });
  const legacy =
    type === "container" || type === "image"
      ? `"status":${JSON.stringify(action)},"id":${JSON.stringify(id)},` +
        (type === "container" ? `"from":${JSON.stringify(attributes["image"] ?? "")},` : "")
      : "";
  return (
    `{${legacy}"Type":"${type}","Action":${JSON.stringify(action)},"Actor":${actor},` +
    `"scope":"local","time":${Math.floor(atMs / 1000)},"timeNano":${microseconds}000}\n`
  );
}
