/**
 * Signals: how a client writes them, and what becomes of one.
 *
 * `9`, `KILL`, `kill` and `SIGKILL` are one signal. What it does to a process the process itself
 * decides, and for the first one of a PID namespace the kernel: a signal that it has no handler for
 * is not even delivered, SIGKILL and SIGSTOP from outside excepted.
 *
 * Kernel interface: signal(7), pid_namespaces(7), proc(5).
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

/**
 * `handled`: the process has a handler, or waits for it; `ignored`: it said so; `dropped`: it is
 * the first of its PID namespace and has no handler; `fatal`: it ends by it.
 */
export type SignalFate = "handled" | "ignored" | "dropped" | "fatal";

/**
 * What a signal would do to a process now, if it is one that ends processes. Pure.
 *
 * @param status the text of /proc/PID/status
 * @returns null when the text does not say
 * @example signalFate("NSpid:\t70\t1\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t0\n", 15) // "dropped"
 */
export function signalFate(status: string, signal: number): SignalFate | null {
  const hasBit = (field: string): boolean | null => {
    const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "mu").exec(status)?.[1];
    return mask === undefined ? null : (BigInt(`0x${mask}`) >> BigInt(signal - 1)) % 2n === 1n;
  };
  const [isCaught, isBlocked, isIgnored] = ["SigCgt", "SigBlk", "SigIgn"].map(hasBit);
  if (isCaught === null || isBlocked === null || isIgnored === null) return null;
  if (signal === SIGKILL) return "fatal";
  // Who blocks one may be waiting for it: sigwait(3), signalfd(2).
  if (isCaught || isBlocked) return "handled";
  if (isIgnored) return "ignored";
  return /^NSpid:.*\s1$/mu.test(status) ? "dropped" : "fatal";
}

const SIGKILL = 9;

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
