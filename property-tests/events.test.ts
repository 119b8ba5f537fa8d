/** Properties of events: nothing is missed, nothing is told twice. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { compileEventFilters } from "../runtime/src/engine/event-filter.ts";
import type { EngineEvent } from "../runtime/src/engine/event-filter.ts";
import { EventHub } from "../runtime/src/engine/events.ts";

const DECODER = new TextDecoder();

/** A clock that a test turns, also back. */
function handClock(): { nowMs: () => number; after: () => () => void; turn(ms: number): void } {
  let ms = 1000;
  return { nowMs: () => ms, after: () => () => undefined, turn: (by) => void (ms += by) };
}

async function linesOf(stream: ReadableStream<Uint8Array>): Promise<readonly string[]> {
  let text = "";
  for await (const bytes of stream) text += DECODER.decode(bytes);
  return text.split("\n").filter((line) => line !== "");
}

const happenings = fc.array(
  fc.record({
    action: fc.constantFrom("start", "die", "exec_start: ls", "health_status: healthy"),
    id: fc.constantFrom("a1", "a2", "b1"),
    waitMs: fc.integer({ min: -5, max: 5 }),
  }),
  { maxLength: 300 },
);

const filters = fc.record(
  {
    event: fc.subarray(["start", "die", "exec_start", "health_status"]),
    container: fc.subarray(["a", "a1", "web"]),
  },
  { requiredKeys: [] },
);

const REMEMBERED = 256;

describe("events", () => {
  const one = { action: "start", id: "a1", waitMs: 1 } as const;
  const many = Array.from({ length: 300 }, () => one);

  // More than are remembered; random ones seldom are so many.
  test.prop([happenings, filters, fc.nat()], { examples: [[many, {}, 280]] })(
    "events-are-told-once, whether they were before or after the listener came",
    async (all, filter, cut) => {
      const clock = handClock();
      const hub = new EventHub(clock);
      const tell = ({ action, id, waitMs }: (typeof all)[number]): void => {
        clock.turn(waitMs);
        hub.tell({ type: "container", action, id, attributes: { name: `web-${id}` } });
      };
      const before = all.slice(0, cut % (all.length + 1));
      before.forEach(tell);
      const heard: EngineEvent[] = [];
      hub.listen((event) => heard.push(event));
      const stream = hub.stream({ sinceMs: 0, untilMs: Infinity, filters: filter });
      const after = all.slice(before.length);
      after.forEach(tell);
      const isWanted = compileEventFilters(filter);
      const expected = [...before.slice(-REMEMBERED), ...after].filter(({ action, id }) =>
        isWanted({ type: "container", action, id, attributes: { name: `web-${id}` }, atMs: 0 }),
      );
      const reader = stream.getReader();
      const told: string[] = [];
      for (const _ of expected) told.push(DECODER.decode((await reader.read()).value));
      await reader.cancel();
      expect(hub.size).toBe(1);
      const parsed = told.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(parsed.map(({ status, id }) => [status, id])).toEqual(
        expected.map(({ action, id }) => [action, id]),
      );
      const times = heard.map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    },
  );

  test("events-are-told-once, also when the end is already past", async () => {
    const hub = new EventHub(handClock());
    hub.tell({ type: "container", action: "start", id: "x", attributes: {} });
    const lines = await linesOf(hub.stream({ sinceMs: 0, untilMs: 1000, filters: {} }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"timeNano":1000000000}');
    expect(hub.size).toBe(0);
  });
});
