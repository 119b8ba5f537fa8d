/**
 * Log search: where in a file of a log a time begins and ends.
 *
 * Lines stand in the order of their times. So one look at a line in the middle tells in which half
 * the time begins, and a log of any size needs a few looks. A look finds the next line by its
 * newline; what a crash cut is no line and is passed over.
 *
 * The order is broken where the machine's clock was set back while the container did not run. A
 * look that leaves `CLOCK_STEP_MS` to spare puts aside only what is not wanted: by a step that is
 * no longer, no line on the far side of it comes near the time again.
 *
 * Kernel interface: none; reading is passed in.
 * Specification: Docker's json-file logging driver.
 * Invariants: see `log-reader.ts`.
 * Left out: where the clock was set back by more than a second, some that are wanted may be taken
 *   for older or later ones.
 * Docs: docs/concepts/logs.md
 *
 * @module
 */

import { createLogParser } from "./logs.ts";
import type { LogEntry } from "./logs.ts";

/** Reads from an offset: fewer bytes than asked for at the end, none behind it. */
export type ReadAt = (offsetBytes: number, lengthBytes: number) => Uint8Array;

/** How far a clock is set back at most by a leap second or a time service that is at work. */
export const CLOCK_STEP_MS = 1000;

/** What one reading gives anyway. */
const NEAR_BYTES = 64 * 1024;
/** More than most lines. */
const LINE_BYTES = 512;
const NEWLINE = 0x0a;

/** Two places at which lines begin, near each other. */
export interface LogBorder {
  /** What is before it is older. */
  readonly from: number;
  /** From here on nothing is. */
  readonly until: number;
}

/**
 * Where the lines that are older than something end and the others begin. Pure.
 *
 * @param endBytes where the file ends for the reader
 */
export function searchLog(
  read: ReadAt,
  endBytes: number,
  isOlder: (entry: LogEntry) => boolean,
): LogBorder {
  let from = 0;
  let until = endBytes;
  while (until - from > NEAR_BYTES) {
    const middle = from + Math.floor((until - from) / 2);
    const begin = endOfLine(read, middle, until);
    const entry = begin === undefined ? undefined : entryAt(read, begin);
    if (begin !== undefined && entry !== undefined && isOlder(entry)) from = begin;
    else until = middle;
  }
  // The line that the last look fell into began before it.
  return { from, until: endOfLine(read, until, endBytes) ?? endBytes };
}

/** Where the line that an offset is in has ended. */
function endOfLine(read: ReadAt, at: number, until: number): number | undefined {
  for (let offset = at, length = LINE_BYTES; offset < until; length *= 2) {
    const bytes = read(offset, length);
    if (bytes.length === 0) return undefined;
    const newline = bytes.indexOf(NEWLINE);
    if (newline !== -1) return offset + newline + 1;
    offset += bytes.length;
  }
  return undefined;
}

/** The first entry from where a line begins. */
export function entryAt(read: ReadAt, begin: number): LogEntry | undefined {
  const parse = createLogParser();
  for (let offset = begin, length = LINE_BYTES; ; length *= 2) {
    const bytes = read(offset, length);
    if (bytes.length === 0) return undefined;
    const [first] = parse(bytes);
    if (first !== undefined) return first;
    offset += bytes.length;
  }
}
