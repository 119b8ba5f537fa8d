/**
 * Pid file: tells scripts which process the daemon is.
 *
 * Kernel interface: kill(2) with signal 0.
 * Specification: none.
 * Invariants: none.
 * Left out: it locks nothing; the lock on the root directory does.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { RuntimeError } from "../errors/index.ts";

/**
 * Writes this process's id to a file.
 *
 * @returns how to remove the file, which does nothing when it names somebody else by then
 * @throws RuntimeError engine-locked when the file names another living process
 */
export function writePidFile(path: string): () => void {
  const other = readPid(path);
  if (other !== null && other !== process.pid && isAlive(other)) {
    throw new RuntimeError({
      code: "engine-locked",
      class: "conflict",
      message: `process with PID ${other} is still running`,
      subject: path,
      hint: `Stop it (kill ${other}), give another --pidfile, or remove ${path} if it is not a daemon.`,
    });
  }
  writeFileSync(path, `${process.pid}\n`);
  return () => {
    if (readPid(path) === process.pid) rmSync(path, { force: true });
  };
}

function readPid(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, "utf8").trim());
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
