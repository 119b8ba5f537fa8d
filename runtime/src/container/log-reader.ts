/**
 * Log reader: a log of several files as one, while it is rotated.
 *
 * A file gets other names and at last goes; its number, an inode, may then be another's. What stays
 * is the time of its first entry, which no other file has: by that a reader knows a file, looks up
 * under which name it is now, and reads again when the name was taken by another meanwhile. So a
 * rotation in the middle neither loses a line nor shows one twice. Where a file was rotated away
 * before it was read, one line says so.
 *
 * Reading from the end finds where the last lines begin, a search where those of a time do
 * (`log-search.ts`); they are shown by reading on from there.
 *
 * Kernel interface: pread(2).
 * Specification: Docker's json-file logging driver.
 * Invariants:
 *   logs-rotate-in-sight   a reader, however slow, shows lines in order and none twice; where lines
 *       were rotated away unread it says so, and nowhere else it leaves one out
 *   log-tail-is-suffix   the last n wanted lines are the end of all wanted lines
 *   log-search-misses-nothing   reading from where a time begins to where one ends shows what
 *       reading all shows of the time between, and reads little else
 * Left out: at the border of two files the line may say so although nothing is missing.
 * Docs: docs/concepts/logs.md
 *
 * @module
 */

import { concatBytes, ifThere } from "../kernel/index.ts";
import type { Files } from "../kernel/index.ts";
import { comparableTime, createLogParser, parseLogEntry, parseLogTime } from "./logs.ts";
import type { LogEntry } from "./logs.ts";
import { logFile } from "./log-rotation.ts";
import { CLOCK_STEP_MS, entryAt, searchLog } from "./log-search.ts";
import type { LogBorder, ReadAt } from "./log-search.ts";

const CHUNK_BYTES = 64 * 1024;
/** Longer than any line is in the file, and many times what most tails need. */
const BACKWARD_BYTES = 128 * 1024;
/** More renames than happen while one piece is read. */
const ATTEMPTS = 8;
const NEWLINE = 0x0a;
const NO_BYTES = new Uint8Array(0);
const GAP = "drydock: lines are missing here: they were rotated away before they were read\n";

/** A place between two lines of a log. */
export interface LogPlace {
  /** Time of the file's first entry, comparable; empty: there was no file yet. */
  readonly born: string;
  readonly offsetBytes: number;
}

/** What to read. */
export interface LogFiles {
  readonly kernel: Pick<Files, "readRange" | "statIfPresent">;
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

/**
 * Entries from a start (null: the oldest) up to a place (null: what is there now), as many at once
 * as one reading of the file gives.
 */
export function* readLog(
  log: LogFiles,
  from: LogStart | null,
  to: LogPlace | null,
): Generator<readonly LogEntry[], void, undefined> {
  const { place, shown } = from ?? OLDEST;
  if (to !== null && (to.born === "" || isSame(place, to))) return;
  const files = filesOf(log);
  const { part, isAfterGap } = partOf(files, { place, shown }, to);
  let isMissing = isAfterGap;
  if (isMissing) yield [gapAt(files[0])];
  for (const born of part) {
    const range = { at: offsetIn(place, born, 0), until: offsetIn(to, born, Infinity), shown };
    const found = yield* readFile(log, born, range);
    // Once for what is missing in one piece.
    if (found === "part" || (found === "nothing" && !isMissing)) yield [gapAt(born)];
    isMissing = found !== "all";
  }
}

const OLDEST: LogStart = { place: { born: "", offsetBytes: 0 }, shown: "" };

function isSame(one: LogPlace, other: LogPlace): boolean {
  return one.born === other.born && one.offsetBytes === other.offsetBytes;
}

function offsetIn(place: LogPlace | null, born: string, otherwise: number): number {
  return place?.born === born ? place.offsetBytes : otherwise;
}

/** The files to read, and whether what came next for the reader is gone. */
function partOf(
  files: readonly string[],
  { place, shown }: LogStart,
  to: LogPlace | null,
): { readonly part: readonly string[]; readonly isAfterGap: boolean } {
  const end = to === null ? files.length - 1 : files.indexOf(to.born);
  const start = Math.max(
    files.indexOf(place.born),
    files.findLastIndex((born) => born <= shown),
  );
  // Without a file or an entry to go on from, all that there is is new.
  const isNew = place.born === "" && shown === "";
  const isEndGone = end === -1 && to !== null;
  const part = files.slice(Math.max(0, start), end + 1);
  return { part, isAfterGap: isEndGone || (start === -1 && !isNew) };
}

function gapAt(time: string | undefined): LogEntry {
  return { log: GAP, stream: "stderr", time: time === undefined ? "" : `${time}Z`, isGap: true };
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
): Generator<readonly LogEntry[], "all" | "part" | "nothing", undefined> {
  const parse = createLogParser();
  for (let offset = at; offset < until;) {
    const length = Math.min(CHUNK_BYTES, until - offset);
    const bytes = inFile(log, born, (path) => log.kernel.readRange(path, offset, length));
    if (bytes === null) return offset === at ? "nothing" : "part";
    if (bytes.length === 0) return "all";
    offset += bytes.length;
    const entries = parse(bytes);
    yield shown === "" ? entries : entries.filter((entry) => comparableTime(entry.time) > shown);
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

/**
 * The place where the entries of a time begin: how `--since` leaves out what is older.
 *
 * @param to where the log ends for the reader
 * @returns a place before which all is older; null: nothing is
 */
export function placeOfTime(log: LogFiles, to: LogPlace, sinceMs: number): LogPlace | null {
  const isOlder = (time: string): boolean => parseLogTime(time) < sinceMs - CLOCK_STEP_MS;
  // What is before a file is older than its first entry.
  const born = filesUpTo(log, to).findLast((each) => isOlder(`${each}Z`));
  if (born === undefined) return null;
  return { born, offsetBytes: borderIn(log, { born, to, isOlder }).from };
}

/**
 * The place where the entries of a time end: how `--until` leaves out what is later.
 *
 * @param to where the log ends for the reader
 * @returns a place behind which all is later
 */
export function endOfTime(log: LogFiles, to: LogPlace, untilMs: number): LogPlace {
  if (untilMs === Infinity) return to;
  const isWithin = (time: string): boolean => parseLogTime(time) <= untilMs + CLOCK_STEP_MS;
  const files = filesUpTo(log, to);
  // What is behind the beginning of such a file is later, too.
  const later = files.findIndex((each) => !isWithin(`${each}Z`));
  if (later === 0) return NOWHERE;
  const born = files.at(later === -1 ? -1 : later - 1);
  if (born === undefined) return to;
  return { born, offsetBytes: borderIn(log, { born, to, isOlder: isWithin }).until };
}

function filesUpTo(log: LogFiles, { born }: LogPlace): readonly string[] {
  const files = filesOf(log);
  return files.slice(0, files.indexOf(born) + 1);
}

interface Search {
  readonly born: string;
  readonly to: LogPlace;
  readonly isOlder: (time: string) => boolean;
}

function borderIn(log: LogFiles, { born, to, isOlder }: Search): LogBorder {
  const read: ReadAt = (offset, length) =>
    inFile(log, born, (path) => log.kernel.readRange(path, offset, length)) ?? NO_BYTES;
  const endBytes = offsetIn(to, born, sizeOf(log, born) ?? 0);
  return searchLog(read, endBytes, ({ time }) => isOlder(time));
}

/** Which of the last entries are meant. */
export interface LogTail {
  /** Where to look no further; null: nowhere. */
  readonly from: LogPlace | null;
  /** Which ones count. */
  readonly isWanted: (entry: LogEntry) => boolean;
  /** At least one. */
  readonly count: number;
}

/**
 * The place where the last entries begin: how `--tail` reads no more than it shows.
 *
 * @param to where they end
 * @returns null: there are not so many
 */
export function placeOfTail(
  log: LogFiles,
  to: LogPlace,
  { from, isWanted, count }: LogTail,
): LogPlace | null {
  const files = filesOf(log);
  const first = Math.max(0, files.indexOf(from?.born ?? ""));
  let missing = count;
  for (const born of files.slice(first, files.indexOf(to.born) + 1).toReversed()) {
    const end = offsetIn(to, born, sizeOf(log, born) ?? 0);
    const part = { begin: offsetIn(from, born, 0), end };
    for (const { offsetBytes, line } of linesBackwards(log, born, part)) {
      const entry = parseLogEntry(line);
      if (entry === undefined || !isWanted(entry)) continue;
      missing--;
      if (missing === 0) return { born, offsetBytes };
    }
  }
  return null;
}

/** Lines of a part of a file, the last first, with where they begin. */
function* linesBackwards(
  log: LogFiles,
  born: string,
  { begin, end }: { readonly begin: number; readonly end: number },
): Generator<{ readonly offsetBytes: number; readonly line: string }> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  // The beginning of a line, whose end was read before it.
  let bytes = new Uint8Array(0);
  for (let at = end; at > begin;) {
    const length = Math.min(BACKWARD_BYTES, at - begin);
    const read = inFile(log, born, (path) => log.kernel.readRange(path, at - length, length));
    // Rotated away meanwhile: what is newer is all that there is.
    if (read === null) return;
    at -= length;
    bytes = concatBytes([read, bytes]);
    let endOfLine = bytes.lastIndexOf(NEWLINE);
    while (endOfLine !== -1) {
      const before = bytes.subarray(0, endOfLine).lastIndexOf(NEWLINE);
      if (before === -1 && at > begin) break;
      const line = decoder.decode(bytes.subarray(before + 1, endOfLine));
      yield { offsetBytes: at + before + 1, line };
      endOfLine = before;
    }
    bytes = bytes.slice(0, endOfLine + 1);
  }
}

/** Where the log ends now. */
export function endOfLog(log: LogFiles): LogPlace {
  for (;;) {
    // The file that is written is not there yet, while it takes the place of one that is full.
    const born = filesOf(log).at(-1);
    if (born === undefined) return NOWHERE;
    const offsetBytes = sizeOf(log, born);
    if (offsetBytes !== null) return { born, offsetBytes };
  }
}

function sizeOf(log: LogFiles, born: string): number | null {
  return inFile(log, born, (path) => log.kernel.statIfPresent(path)?.sizeBytes ?? null);
}

/** The end of a log that has no file yet. */
export const NOWHERE: LogPlace = { offsetBytes: 0, born: "" };

/** Looks at a file under the name that it has now; null: there is no such file any more. */
function inFile<T>(log: LogFiles, born: string, look: (path: string) => T): T | null {
  const { kernel, path, maxFiles } = log;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const names = Array.from({ length: maxFiles }, (_, age) => logFile(path, age));
    const name = names.find((each) => bornOf(kernel, each) === born);
    if (name === undefined) return null;
    const found = ifThere(() => look(name)) ?? null;
    if (bornOf(kernel, name) === born) return found;
  }
  return null;
}

/** What a log file is known by: the time of its first entry; empty when there is none. */
export function bornOf(kernel: Pick<Files, "readRange">, path: string): string {
  const read: ReadAt = (at, length) =>
    ifThere(() => kernel.readRange(path, at, length)) ?? NO_BYTES;
  const first = entryAt(read, 0);
  return first === undefined ? "" : comparableTime(first.time);
}
