/**
 * Clock: time and chance.
 *
 * Kernel interface: clock_gettime(2), getrandom(2).
 * Invariants: none.
 * Left out: timer_create(2): a timer of the event loop does the same for a process that has one.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { type Clock } from "../port.ts";
import { check, type Libc } from "./libc.ts";

const CLOCK_REALTIME = 0;

/** The clock calls of the port on Linux. */
export function linuxClock(libc: Libc): Clock {
  const time = new BigInt64Array(2);
  const read = (clock: number): { readonly seconds: number; readonly nanoseconds: number } => {
    check(libc.clock_gettime(clock, time), "clock_gettime", String(clock));
    return { seconds: Number(time[0]), nanoseconds: Number(time[1]) };
  };
  return {
    nowMs: () => {
      const now = read(CLOCK_REALTIME);
      return now.seconds * 1000 + now.nanoseconds / 1e6;
    },
    // Node's own reading of CLOCK_MONOTONIC: a tracer asks twice for each call.
    monotonicUs: () => {
      const [seconds, nanoseconds] = process.hrtime();
      return seconds * 1e6 + nanoseconds / 1000;
    },
    random: (count) => randomBytes(libc, count),
    after: (delayMs, callback) => {
      if (delayMs === 0) {
        const immediate = setImmediate(callback);
        return () => clearImmediate(immediate);
      }
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

function randomBytes(libc: Libc, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let filled = 0; filled < count;) {
    const rest = bytes.subarray(filled);
    filled += check(libc.getrandom(rest, rest.length, 0), "getrandom", String(count));
  }
  return bytes;
}
