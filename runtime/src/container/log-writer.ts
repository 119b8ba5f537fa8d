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
 * Left out: rotation.
 * Docs: docs/concepts/logs.md
 *
 * @module
 */

import { KernelError } from "../kernel/index.ts";
import type { Clock, Files } from "../kernel/index.ts";
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
  readonly kernel: Pick<Files, "writeFile"> & Pick<Clock, "nowMs">;
  readonly path: string;
  /** Receives the lines as they were appended, for those who follow. */
  readonly onAppended: (text: string) => void;
}

const LOG_PERMISSIONS = 0o640;

/** Opens a log for appending; the file is made by the first line. */
export function createLogWriter({ kernel, path, onAppended }: LogTarget): LogWriter {
  const cutters = { stdout: createLineCutter(), stderr: createLineCutter() };
  let afterFailure = "";
  const append = (stream: LogStream, texts: readonly string[]): void => {
    if (texts.length === 0) return;
    const time = formatLogTime(kernel.nowMs());
    const lines = printLogEntries(texts, stream, time);
    try {
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
