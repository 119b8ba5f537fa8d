/**
 * Moments: points in time as people give them to --since and --until.
 *
 * Kernel interface: clock_gettime(2), through the console.
 * Specification: docker logs reference; docker timestamp.GetTimestamp.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { parseDurationNs } from "../wire/index.ts";

const DATE =
  /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(\.\d{1,9})?)?)?)?(Z|[+-]\d\d:\d\d)?$/;

/**
 * A moment as the API takes it: seconds since 1970 with nine digits after the point.
 *
 * @param text a span back from now ("42m"), a date with or without time and zone, or seconds
 * @param nowMs milliseconds since 1970
 * @returns undefined when it is neither
 * @example parseMoment("1s", 2000) // "1.000000000"
 */
export function parseMoment(text: string, nowMs: number): string | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  const spanNs = durationOf(text);
  if (spanNs !== undefined) return printed(nowMs - spanNs / 1e6, "");
  const parts = DATE.exec(text);
  if (parts === null) return undefined;
  const [, date, hour = "00", minute = "00", second = "00", fraction = "", zone = ""] = parts;
  // Without a zone it is the reader's own.
  const ms = Date.parse(`${date}T${hour}:${minute}:${second}${zone}`);
  return Number.isNaN(ms) ? undefined : printed(ms, fraction);
}

function durationOf(text: string): number | undefined {
  try {
    return parseDurationNs(text);
  } catch {
    return undefined;
  }
}

function printed(ms: number, fraction: string): string {
  const whole = Math.floor(ms / 1000);
  const rest = ((ms - whole * 1000) / 1000).toFixed(9).slice(2);
  return `${whole}.${fraction === "" ? rest : fraction.slice(1).padEnd(9, "0")}`;
}
