/**
 * Logger: one line on standard error for each thing that happened, as text or as JSON.
 *
 * Both forms are those of dockerd, since programs read them: `time="…" level=info msg="…"` with
 * further fields behind, or the same as an object.
 *
 * Kernel interface: write(2).
 * Specification: none; logrus, TextFormatter and JSONFormatter.
 * Invariants: none.
 * Left out: colours; files and rotation, which are whose standard error it is.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import type { DaemonSettings, LogLevel } from "./options.ts";

/** Further things to say, by name. */
export type Fields = Readonly<Record<string, string | number>>;

/** A log whose loudness and form can change while it is written. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Fields): void;
  /** Whether such a line would be written. */
  isOn(level: LogLevel): boolean;
}

const ORDER: readonly LogLevel[] = ["debug", "info", "warn", "error", "fatal"];
/** logrus writes this level out. */
const WRITTEN: Readonly<Partial<Record<LogLevel, string>>> = { warn: "warning" };

/** How the log is wanted now. */
export type LogSettings = Pick<DaemonSettings, "debug" | "logLevel" | "logFormat">;

/**
 * Makes a log.
 *
 * @param settings asked before each line
 * @param now the time of a line, as in RFC 3339
 */
export function createLogger(
  settings: () => LogSettings,
  write: (line: string) => void,
  now: () => string,
): Logger {
  const isOn = (level: LogLevel): boolean => {
    const { debug, logLevel } = settings();
    return ORDER.indexOf(level) >= ORDER.indexOf(debug ? "debug" : logLevel);
  };
  return {
    isOn,
    log: (level, msg, fields = {}) => {
      if (!isOn(level)) return;
      const line = { time: now(), level: WRITTEN[level] ?? level, msg, ...fields };
      write(`${settings().logFormat === "json" ? JSON.stringify(line) : textOf(line)}\n`);
    },
  };
}

function textOf(line: Fields): string {
  return Object.entries(line)
    .map(([name, value]) => `${name}=${quoted(name, String(value))}`)
    .join(" ");
}

/** logrus quotes what holds more than the characters of a path; time and message it always does. */
function quoted(name: string, value: string): string {
  const isPlain = /^[\w./@^+-]+$/.test(value) && name !== "msg" && name !== "time";
  return isPlain ? value : JSON.stringify(value);
}
