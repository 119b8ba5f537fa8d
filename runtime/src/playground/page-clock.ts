/**
 * Page clock: time, chance and timers of a page; Node has the same.
 *
 * Docs: docs/concepts/playground.md
 *
 * @module
 */
import type { Clock } from "../kernel/index.ts";

/** What `getRandomValues` gives at once. */
const RANDOM_MAX_BYTES = 65_536;

/** Makes the clock of this page. */
export function createPageClock(): Clock {
  return {
    nowMs: () => performance.timeOrigin + performance.now(),
    monotonicUs: () => performance.now() * 1000,
    random: (count) => {
      const bytes = new Uint8Array(count);
      for (let at = 0; at < count; at += RANDOM_MAX_BYTES) {
        crypto.getRandomValues(bytes.subarray(at, at + RANDOM_MAX_BYTES));
      }
      return bytes;
    },
    after: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
