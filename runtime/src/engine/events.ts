/**
 * Events: what happens in an engine, told as it happens.
 *
 * Everything that changes a container says one sentence here. Who listens hears it at once; who
 * comes later may ask for the last few. Nobody waits for a listener: telling is a call of a
 * function, and without listeners it is a place in a short list.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, SystemEvents.
 * Invariants:
 *   events-are-told-once   who listens since a moment hears each event that fits once, in order, as
 *       long as it is remembered
 * Left out: events of earlier engines: a restart forgets them.
 * Docs: docs/concepts/events.md
 *
 * @module
 */

import type { Clock } from "../kernel/index.ts";
import type { EventsRequest } from "./engine.ts";
import { compileEventFilters, printEvent } from "./event-filter.ts";
import type { EngineEvent } from "./event-filter.ts";
import type { Definition } from "./record.ts";

/** How many events are remembered, as in Docker. */
const REMEMBERED = 256;
/** Who has not read so many is let go: memory is not theirs to fill. */
const BEHIND_LIMIT = 16_384;

/** What a listener is called with. */
export type EventListener = (event: EngineEvent) => void;

/** The hub of one engine: see the head of this file. */
export class EventHub {
  readonly #clock: Pick<Clock, "nowMs" | "after">;
  readonly #listeners = new Set<EventListener>();
  readonly #past: EngineEvent[] = [];
  #lastMs = 0;

  /** @param clock tells when something happened */
  constructor(clock: Pick<Clock, "nowMs" | "after">) {
    this.#clock = clock;
  }

  /** How many listen. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Tells an event to all who listen. */
  tell(event: Omit<EngineEvent, "atMs">): void {
    // A clock that is set back must not put events out of order.
    this.#lastMs = Math.max(this.#lastMs, this.#clock.nowMs());
    const told = { ...event, atMs: this.#lastMs };
    this.#past.push(told);
    if (this.#past.length > REMEMBERED) this.#past.shift();
    for (const listener of this.#listeners) listener(told);
  }

  /** Tells what happened to a container. @param extra what the action adds to its attributes */
  tellContainer(
    { id, name, config }: Definition,
    action: string,
    extra: Readonly<Record<string, string>> = {},
  ): void {
    const attributes = { ...config.Labels, ...extra, image: config.Image, name };
    this.tell({ type: "container", action, id, attributes });
  }

  /** Calls back for each event from now on. @returns how to stop */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Events as lines of JSON: remembered ones since a moment, then what comes, until a moment.
   *
   * @throws RuntimeError filter-invalid
   */
  stream({ sinceMs, untilMs, filters }: EventsRequest): ReadableStream<Uint8Array> {
    const isWanted = compileEventFilters(filters);
    const encoder = new TextEncoder();
    const print = (event: EngineEvent) => encoder.encode(printEvent(event));
    const past = sinceMs === null ? [] : this.#past.filter(({ atMs }) => atMs >= sinceMs);
    let leave = (): void => undefined;
    const queueing = { highWaterMark: BEHIND_LIMIT };
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          for (const event of past) {
            if (event.atMs <= untilMs && isWanted(event)) controller.enqueue(print(event));
          }
          const nowMs = this.#clock.nowMs();
          if (untilMs <= nowMs) return controller.close();
          const stop = this.listen((event) => {
            if (!isWanted(event)) return;
            controller.enqueue(print(event));
            if ((controller.desiredSize ?? 0) <= 0) end();
          });
          const cancel =
            untilMs === Infinity ? leave : this.#clock.after(untilMs - nowMs, () => end());
          leave = () => (stop(), cancel());
          const end = (): void => (leave(), controller.close());
        },
        cancel: () => leave(),
      },
      queueing,
    );
  }
}
