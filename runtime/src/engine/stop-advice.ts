/**
 * Stop advice: will this process hear that it is to stop?
 *
 * A shell that runs a script as process 1 has no handler for SIGTERM, and process 1 gets no signal
 * that it has no handler for: each stop takes all of its time and ends in SIGKILL. The kernel shows
 * which signals a process handles, so this can be said before anybody has waited.
 *
 * Kernel interface: proc(5), pid_namespaces(7).
 * Specification: none; the path of the API is ours.
 * Invariants: none.
 * Left out: a process that handles the signal and ends late all the same.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { hasProcess, parseSignal, signalFate } from "../container/index.ts";
import { signalNumber } from "../kernel/index.ts";
import type { HostPid } from "../kernel/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { StopAdvice, StopOptions } from "./engine.ts";
import { commandOf } from "./inspect.ts";
import { textOr } from "./look.ts";

const DEFAULT_TIMEOUT_SECONDS = 10;

/** Signals by which programs are asked to end, in the order in which we would name them. */
const POLITE = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1"] as const;

/** The signal that stop sends first, and how long it waits. @throws RuntimeError signal-unknown */
export function stopPlan(
  { definition }: Container,
  options: StopOptions,
): { readonly signal: string; readonly seconds: number } {
  const { StopSignal, StopTimeout } = definition.config;
  return {
    signal: parseSignal(options.signal ?? (StopSignal === "" ? "SIGTERM" : StopSignal)),
    seconds: options.timeoutSeconds ?? StopTimeout ?? DEFAULT_TIMEOUT_SECONDS,
  };
}

/** Why a stop will take all of its time; null when nothing speaks for that. Has no effects. */
export function adviseStop(
  engine: EngineContext,
  container: Container,
  options: StopOptions,
): StopAdvice | null {
  const { state } = container.history;
  const { signal, seconds } = stopPlan(container, options);
  if (!hasProcess(state) || seconds === 0) return null;
  const status = statusUnlessWaiting(engine, state.hostPid);
  const fateOf = (name: string) => signalFate(status, signalNumber(name) ?? 0);
  const fate = fateOf(signal);
  if (fate !== "ignored" && fate !== "dropped") return null;
  const program = /^Name:\s*(.*)$/mu.exec(status)?.[1] ?? "";
  const understood = POLITE.filter((name) => fateOf(name) === "handled");
  const why = reasonOf(fate, program, signal);
  const then = seconds > 0 ? `SIGKILL follows after ${seconds} s` : "nothing else follows";
  return {
    signal,
    program,
    fate,
    message: `container ${container.name} does not hear ${signal}: ${why}; ${then}`,
    hint: remedyFor(fate, understood, commandOf(container.definition)),
  };
}

/** What the kernel shows of a process; nothing of one that waits for signals, or has ended. */
function statusUnlessWaiting(engine: EngineContext, hostPid: HostPid): string {
  const isWaiting = () => waitsForSignals(engine, hostPid);
  if (isWaiting()) return "";
  const status = textOr(engine.kernel, `/proc/${hostPid}/status`);
  // It may have begun between the two looks.
  return isWaiting() ? "" : status;
}

function reasonOf(fate: StopAdvice["fate"], program: string, signal: string): string {
  if (fate === "ignored") return `its process ${program} ignores ${signal}`;
  return (
    `its process 1, ${program}, has no handler for ${signal}, and the kernel gives process 1 ` +
    "no signal that it has no handler for"
  );
}

/**
 * An init such as tini blocks all signals and takes them one by one. While it waits the kernel
 * shows none as blocked: only the call in which it sleeps tells.
 */
function waitsForSignals({ kernel, machine }: EngineContext, hostPid: HostPid): boolean {
  const [number] = textOr(kernel, `/proc/${hostPid}/syscall`).split(" ");
  return number !== undefined && number === RT_SIGTIMEDWAIT[machine.uname.machine];
}

/** The number of rt_sigtimedwait(2) on each machine. */
const RT_SIGTIMEDWAIT: Readonly<Record<string, string>> = { x86_64: "128", aarch64: "137" };

function remedyFor(
  fate: StopAdvice["fate"],
  understood: readonly string[],
  command: readonly string[],
): string {
  const other =
    understood.length === 0 ? "" : `--stop-signal ${understood.join(" or ")}, which it handles`;
  if (fate === "ignored") {
    return other === ""
      ? "It ignores every signal that asks to end: stop it with -t 1."
      : `Create it with ${other}, or stop it with -t 1.`;
  }
  const isShellForm = /(?:^|\/)(?:ba|da|a)?sh$/.test(command[0] ?? "") && command[1] === "-c";
  const forms = isShellForm
    ? ", or with its command in exec form, so that the program itself is process 1 and not a shell"
    : ", which passes signals on to it";
  return `Create it with --init${forms}${other === "" ? "" : `; or with ${other}`}.`;
}
