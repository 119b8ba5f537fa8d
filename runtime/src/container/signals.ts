/**
 * Signals as a client writes them: `9`, `KILL`, `kill` and `SIGKILL` are one signal.
 *
 * Kernel interface: signal(7).
 * Specification: Docker Engine API v1.50, `POST /containers/{id}/kill`.
 * Invariants: none; `signals.test.ts` lists the spellings.
 * Left out: the numbering of alpha, mips, parisc and sparc.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { signalName, signalNumber } from "../kernel/index.ts";

const LARGEST_SIGNAL = 64;

/**
 * The kernel's name of a signal that a client wrote.
 *
 * @param text a number from 1 to 64, or a name with or without SIG, in any case
 * @throws RuntimeError signal-unknown, in Docker's words
 * @example parseSignal("term") // "SIGTERM"
 */
export function parseSignal(text: string): string {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= LARGEST_SIGNAL) return signalName(number);
    throw unknownSignal(text);
  }
  const upper = text.toUpperCase();
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  const number = signalNumber(name);
  if (number === undefined || number < 1) throw unknownSignal(text);
  return signalName(number);
}

function unknownSignal(text: string): RuntimeError {
  return new RuntimeError({
    code: "signal-unknown",
    class: "invalid",
    message: `Invalid signal: ${text}`,
    operation: "parse signal",
    subject: text,
    hint: "Give a name such as TERM or SIGTERM, or a number from 1 to 64.",
  });
}
