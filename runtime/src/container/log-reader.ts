/**
 * Log reader: a log of several files as one, while it is rotated.
 *
 * A file keeps its inode when it gets another name. So a reader remembers inodes, looks up under
 * which name each is now, and reads again when the name was taken by another file meanwhile: a
 * rotation in the middle neither loses a line nor shows one twice. What was rotated away is gone.
 *
 * Kernel interface: pread(2), stat(2).
 * Specification: Docker's json-file logging driver.
 * Invariants: see `log-rotation.ts`.
 * Left out: an inode that is used again for a new file of the same log while it is being read.
 * Docs: docs/concepts/logs.md
 *
 * @module
 */

import { KernelError } from "../kernel/index.ts";
import type { Files } from "../kernel/index.ts";
import { createLogParser } from "./logs.ts";
import type { LogEntry } from "./logs.ts";
import { logFile } from "./log-rotation.ts";

const CHUNK_BYTES = 256 * 1024;
/** More renames than happen while one piece is read. */
const ATTEMPTS = 8;

/** A place between two lines of a log. */
export interface LogPlace {
  /** Of the file; 0: there was none yet. */
  readonly inode: number;
  readonly offsetBytes: number;
}

/** What to read. */
export interface LogFiles {
  readonly kernel: Pick<Files, "readRange" | "stat">;
  readonly path: string;
  /** How many there can be. */
  readonly maxFiles: number;
}

/** Entries from a place (null: the oldest) up to another (null: what is there now). */
export function* readLog(
  log: LogFiles,
  from: LogPlace | null,
  to: LogPlace | null,
): Generator<LogEntry, void, undefined> {
  if (to?.inode === 0) return;
  const inodes = inodesOf(log);
  // What is not there any more was rotated away: what is left begins with the oldest.
  const start = Math.max(0, from === null ? 0 : inodes.indexOf(from.inode));
  const end = to === null ? inodes.length - 1 : inodes.indexOf(to.inode);
  for (const inode of inodes.slice(start, end + 1)) {
    const first = offsetIn(from, inode, 0);
    yield* readFile(log, inode, first, offsetIn(to, inode, Infinity));
  }
}

function offsetIn(place: LogPlace | null, inode: number, otherwise: number): number {
  return place?.inode === inode ? place.offsetBytes : otherwise;
}

function* readFile(
  log: LogFiles,
  inode: number,
  first: number,
  last: number,
): Generator<LogEntry, void, undefined> {
  const parse = createLogParser();
  for (let offset = first; offset < last;) {
    const bytes = chunkOf(log, inode, offset, Math.min(CHUNK_BYTES, last - offset));
    if (bytes.length === 0) return;
    offset += bytes.length;
    yield* parse(bytes);
  }
}

/** The files' inodes, the oldest first; looked at until they hold still. */
function inodesOf({ kernel, path, maxFiles }: LogFiles): readonly number[] {
  const look = (): readonly number[] =>
    Array.from({ length: maxFiles }, (_, age) => inodeAt(kernel, logFile(path, age)))
      .toReversed()
      .filter((inode) => inode !== 0);
  let inodes = look();
  for (let attempt = 0; attempt < ATTEMPTS && maxFiles > 1; attempt++) {
    const again = look();
    if (again.join() === inodes.join()) break;
    inodes = again;
  }
  return inodes;
}

function chunkOf(log: LogFiles, inode: number, offset: number, length: number): Uint8Array {
  const { kernel, path, maxFiles } = log;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const ages = Array.from({ length: maxFiles }, (_, age) => age);
    const age = ages.find((each) => inodeAt(kernel, logFile(path, each)) === inode);
    if (age === undefined) return new Uint8Array(0);
    const file = logFile(path, age);
    const bytes = rangeOr(kernel, file, offset, length);
    if (inodeAt(kernel, file) === inode) return bytes;
  }
  return new Uint8Array(0);
}

/** 0: there is no such file. */
function inodeAt(kernel: LogFiles["kernel"], path: string): number {
  try {
    return kernel.stat(path).inode;
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") return 0;
    throw error;
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
