/**
 * Log reader: a log of several files as one, while it is rotated.
 *
 * A file gets other names and at last goes; its number, an inode, may then be another's. What stays
 * is the time of its first entry, which no other file has: by that a reader knows a file, looks up
 * under which name it is now, and reads again when the name was taken by another meanwhile. So a
 * rotation in the middle neither loses a line nor shows one twice. Where a file was rotated away
 * before it was read, one line says so.
 *
 * Kernel interface: pread(2).
 * Specification: Docker's json-file logging driver.
 * Invariants:
 *   logs-rotate-in-sight   a reader, however slow, shows lines in order and none twice; where lines
 *       were rotated away unread it says so, and nowhere else it leaves one out
 * Left out: at the border of two files the line may say so although nothing is missing.
 * Docs: docs/concepts/logs.md
 *
 * @module
 */

import { KernelError } from "../kernel/index.ts";
import type { Files } from "../kernel/index.ts";
import { comparableTime, createLogParser } from "./logs.ts";
import type { LogEntry } from "./logs.ts";
import { logFile } from "./log-rotation.ts";

const CHUNK_BYTES = 256 * 1024;
/** More than most first lines. */
const FIRST_BYTES = 4096;
/** More renames than happen while one piece is read. */
const ATTEMPTS = 8;
const GAP = "drydock: lines are missing here: they were rotated away before they were read\n";

/** A place between two lines of a log. */
export interface LogPlace {
  /** Time of the file's first entry, comparable; empty: there was no file yet. */
  readonly born: string;
  readonly offsetBytes: number;
}

/** What to read. */
export interface LogFiles {
  readonly kernel: Pick<Files, "readRange">;
  readonly path: string;
  /** How many there can be. */
  readonly maxFiles: number;
}

/** Where to begin: at the place, but with nothing that is not later than `shown`. */
export interface LogStart {
  readonly place: LogPlace;
  /** Comparable time of the last entry that the reader had; empty: none after `place`. */
  readonly shown: string;
}

/** Entries from a start (null: the oldest) up to a place (null: what is there now). */
export function* readLog(
  log: LogFiles,
  from: LogStart | null,
  to: LogPlace | null,
): Generator<LogEntry, void, undefined> {
  const isNothing = from?.place.born === to?.born && from?.place.offsetBytes === to?.offsetBytes;
  if (to?.born === "" || (to !== null && isNothing)) return;
  const files = filesOf(log);
  const end = to === null ? files.length - 1 : files.indexOf(to.born);
  const first = startIn(files, from);
  let isMissing = end === -1 ? to !== null : first.isAfterGap;
  if (isMissing) yield gapAt(from?.shown ?? files[0] ?? "");
  for (const born of files.slice(first.index, end + 1)) {
    const at = from?.place.born === born ? from.place.offsetBytes : 0;
    const until = to?.born === born ? to.offsetBytes : Infinity;
    const found = yield* readFile(log, born, { at, until, shown: from?.shown ?? "" });
    // Once for what is missing in one piece.
    if (found === "part" || (found === "nothing" && !isMissing)) yield gapAt(born);
    isMissing = found !== "all";
  }
}

/** Which file a reader goes on in, and whether what came next for it is gone. */
function startIn(
  files: readonly string[],
  from: LogStart | null,
): { readonly index: number; readonly isAfterGap: boolean } {
  if (from === null) return { index: 0, isAfterGap: false };
  const { place, shown } = from;
  const index = Math.max(
    files.indexOf(place.born),
    files.findLastIndex((born) => born <= shown),
  );
  // Without a file or an entry to go on from, all that there is is new.
  const isNew = place.born === "" && shown === "";
  return { index: Math.max(0, index), isAfterGap: index === -1 && !isNew };
}

function gapAt(time: string): LogEntry {
  return { log: GAP, stream: "stderr", time: time === "" ? "" : `${time}Z`, isGap: true };
}

interface FileRange {
  readonly at: number;
  readonly until: number;
  readonly shown: string;
}

/** @returns how much of it was still there */
function* readFile(
  log: LogFiles,
  born: string,
  { at, until, shown }: FileRange,
): Generator<LogEntry, "all" | "part" | "nothing", undefined> {
  const parse = createLogParser();
  for (let offset = at; offset < until;) {
    const bytes = chunkOf(log, born, offset, Math.min(CHUNK_BYTES, until - offset));
    if (bytes === null) return offset === at ? "nothing" : "part";
    if (bytes.length === 0) return "all";
    offset += bytes.length;
    for (const entry of parse(bytes)) if (comparableTime(entry.time) > shown) yield entry;
  }
  return "all";
}

/** The files that there are, the oldest first; looked at until they hold still. */
function filesOf({ kernel, path, maxFiles }: LogFiles): readonly string[] {
  const look = (): readonly string[] =>
    Array.from({ length: maxFiles }, (_, age) => bornOf(kernel, logFile(path, age)))
      .toReversed()
      .filter((born) => born !== "");
  let files = look();
  for (let attempt = 0; attempt < ATTEMPTS && maxFiles > 1; attempt++) {
    const again = look();
    if (again.join() === files.join()) break;
    files = again;
  }
  return files;
}

/** null: there is no such file any more. */
function chunkOf(log: LogFiles, born: string, offset: number, length: number): Uint8Array | null {
  const { kernel, path, maxFiles } = log;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const names = Array.from({ length: maxFiles }, (_, age) => logFile(path, age));
    const name = names.find((each) => bornOf(kernel, each) === born);
    if (name === undefined) return null;
    const bytes = rangeOr(kernel, name, offset, length);
    if (bornOf(kernel, name) === born) return bytes;
  }
  return null;
}

/** What a log file is known by: the time of its first entry; empty when there is none. */
export function bornOf(kernel: LogFiles["kernel"], path: string): string {
  const parse = createLogParser();
  for (let offset = 0, length = FIRST_BYTES; ; length *= 2) {
    const bytes = rangeOr(kernel, path, offset, length);
    if (bytes.length === 0) return "";
    offset += bytes.length;
    const [first] = parse(bytes);
    if (first !== undefined) return comparableTime(first.time);
  }
}

function rangeOr(
  kernel: LogFiles["kernel"],
  path: string,
  offset: number,
  length: number,
): Uint8Array {
  try {
    return kernel.readRange(path, offset, length);
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") return new Uint8Array(0);
    throw error;
  }
}
