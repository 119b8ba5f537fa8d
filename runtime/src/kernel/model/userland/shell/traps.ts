/**
 * Traps: commands that run when a signal comes, or at the end.
 *
 * A signal that comes while a command runs waits until that command is done.
 *
 * Kernel interface: signal(7).
 * Specification: POSIX.1-2017, Shell Command Language, 2.11 "Signals and Error Handling".
 * Invariants: none.
 * Left out: DEBUG and ERR.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { parse } from "unbash";
import { signalName, signalNumber } from "../../../signals.ts";
import { Jump, ShellError, type Shell } from "./shell.ts";

/** Runs the traps of signals that came. */
export async function runTraps(shell: Shell): Promise<void> {
  for (let signal = shell.arrived.shift(); signal !== undefined; signal = shell.arrived.shift()) {
    if (signal === "SIGINT" && !shell.traps.has(signal)) throw new Jump("interrupt", 130);
    const { status } = shell;
    await runTrap(shell, shell.traps.get(signal) ?? "");
    shell.status = status;
  }
}

/** Runs the words of a trap. */
export async function runTrap(shell: Shell, words: string): Promise<void> {
  shell.source = words;
  await shell.interpreter.script(shell, parse(words));
}

/** `TERM`, `SIGTERM`, `15`, `EXIT` or `0`. @returns `SIGTERM` or `EXIT`, or undefined */
export function trapName(word: string): string | undefined {
  if (word === "EXIT" || word === "0") return "EXIT";
  if (/^\d+$/.test(word)) return Number(word) <= 64 ? signalName(Number(word)) : undefined;
  const name = word.toUpperCase().replace(/^(SIG)?/, "SIG");
  return signalNumber(name) === undefined ? undefined : name;
}

/** `trap [words signal…]` */
export function setTrap(shell: Shell, words: string, signals: readonly string[]): void {
  for (const each of signals) {
    const name = trapName(each);
    if (name === undefined) throw new ShellError(`trap: ${each}: invalid signal specification`, 1);
    if (words === "-") shell.traps.delete(name);
    else shell.traps.set(name, words);
    if (name !== "EXIT") listen(shell, name, words);
  }
}

function listen(shell: Shell, name: string, words: string): void {
  const { context } = shell;
  if (words === "-") context.onSignal(name, "default");
  else if (words === "") context.onSignal(name, "ignore");
  else {
    context.onSignal(name, () => {
      shell.arrived.push(name);
      shell.wake();
    });
  }
}
