/**
 * Log rotation: a log is a few files, so that it cannot fill the disk.
 *
 * The newest lines are in the file itself. When it has grown to its limit it becomes `.1`, what was
 * `.1` becomes `.2`, and the oldest goes. Lines are never cut: a file ends with the line that
 * reached the limit.
 *
 * Kernel interface: rename(2), unlink(2).
 * Specification: Docker's json-file logging driver, `max-size` and `max-file`.
 * Invariants:
 *   rotation-loses-nothing   the files of a log, the oldest first, hold the newest lines without
 *       gap or repetition, and each but the newest reached the limit
 * Left out: compression of old files, so `local` is `json-file` with other defaults; a limit counts
 *   characters, not bytes.
 * Docs: docs/concepts/logs.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { ifThere } from "../kernel/index.ts";
import type { Files } from "../kernel/index.ts";
import type { HostConfig } from "./config.ts";

/** How a log is limited. */
export interface LogRotation {
  /** null: no limit. */
  readonly maxBytes: number | null;
  /** With the one that is written. */
  readonly maxFiles: number;
}

/** 5 files of 20 MB: Docker limits nothing here, and disks were filled by it. */
const DEFAULT: LogRotation = { maxBytes: 20_000_000, maxFiles: 5 };

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1000, m: 1e6, g: 1e9, t: 1e12 };
/** Some are for `log-details.ts`; `compress`, `mode` and `max-buffer-size` do nothing here. */
const KNOWN = ["max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex"];
const OTHERS = ["tag", "mode", "max-buffer-size"];

/**
 * The limits that options ask for. Pure.
 *
 * @throws RuntimeError request-invalid, in Docker's words
 * @example rotationOf({ Type: "json-file", Config: { "max-size": "10m" } }).maxBytes // 10_000_000
 */
export function rotationOf({ Type, Config }: HostConfig["LogConfig"]): LogRotation {
  const unknown = Object.keys(Config).find((key) => ![...KNOWN, ...OTHERS].includes(key));
  if (unknown !== undefined) {
    throw refused(`unknown log opt '${unknown}' for ${Type || "json-file"} log driver`);
  }
  const size = Config["max-size"];
  const files = Config["max-file"];
  if (files !== undefined && !/^[1-9]\d{0,4}$/u.test(files)) {
    throw refused("max-file cannot be less than 1");
  }
  if (size === undefined) {
    return files === undefined ? DEFAULT : { ...DEFAULT, maxFiles: Number(files) };
  }
  // With json-file a limit alone means one file, with local five.
  const otherwise = Type === "local" ? DEFAULT.maxFiles : 1;
  return { maxBytes: parseSize(size), maxFiles: Number(files ?? otherwise) };
}

function parseSize(text: string): number | null {
  if (text === "-1") return null;
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/iu.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
  if (digits === "" || bytes < 1) throw refused(`invalid size: '${text}'`);
  return bytes;
}

function refused(message: string): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message,
    operation: "read log options",
    hint: "Options are max-size (for example 10m) and max-file.",
  });
}

/** The path of a log's file: 0 is the newest. @example logFile("/log", 2) // "/log.2" */
export function logFile(path: string, age: number): string {
  return age === 0 ? path : `${path}.${age}`;
}

/** Makes room for a new file: each becomes one older, and the oldest goes. */
export function rotateLog(
  kernel: Pick<Files, "rename" | "unlink">,
  path: string,
  maxFiles: number,
): void {
  for (let age = maxFiles - 1; age > 0; age--) {
    ifThere(() => kernel.rename(logFile(path, age - 1), logFile(path, age)));
  }
  if (maxFiles === 1) ifThere(() => kernel.unlink(path));
}
