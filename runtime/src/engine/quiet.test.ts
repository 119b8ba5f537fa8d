import { expect, test } from "vitest";
import { Quiet } from "./quiet.ts";

/** Time that passes when the test says so. */
function createClock() {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly call: () => void }>();
  const after = (ms: number, call: () => void): (() => void) => {
    const timer = { at: now + ms, call };
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  const pass = async (ms: number): Promise<void> => {
    const end = now + ms;
    for (;;) {
      const [next] = [...timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      timers.delete(next);
      now = next.at;
      next.call();
      await Promise.resolve();
    }
    now = end;
  };
  return { after, pass, pending: () => timers.size };
}

function start() {
  const clock = createClock();
  const quiet = new Quiet(clock);
  const done: string[] = [];
  const ask = (name: string): void => void quiet.moment().then(() => done.push(name));
  return { clock, quiet, done, ask };
}

test("moment() waits until nobody has asked for a while, then each has a turn of its own", async () => {
  const { clock, done, ask } = start();
  ask("a");
  await clock.pass(40);
  ask("b");
  await clock.pass(40);
  expect(done).toEqual([]);
  await clock.pass(10);
  expect(done).toEqual(["a"]);
  await clock.pass(1);
  expect(done).toEqual(["a", "b"]);
  expect(clock.pending()).toBe(0);
});

test("moment() comes for the oldest when it is never quiet", async () => {
  const { clock, done, ask } = start();
  for (let at = 0; at < 1020; at += 20) {
    ask(String(at));
    await clock.pass(20);
  }
  expect(done).toEqual(["0", "20"]);
});

test("end() lets everybody go on, and nobody waits afterwards", async () => {
  const { clock, quiet, done, ask } = start();
  ask("a");
  ask("b");
  quiet.end();
  ask("c");
  await Promise.resolve();
  expect(done).toEqual(["a", "b", "c"]);
  expect(clock.pending()).toBe(0);
});
