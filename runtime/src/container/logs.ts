/**
 * Logs: what a container wrote, one JSON line per line.
 *
 * The keeper cuts what a process writes into lines and appends each as an object {"log", "stream",
 * "time"} to a file: Docker's json-file format. Reading is the way back, with the questions that
 * people ask: only the last lines, only since then, with times, and go on while it is being
 * written.
 *
 * Cutting depends on the bytes alone, not on how they arrived: a line ends at its newline or, when
 * it has none, after 16 KiB (moved back to where a character starts) or at the end of the stream. A
 * part that was cut has no newline, so joining the parts gives back the line.
 *
 * Kernel interface: pipe(7).
 * Specification: Docker's json-file logging driver.
 * Invariants:
 *   log-ignores-chunking   the logged lines of a stream do not depend on how its bytes were cut
 *     into writes
 *   log-loses-nothing   joining the log of one stream gives back the text that was written to it
 *   log-entries-at-once   many entries are parsed and formatted as each of them is
 * Left out: other drivers; bytes that are not UTF-8 become U+FFFD,
 *   as with Docker.
 * Docs: docs/concepts/logs.md
 *
 * @module
 */

import { concatBytes } from "../kernel/index.ts";
import { FRAME_HEADER_BYTES, encodeFrame, writeFrameHeader } from "../wire/index.ts";

/** The stream that an entry came from. */
export type LogStream = "stdout" | "stderr";

/** One line of a log file. */
export interface LogEntry {
  /** The text with its newline; without one it is a part of a line. */
  readonly log: string;
  readonly stream: LogStream;
  /** RFC 3339 with up to nanoseconds, UTC. */
  readonly time: string;
  /** Not written by the container: lines before it are missing; see `log-reader.ts`. */
  readonly isGap?: true;
}

/** Longest part of a line, as Docker's: 16 KiB. */
export const LOG_PART_BYTES = 16 * 1024;

const NEWLINE = 0x0a;
const MS_PER_SECOND = 1000;
const MICROSECOND_DIGITS = 6;

/** Cuts the bytes of one stream into the texts of log entries. */
export interface LineCutter {
  /** The entries that are complete now. */
  push(bytes: Uint8Array): readonly string[];
  /** At the end of the stream: the last line, if it has no newline. */
  end(): readonly string[];
}

/**
 * A cutter for one stream of one process.
 *
 * @example createLineCutter().push(new TextEncoder().encode("one\ntwo")) // ["one\n"]
 */
export function createLineCutter(): LineCutter {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let pending = new Uint8Array(0);
  return {
    push(bytes) {
      const all = pending.length === 0 ? bytes : concatBytes([pending, bytes]);
      const endOfLines = all.lastIndexOf(NEWLINE) + 1;
      const lines = cutShortLines(decoder, all.subarray(0, endOfLines));
      const texts = lines === undefined ? [] : [...lines];
      let offset = lines === undefined ? 0 : endOfLines;
      for (let end = endOfPart(all, offset); end !== -1; end = endOfPart(all, offset)) {
        texts.push(decoder.decode(all.subarray(offset, end)));
        offset = end;
      }
      // A copy: what arrived may be a view of a much larger buffer.
      pending = new Uint8Array(all.subarray(offset));
      return texts;
    },
    end() {
      const rest = pending;
      pending = new Uint8Array(0);
      return rest.length === 0 ? [] : [decoder.decode(rest)];
    },
  };
}

/** Bytes of UTF-8 for one unit of a string, at most; a replaced byte counts as one unit too. */
const BYTES_PER_UNIT = 3;

/**
 * The lines of bytes that end with a newline, when each is surely short enough to stay whole: the
 * common case, at a fraction of the price. Otherwise undefined.
 */
function cutShortLines(decoder: TextDecoder, bytes: Uint8Array): readonly string[] | undefined {
  const lines = decoder.decode(bytes).split("\n");
  lines.pop();
  const isShort = (line: string): boolean => line.length * BYTES_PER_UNIT < LOG_PART_BYTES;
  return lines.every(isShort) ? lines.map((line) => `${line}\n`) : undefined;
}

/** Where the part that begins at `from` ends, or -1 when more bytes are needed to tell. */
function endOfPart(bytes: Uint8Array, from: number): number {
  const newline = bytes.subarray(from, from + LOG_PART_BYTES).indexOf(NEWLINE);
  if (newline !== -1) return from + newline + 1;
  // One byte more than a part: only then is it known whether a character straddles its end.
  if (bytes.length - from <= LOG_PART_BYTES) return -1;
  return from + LOG_PART_BYTES - bytesToCharacterStart(bytes, from + LOG_PART_BYTES);
}

/**
 * How many bytes before `at` the character starts that `at` is inside of; 0 when one starts there.
 */
function bytesToCharacterStart(bytes: Uint8Array, at: number): number {
  for (let back = 0; back < 4; back++) {
    const byte = bytes[at - back] ?? 0;
    const isContinuation = (byte & 0xc0) === 0x80;
    if (!isContinuation) return back;
  }
  return 0;
}

/**
 * One line of a log file, with its newline.
 *
 * @example printLogEntry({ log: "hi\n", stream: "stdout", time: "2026-01-02T03:04:05Z" })
 */
export function printLogEntry(entry: LogEntry): string {
  return `${JSON.stringify({ log: entry.log, stream: entry.stream, time: entry.time })}\n`;
}

/**
 * Many lines of one stream and one time, as `printLogEntry` prints each.
 *
 * @example printLogEntries(["a\n", "b\n"], "stdout", time).split("\n").length // 3
 */
export function printLogEntries(texts: readonly string[], stream: LogStream, time: string): string {
  const rest = `,"stream":"${stream}","time":${JSON.stringify(time)}}\n`;
  return texts.map((log) => `{"log":${JSON.stringify(log)}${rest}`).join("");
}

/**
 * One line of a log file as an entry.
 *
 * @returns undefined for a line that is no entry: a write that was cut by a crash
 */
export function parseLogEntry(line: string): LogEntry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<LogEntry>; // checked below
    return isLogEntry(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

function isLogEntry(entry: Partial<LogEntry>): entry is LogEntry {
  const { log, stream, time } = entry;
  if (typeof log !== "string" || typeof time !== "string") return false;
  return stream === "stdout" || stream === "stderr";
}

/**
 * A time of an entry as a text that sorts as the times do.
 *
 * @example comparableTime("2026-01-02T03:04:05.5Z") // "2026-01-02T03:04:05.500000000"
 */
export function comparableTime(time: string): string {
  const [seconds = "", fraction = ""] = time.replace(/Z$/u, "").split(".");
  return `${seconds}.${fraction.padEnd(9, "0")}`;
}

/**
 * A time as RFC 3339 with microseconds, without trailing zeros, as Go prints it.
 *
 * @param timeMs milliseconds since the epoch, with fraction
 * @example formatLogTime(1500.25) // "1970-01-01T00:00:01.50025Z"
 */
export function formatLogTime(timeMs: number): string {
  const microseconds = Math.floor(timeMs * MS_PER_SECOND);
  const seconds = Math.floor(microseconds / (MS_PER_SECOND * MS_PER_SECOND));
  const fraction = String(microseconds - seconds * MS_PER_SECOND * MS_PER_SECOND)
    .padStart(MICROSECOND_DIGITS, "0")
    .replace(/0+$/, "");
  const whole = new Date(seconds * MS_PER_SECOND).toISOString().slice(0, -".000Z".length);
  return fraction === "" ? `${whole}Z` : `${whole}.${fraction}Z`;
}

/** What a reader wants of a log. */
export interface LogFilter {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Milliseconds since the epoch; 0: from the beginning. */
  readonly sinceMs: number;
  /** Milliseconds since the epoch; Infinity: no end. */
  readonly untilMs: number;
  /** Last entries of what is already there; Infinity: all. */
  readonly tail: number;
}

/** How entries become bytes. */
export interface LogFormat {
  readonly timestamps: boolean;
  /** What stands before each line: `detailsOf`; absent: nothing. */
  readonly details?: string;
  /** Raw for a container with a terminal, else Docker's frames. */
  readonly raw: boolean;
}

/**
 * Splits the bytes of a log file into entries; keeps what is not a whole line for the next call.
 */
export function createLogParser(): (bytes: Uint8Array) => readonly LogEntry[] {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let pending = "";
  return (bytes) => {
    const text = pending + decoder.decode(bytes, { stream: true });
    const endOfLines = text.lastIndexOf("\n") + 1;
    pending = text.slice(endOfLines);
    return parseLogEntries(text.slice(0, endOfLines));
  };
}

/** All lines as one array, at a fraction of the price; one by one when there is a broken one. */
function parseLogEntries(lines: string): readonly LogEntry[] {
  try {
    // A newline in a text is escaped, so that each one here stands between two entries.
    const all = JSON.parse(`[${lines.slice(0, -1).replaceAll("\n", ",")}]`) as Partial<LogEntry>[];
    if (all.every(isLogEntry)) return all;
  } catch {
    // A write that was cut by a crash: the lines around it are whole.
  }
  return lines
    .split("\n")
    .map(parseLogEntry)
    .filter((entry) => entry !== undefined);
}

/** Whether a filter lets an entry pass; `tail` is no property of one entry. */
export function isWanted(entry: LogEntry, filter: Omit<LogFilter, "tail">): boolean {
  if (!filter[entry.stream] && entry.isGap !== true) return false;
  if (filter.sinceMs <= 0 && filter.untilMs === Infinity) return true;
  const timeMs = parseLogTime(entry.time);
  return timeMs >= filter.sinceMs && timeMs <= filter.untilMs;
}

/**
 * Milliseconds since the epoch of a time in a log, with fraction.
 *
 * @example parseLogTime("1970-01-01T00:00:01.50025Z") // 1500.25
 */
export function parseLogTime(time: string): number {
  const match = /^([^.]+?)(?:\.(\d+))?Z$/.exec(time);
  if (match === null) return Date.parse(time);
  const wholeMs = Date.parse(`${match[1]}Z`);
  return wholeMs + Number(`0.${match[2] ?? "0"}`) * MS_PER_SECOND;
}

/** An entry as the bytes that a client of `logs` gets. */
export function formatEntry(entry: LogEntry, format: LogFormat): Uint8Array {
  const text = prefixOf(entry, format) + entry.log;
  const bytes = new TextEncoder().encode(text);
  return format.raw ? bytes : encodeFrame(entry.stream, bytes);
}

function prefixOf({ time }: LogEntry, { timestamps, details }: LogFormat): string {
  return (timestamps ? `${padTime(time)} ` : "") + (details === undefined ? "" : `${details} `);
}

const NO_HEADER = "\0".repeat(FRAME_HEADER_BYTES);

/** Many entries, as `formatEntry` gives each: a frame is a line, which clients count on. */
export function formatEntries(entries: readonly LogEntry[], format: LogFormat): Uint8Array {
  const isPlain = !format.timestamps && format.details === undefined;
  const texts = isPlain
    ? entries.map(({ log }) => log)
    : entries.map((entry) => prefixOf(entry, format) + entry.log);
  if (format.raw || texts.length === 0) return new TextEncoder().encode(texts.join(""));
  // All in one go, with room for the headers: most logs have a byte for each character.
  const text = NO_HEADER + texts.join(NO_HEADER);
  const bytes = new TextEncoder().encode(text);
  if (bytes.length !== text.length) {
    return concatBytes(entries.map((entry) => formatEntry(entry, format)));
  }
  let at = 0;
  for (const [i, { stream }] of entries.entries()) {
    const length = texts[i]?.length ?? 0;
    writeFrameHeader(bytes, at, { stream, length });
    at += FRAME_HEADER_BYTES + length;
  }
  return bytes;
}

/** `logs --timestamps` prints nine digits, so that columns line up: Go's RFC3339NanoFixed. */
function padTime(time: string): string {
  const match = /^([^.]+?)(?:\.(\d+))?Z$/.exec(time);
  return match === null ? time : `${match[1]}.${(match[2] ?? "").padEnd(9, "0")}Z`;
}
