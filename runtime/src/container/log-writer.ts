/**
 * Log writer: appends what a process writes to its log file.
 *
 * The two streams of a process are cut into lines independently, then the lines go into one file in
 * the order in which they became complete. A disk that is full must not stop a container: what
 * cannot be written is counted and dropped, and the next line that can be written begins on a line
 * of its own.
 *
 * Kernel interface: write(2) with O_APPEND.
 * Specification: Docker's json-file logging driver.
 * Invariants: see `logs.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/logs.md
 *
 * @module
 */

import { KernelError } from "../kernel/index.ts";
import type { Clock, Files } from "../kernel/index.ts";
import { rotateLog } from "./log-rotation.ts";
import type { LogRotation } from "./log-rotation.ts";
import { createLineCutter, formatLogTime, printLogEntries } from "./logs.ts";
import type { LogStream } from "./logs.ts";

/** A log that is being written. */
export interface LogWriter {
  write(stream: LogStream, bytes: Uint8Array): void;
  /** Writes what is left of both streams. */
  end(): void;
}

/** What a log writer needs. */
export interface LogTarget {
  readonly kernel: Pick<Files, "writeFile" | "statIfPresent" | "rename" | "unlink"> &
    Pick<Clock, "nowMs">;
  readonly path: string;
  /** Absent: it grows without limit. */
  readonly rotation?: LogRotation | undefined;
  /** Whether there can be a log of an earlier run, whose size has to be asked for. */
  readonly continues?: boolean;
  /** Receives the lines as they were appended, for those who follow. */
  readonly onAppended: (text: string) => void;
}

const LOG_PERMISSIONS = 0o640;

/** Opens a log for appending; the file is made by the first line. */
export function createLogWriter(target: LogTarget): LogWriter {
  const { kernel, path, onAppended, continues = false } = target;
  const { maxBytes, maxFiles } = target.rotation ?? { maxBytes: null, maxFiles: 1 };
  let size = continues && maxBytes !== null ? undefined : 0;
  const cutters = { stdout: createLineCutter(), stderr: createLineCutter() };
  let lastUs = 0;
  let afterFailure = "";
  const makeRoom = (length: number): void => {
    size ??= kernel.statIfPresent(path)?.sizeBytes ?? 0;
    if (maxBytes !== null && size >= maxBytes) {
      rotateLog(kernel, path, maxFiles);
      size = 0;
    }
    size += length;
  };
  const append = (stream: LogStream, texts: readonly string[]): void => {
    if (texts.length === 0) return;
    // Each write has a time of its own: whoever reads on behind one knows it by that.
    lastUs = Math.max(Math.floor(kernel.nowMs() * 1000), lastUs + 1);
    const time = formatLogTime((lastUs + 0.5) / 1000);
    const lines = printLogEntries(texts, stream, time);
    const room = (maxBytes ?? Infinity) - (size ?? 0);
    if (lines.length > room && texts.length > 1) {
      // Many lines at once: cut where the file is full.
      const half = texts.length >> 1;
      append(stream, texts.slice(0, half));
      return append(stream, texts.slice(half));
    }
    try {
      makeRoom(lines.length);
      kernel.writeFile(path, afterFailure + lines, "append", LOG_PERMISSIONS);
      afterFailure = "";
      onAppended(lines);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      afterFailure = "\n";
    }
  };
  return {
    write: (stream, bytes) => append(stream, cutters[stream].push(bytes)),
    end() {
      append("stdout", cutters.stdout.end());
      append("stderr", cutters.stderr.end());
    },
  };
}
