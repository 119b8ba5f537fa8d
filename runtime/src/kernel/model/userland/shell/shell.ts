/**
 * Shell: what a shell knows at one moment.
 *
 * A subshell is a process of its own (fork), with a copy of all this.
 *
 * Kernel interface: fork(2), environ(7).
 * Specification: POSIX.1-2017, Shell Command Language, 2.12 "Shell Execution Environment".
 * Invariants: none.
 * Left out: aliases, getopts, ulimit, times.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { CommandNode, Function as FunctionNode, ParsedScript, Statement } from "unbash";
import { signalNumber } from "../../../signals.ts";
import type { WaitStatus } from "../../../port.ts";
import type { Forked, ProgramContext, Sink, Source, Streams } from "../../state.ts";
import type { Applet } from "../tool.ts";

/** A variable. */
export interface Variable {
  readonly value: string;
  readonly isExported: boolean;
  readonly isReadonly: boolean;
}

/** A command in the background. */
export interface Job {
  readonly number: number;
  readonly pid: number;
  readonly text: string;
  readonly exited: Promise<WaitStatus>;
  /** Undefined while it runs. */
  status: WaitStatus | undefined;
}

/** What runs commands: given to those who hold commands, since commands hold commands. */
export interface Interpreter {
  list(shell: Shell, list: readonly Statement[]): Promise<number>;
  command(shell: Shell, command: CommandNode): Promise<number>;
  /** @throws ShellError when the script could not be parsed */
  script(shell: Shell, script: ParsedScript): Promise<number>;
  /** What a name would run. @param isShort whether only the name or the path is wanted */
  describe(
    shell: Shell,
    name: string,
    isShort: boolean,
  ): { readonly text: string; readonly isFound: boolean };
}

/** A shell. */
export interface Shell {
  readonly interpreter: Interpreter;
  /** The text that the positions of what runs now belong to. */
  source: string;
  /** When others last had their turn. */
  readonly breath: { atUs: number };
  readonly context: ProgramContext;
  /** Where commands read and write now. */
  streams: Streams;
  /** Descriptors above 2. */
  more: ReadonlyMap<number, Source | Sink>;
  /** The commands that are also functions of this program, by name. */
  readonly applets: Readonly<Record<string, Applet>>;
  /** `$0` */
  readonly name: string;
  /** `$$`, also in subshells. */
  readonly pid: number;
  readonly isInteractive: boolean;
  readonly variables: Map<string, Variable>;
  readonly functions: Map<string, FunctionNode["body"]>;
  /** `$1` and on. */
  parameters: readonly string[];
  /** `$?` */
  status: number;
  /** The status of the last `$(…)`: that of a command which is nothing but assignments. */
  substituted: number;
  /** Whether this process has nothing to do but the next command: then it becomes it. */
  isLeaf: boolean;
  /** Where in the source the command begins that runs now. */
  at: number;
  /** The number of the first line of the source. */
  readonly firstLine: number;
  /** `$!` */
  lastBackground: number | undefined;
  /** Letters of `set`. */
  readonly flags: Set<string>;
  /** Words of `trap`, by signal name or `EXIT`. */
  readonly traps: Map<string, string>;
  /** Signals that came and whose traps have not run yet. */
  readonly arrived: string[];
  jobs: readonly Job[];
  /** The lines that were typed, oldest first. */
  readonly history: string[];
  /** Whether a failure here is looked at by somebody, so that `set -e` does not apply. */
  isTested: boolean;
  /** Values that functions hide, innermost last. */
  readonly hidden: Map<string, Variable | undefined>[];
  /** Called when a signal comes whose trap should run. */
  wake: () => void;
}

/** Leaves what is running: a loop, a function, the shell. */
export class Jump extends Error {
  override readonly name = "Jump";
  readonly kind: "break" | "continue" | "return" | "exit" | "interrupt";
  /** Of loops. */
  readonly count: number;
  readonly status: number;

  /** @param kind what is left @param status what it leaves with @param count how many loops */
  constructor(kind: Jump["kind"], status: number, count = 1) {
    super(kind);
    this.kind = kind;
    this.status = status;
    this.count = count;
  }
}

/** Ends what the shell is doing with a message; of a shell that is not interactive, all of it. */
export class ShellError extends Error {
  override readonly name = "ShellError";
  readonly status: number;

  /** @param message what comes behind the shell's name */
  constructor(message: string, status = 2) {
    super(message);
    this.status = status;
  }
}

/** The exit code that a shell shows for the end of a process. */
export function exitCodeOf(status: WaitStatus): number {
  return "exitCode" in status ? status.exitCode : 128 + (signalNumber(status.signal) ?? 0);
}

/** The value of a variable. */
export function valueOf(shell: Shell, name: string): string | undefined {
  return shell.variables.get(name)?.value;
}

/** Sets a variable. @throws ShellError when it is read-only */
export function assign(shell: Shell, name: string, value: string): void {
  const before = shell.variables.get(name);
  if (before?.isReadonly === true) throw new ShellError(`${name}: is read only`);
  const isExported = before?.isExported ?? shell.flags.has("a");
  shell.variables.set(name, { value, isExported, isReadonly: false });
}

/** The environment of commands. */
export function environment(shell: Shell): readonly string[] {
  return [...shell.variables]
    .filter(([, { isExported }]) => isExported)
    .map(([name, { value }]) => `${name}=${value}`);
}

/** Writes a message to standard error, behind the shell's name. @param builtin that failed */
export function complain(shell: Shell, message: string, builtin?: string): Promise<void> {
  const line = shell.firstLine + shell.source.slice(0, shell.at).split("\n").length - 1;
  const place = shell.isInteractive ? `${builtin}: ` : `${builtin}: line ${line}: `;
  const bytes = new TextEncoder().encode(
    `${shell.name}: ${builtin === undefined ? "" : place}${message}\n`,
  );
  return shell.context.write(shell.streams.stderr, bytes);
}

/** A copy in a child process, which does `body` and ends with what it comes to. */
export function forkShell(
  shell: Shell,
  streams: Streams,
  body: (child: Shell) => Promise<number>,
): Forked {
  return shell.context.fork(streams, (context) =>
    body({
      ...shell,
      context,
      streams,
      isInteractive: false,
      variables: new Map(shell.variables),
      functions: new Map(shell.functions),
      flags: new Set(shell.flags),
      traps: new Map(),
      arrived: [],
      isLeaf: false,
      jobs: [],
      breath: { atUs: 0 },
      hidden: shell.hidden.map((each) => new Map(each)),
      wake: () => undefined,
    }),
  );
}
