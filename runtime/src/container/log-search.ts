/**
 * Log search: where in a file of a log a time begins.
 *
 * Lines stand in the order of their times. So one look at a line in the middle tells in which half
 * the time begins, and a log of any size needs a few looks. A look finds the next line by its
 * newline; what a crash cut is no line and is passed over.
 *
 * Kernel interface: none; reading is passed in.
 * Specification: Docker's json-file logging driver.
 * Invariants: see `log-reader.ts`.
 * Left out: where the machine's clock was set back between two lines, some that are wanted may be
 *   taken for older ones.
 * Docs: docs/concepts/logs.md
 *
 * @module
 */

import { createLogParser } from "./logs.ts";
import type { LogEntry } from "./logs.ts";

/** Reads from an offset: fewer bytes than asked for at the end, none behind it. */
export type ReadAt = (offsetBytes: number, lengthBytes: number) => Uint8Array;

/** What one reading gives anyway. */
const NEAR_BYTES = 64 * 1024;
/** More than most lines. */
const LINE_BYTES = 512;
const NEWLINE = 0x0a;

/**
 * A place at which a line begins, such that all lines before it are older than those wanted, and
 * few behind it are. Pure.
 *
 * @param endBytes where the file ends for the reader
 */
export function searchLog(
  read: ReadAt,
  endBytes: number,
  isOlder: (entry: LogEntry) => boolean,
): number {
  let from = 0;
  let until = endBytes;
  while (until - from > NEAR_BYTES) {
    const middle = from + Math.floor((until - from) / 2);
    const begin = endOfLine(read, middle, until);
    const entry = begin === undefined ? undefined : entryAt(read, begin);
    if (begin !== undefined && entry !== undefined && isOlder(entry)) from = begin;
    else until = middle;
  }
  return from;
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
