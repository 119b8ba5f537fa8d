/**
 * Signals: numbers and names.
 *
 * The first 31 have names, in the same order on x86_64 and arm64. The real-time ones are counted
 * from both ends: the C library keeps 32 and 33 for itself, so SIGRTMIN is 34, and SIGRTMAX is 64.
 *
 * Kernel interface: signal(7).
 * Invariants: none.
 * Left out: the numbering of alpha, mips, parisc and sparc.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { KernelError } from "./port.ts";

const NAMES = `
SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE
SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ
SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS`
  .trim()
  .split(/\s+/);
const OTHER_NAMES: ReadonlyMap<string, number> = new Map([
  ["SIGIOT", 6],
  ["SIGCLD", 17],
  ["SIGPOLL", 29],
  ["SIGRTMIN", 34],
  ["SIGRTMAX", 64],
  // The null signal: kill(2) only looks whether it could be sent.
  ["0", 0],
]);
const RTMIN = 34;
const RTMAX = 64;

/**
 * The number of a signal.
 *
 * @param name for example `"SIGTERM"`, `"SIGRTMIN+3"`, `"SIGRTMAX-1"`, or `"0"` for the null signal
 * @returns the number, or undefined when there is no such signal
 * @example signalNumber("SIGTERM") // 15
 */
export function signalNumber(name: string): number | undefined {
  const index = NAMES.indexOf(name);
  if (index >= 0) return index + 1;
  const reserved = /^SIG(32|33)$/.exec(name);
  if (reserved !== null) return Number(reserved[1]);
  const realTime = /^SIGRT(MIN\+|MAX-)(\d{1,2})$/.exec(name);
  if (realTime === null) return OTHER_NAMES.get(name);
  const offset = Number(realTime[2]);
  const number = realTime[1] === "MIN+" ? RTMIN + offset : RTMAX - offset;
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}

/**
 * The number of a signal that must be one.
 *
 * @param syscall that wants it
 * @throws KernelError EINVAL
 */
export function requireSignal(syscall: string, name: string): number {
  const number = signalNumber(name);
  if (number === undefined) throw new KernelError(syscall, "EINVAL", name);
  return number;
}

/**
 * The name of a signal.
 *
 * @param number from 1 to 64
 * @example signalName(9) // "SIGKILL"
 */
export function signalName(number: number): string {
  const name = NAMES[number - 1];
  if (name !== undefined) return name;
  if (number < RTMIN) return `SIG${number}`;
  if (number === RTMIN) return "SIGRTMIN";
  return number === RTMAX ? "SIGRTMAX" : `SIGRTMIN+${number - RTMIN}`;
}
