/**
 * Durations: moments and spans of time as Docker's clients read them.
 *
 * Kernel interface: none.
 * Specification: RFC 3339; Docker Engine API v1.50, ContainerSummary, "Status".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

/** Go's zero time, which the API uses for "never". */
export const NEVER = "0001-01-01T00:00:00Z";

/**
 * A moment in RFC 3339 with as many digits of nanoseconds as the clock gave, as Go prints it.
 *
 * @param ms milliseconds since the epoch, with fraction; 0 means never
 * @example rfc3339(1500) // "1970-01-01T00:00:01.5Z"
 */
export function rfc3339(ms: number): string {
  if (ms === 0) return NEVER;
  const whole = Math.floor(ms);
  // A double holds today's time to a quarter of a microsecond: more digits would be invented.
  const micros = Math.round((ms - whole) * 1000);
  const moment = new Date(whole).toISOString();
  const digits = `${moment.slice(20, 23)}${String(micros).padStart(3, "0")}`.replace(/0+$/u, "");
  return `${moment.slice(0, 19)}${digits === "" ? "" : `.${digits}`}Z`;
}

/**
 * A duration as Go prints it.
 *
 * @param ms milliseconds, whole
 * @example goDuration(90_300) // "1m30.3s"
 */
export function goDuration(ms: number): string {
  if (ms < 1000) return ms === 0 ? "0s" : `${ms}ms`;
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60];
  const seconds = `${(ms % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/**
 * A duration in the words of `docker ps`.
 *
 * @param ms milliseconds
 * @example humanDuration(90_000) // "About a minute"
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  const minutes = Math.trunc(seconds / 60);
  const hours = Math.trunc(seconds / 3600 + 0.5);
  const words: readonly (readonly [isSmaller: boolean, text: string])[] = [
    [seconds < 1, "Less than a second"],
    [seconds === 1, "1 second"],
    [seconds < 60, `${seconds} seconds`],
    [minutes === 1, "About a minute"],
    [minutes < 60, `${minutes} minutes`],
    [hours === 1, "About an hour"],
    [hours < 48, `${hours} hours`],
    [hours < 24 * 14, `${Math.trunc(hours / 24)} days`],
    [hours < 24 * 60, `${Math.trunc(hours / 24 / 7)} weeks`],
    [hours < 24 * 730, `${Math.trunc(hours / 24 / 30)} months`],
  ];
  return words.find(([isSmaller]) => isSmaller)?.[1] ?? `${Math.trunc(hours / 24 / 365)} years`;
}
