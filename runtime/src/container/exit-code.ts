/**
 * Exit codes: one small number that tells how a container ended, or why it never ran.
 *
 * The kernel tells a parent either an exit code or a signal; a shell, and Docker with it, folds
 * both into one number by adding 128 to the signal. Three numbers say that the container's program
 * never ran at all:
 *
 *     126   the command cannot be executed           128       it could not be started otherwise
 *     127   there is no such command                 128 + n   the process was ended by signal n
 *
 * A client that could not get a container to start at all ends with 125 itself.
 *
 * Kernel interface: wait(2), signal(7).
 * Specification: docker-run(1), "Exit status".
 * Invariants:
 *   exit-code-is-status   an exit code passes unchanged, a signal n becomes 128 + n, and the two
 *     can be told apart
 * Left out: nothing.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import type { ErrorParts } from "../errors/index.ts";
import { signalNumber } from "../kernel/index.ts";
import type { WaitStatus } from "../kernel/index.ts";

const SIGNAL_BASE = 128;

/**
 * The number that a client sees for an end.
 *
 * @example exitCodeOf({ signal: "SIGKILL", coreDumped: false }) // 137
 */
export function exitCodeOf(status: WaitStatus): number {
  if ("exitCode" in status) return status.exitCode;
  const number = signalNumber(status.signal);
  if (number === undefined) throw new Error(`bug: the kernel reported signal ${status.signal}`);
  return SIGNAL_BASE + number;
}

/**
 * The exit code of a start that failed.
 *
 * @param failure the `RuntimeError` that says why
 * @example exitCodeOfFailure({ code: "command-not-found", errno: "ENOENT" }) // 127
 */
export function exitCodeOfFailure(failure: Pick<ErrorParts, "code" | "errno">): number {
  switch (failure.code) {
    case "command-not-found":
      return 127;
    case "command-not-executable":
      return 126;
    case "workdir-invalid":
      return ["ENOENT", "ENOTDIR"].includes(failure.errno ?? "") ? 127 : 126;
    default:
      return 128;
  }
}
