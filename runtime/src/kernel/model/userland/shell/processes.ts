/**
 * Processes: what a shell does with its children.
 *
 * Kernel interface: fork(2), wait(2), signal(7).
 * Specification: POSIX.1-2017, Shell Command Language, 2.6.3 "Command Substitution", 2.8.2 "Exit
 *   Status for Commands".
 * Invariants: none.
 * Left out: process groups.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { ParsedScript } from "unbash";
import { KernelError } from "../../../port.ts";
import type { Forked, Streams } from "../../state.ts";
import { errnoText } from "../errno-text.ts";
import type { Expander } from "./pieces.ts";
import { complain, exitCodeOf, forkShell, Jump, ShellError, type Shell } from "./shell.ts";
import { runTrap } from "./traps.ts";
import { createExpander } from "./words.ts";

/** The words of a shell, which may hold commands. */
export function expanderOf(shell: Shell): Expander {
  return createExpander(shell, (script) => substitute(shell, script));
}

/** fork(2), whose refusal ends what the shell was doing. */
export function forkChecked(
  shell: Shell,
  streams: Streams,
  body: (child: Shell) => Promise<number>,
): Forked {
  try {
    return forkShell(shell, streams, (child) => asProcess(child, () => body(child)));
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    throw new ShellError(`can't fork: ${errnoText(error.errno)}`);
  }
}

/** What a shell does as a whole: whatever it is left by becomes its exit code. */
export async function asProcess(shell: Shell, body: () => Promise<number>): Promise<number> {
  const status = await untilLeft(shell, body);
  const words = shell.traps.get("EXIT");
  if (words === undefined) return status;
  shell.traps.delete("EXIT");
  shell.status = status;
  return untilLeft(shell, async () => {
    await runTrap(shell, words);
    return status;
  });
}

async function untilLeft(shell: Shell, body: () => Promise<number>): Promise<number> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof Jump) return error.status;
    if (!(error instanceof ShellError)) throw error;
    await complain(shell, error.message);
    return error.status;
  }
}

/** Waits for a child in the foreground, and tells if a signal ended it. */
export async function waitFor(shell: Shell, child: Forked): Promise<number> {
  const status = await child.exited;
  const isSilent = !("signal" in status) || ["SIGINT", "SIGPIPE"].includes(status.signal);
  if ("signal" in status && status.signal === "SIGINT" && shell.isInteractive) {
    await shell.context.write(shell.streams.stderr, new TextEncoder().encode("\n"));
  }
  if (!isSilent) {
    const words = signalWords(status.signal);
    await shell.context.write(shell.streams.stderr, new TextEncoder().encode(`${words}\n`));
  }
  return exitCodeOf(status);
}

/** What a shell says of a process that a signal ended. */
export function signalWords(signal: string): string {
  return SIGNAL_WORDS[signal] ?? signal.slice(3);
}

const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGHUP: "Hangup",
  SIGQUIT: "Quit",
  SIGILL: "Illegal instruction",
  SIGTRAP: "Trace/breakpoint trap",
  SIGABRT: "Aborted",
  SIGBUS: "Bus error",
  SIGFPE: "Floating point exception",
  SIGKILL: "Killed",
  SIGUSR1: "User defined signal 1",
  SIGSEGV: "Segmentation fault",
  SIGUSR2: "User defined signal 2",
  SIGALRM: "Alarm clock",
  SIGTERM: "Terminated",
  SIGSYS: "Bad system call",
};

/** `$(…)`: what a script prints, without the newlines at its end. */
async function substitute(shell: Shell, script: ParsedScript | undefined): Promise<string> {
  if (script === undefined) return "";
  const { source, sink } = shell.context.pipe();
  const child = forkChecked(shell, { ...shell.streams, stdout: sink }, (own) => {
    own.source = script.source ?? own.source;
    return own.interpreter.script(own, script);
  });
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const bytes = await shell.context.read(source, 65_536);
    if (bytes.length === 0) break;
    text += decoder.decode(bytes, { stream: true });
  }
  shell.substituted = await waitFor(shell, child);
  return text.replaceAll("\0", "").replace(/\n+$/, "");
}

/** Runs something whose failure is looked at. */
export async function tested<T>(shell: Shell, body: () => Promise<T>): Promise<T> {
  const before = shell.isTested;
  shell.isTested = true;
  try {
    return await body();
  } finally {
    shell.isTested = before;
  }
}
