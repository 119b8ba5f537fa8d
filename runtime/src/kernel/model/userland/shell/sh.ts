/**
 * Sh: the shell as a program.
 *
 * It takes its commands from `-c`, from a file, or line by line from standard input. With `-i`, or
 * at a terminal, it prompts, and survives errors and Ctrl-C. At a terminal lines can be edited.
 *
 * Kernel interface: read(2), signal(7).
 * Specification: POSIX.1-2017, Utilities, "sh".
 * Invariants: none; ../userland.test.ts compares with the busybox of the machine.
 * Left out: profiles, a file for the lines before.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { parse, type ParsedScript } from "unbash";
import { KernelError } from "../../../port.ts";
import type { ProgramContext, ProgramTerminal } from "../../state.ts";
import { errnoText } from "../errno-text.ts";
import { DEFAULT_PATH } from "../programs.ts";
import type { Applet, Tool } from "../tool.ts";
import { setFlags } from "./builtins.ts";
import { completeWord } from "./complete.ts";
import { jobLines } from "./jobs.ts";
import { editLine } from "./line-editor.ts";
import { asProcess } from "./processes.ts";
import { readLine } from "./read.ts";
import { INTERPRETER } from "./run.ts";
import { complain, Jump, ShellError, valueOf, type Shell, type Variable } from "./shell.ts";
import { runTraps } from "./traps.ts";

/** What a shell says of Ctrl-C. */
const INTERRUPTED = 130;

/** Makes the shell. @param applets the commands that it may run in its own process */
export function createSh(applets: () => Readonly<Record<string, Applet>>): Applet {
  return (tool) => {
    const { flags, script, path, operands } = readArguments(tool);
    const { stdin } = tool.streams;
    const reads = script === undefined && path === undefined;
    const shell = createShell(tool, {
      flags,
      name: path ?? (script === undefined ? tool.name : (operands.shift() ?? tool.name)),
      applets: applets(),
      isInteractive: flags.has("i") || (reads && stdin.isTerminal === true),
      firstLine: script === undefined ? 1 : 0,
    });
    shell.parameters = operands;
    return asProcess(shell, () => {
      if (script !== undefined) return runText(shell, script);
      return path === undefined ? runInput(shell) : runFile(shell, path);
    });
  };
}

interface Arguments {
  readonly flags: Set<string>;
  /** Of `-c`. */
  readonly script: string | undefined;
  /** Of a file with commands. */
  readonly path: string | undefined;
  readonly operands: string[];
}

function readArguments({ args }: Tool): Arguments {
  const flags = new Set<string>();
  const operands = [...(setFlags(flags, args) ?? [])];
  const script = flags.delete("c") ? (operands.shift() ?? "") : undefined;
  const isInput = flags.delete("s") || script !== undefined;
  return { flags, script, path: isInput ? undefined : operands.shift(), operands };
}

function createShell(
  tool: Tool,
  given: Pick<Shell, "flags" | "name" | "applets" | "isInteractive" | "firstLine">,
): Shell {
  const { context, streams } = tool;
  return {
    ...given,
    interpreter: INTERPRETER,
    source: "",
    breath: { atUs: context.kernel.monotonicUs() },
    context,
    streams,
    more: new Map(),
    pid: context.kernel.identity().hostPid,
    variables: firstVariables(context),
    functions: new Map(),
    parameters: [],
    status: 0,
    substituted: 0,
    isLeaf: false,
    at: 0,
    lastBackground: undefined,
    traps: new Map(),
    arrived: [],
    jobs: [],
    history: [],
    isTested: false,
    hidden: [],
    wake: () => undefined,
  };
}

function firstVariables({ env, kernel }: ProgramContext): Map<string, Variable> {
  const variables = new Map<string, Variable>();
  for (const each of env) {
    const [, name, value = ""] = /^([A-Za-z_]\w*)=(.*)$/s.exec(each) ?? [];
    if (name !== undefined) variables.set(name, { value, isExported: true, isReadonly: false });
  }
  const own = { isExported: false, isReadonly: false };
  if (!variables.has("PATH")) variables.set("PATH", { value: DEFAULT_PATH, ...own });
  variables.set("IFS", { value: " \t\n", ...own });
  variables.set("PWD", { value: workingDirectory(kernel), isExported: true, isReadonly: false });
  return variables;
}

function workingDirectory(kernel: ProgramContext["kernel"]): string {
  try {
    return kernel.readlink("/proc/self/cwd");
  } catch (error) {
    if (error instanceof KernelError && error.errno !== "ESRCH") return "/";
    throw error;
  }
}

async function runText(shell: Shell, text: string): Promise<number> {
  shell.source = text;
  return INTERPRETER.script(shell, parse(text));
}

async function runFile(shell: Shell, path: string): Promise<number> {
  try {
    return await runText(shell, shell.context.kernel.readText(path));
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    throw new ShellError(`can't open '${path}': ${errnoText(error.errno)}`);
  }
}

/** Reads commands until there are no more. */
async function runInput(shell: Shell): Promise<number> {
  const { isInteractive } = shell;
  if (isInteractive) listenToKeys(shell);
  for (;;) {
    const script = await readCommand(shell);
    if (script === undefined) break;
    try {
      await INTERPRETER.script(shell, script);
    } catch (error) {
      if (!isInteractive || !(await survives(shell, error))) throw error;
    }
  }
  if (isInteractive) await show(shell, "\n");
  return shell.status;
}

/** Ctrl-C ends what runs, and not the shell; Ctrl-\ and SIGTERM do not either. */
function listenToKeys(shell: Shell): void {
  const { context } = shell;
  for (const signal of ["SIGQUIT", "SIGTERM"]) context.onSignal(signal, () => undefined);
  context.onSignal("SIGINT", () => {
    shell.arrived.push("SIGINT");
    shell.wake();
  });
}

async function survives(shell: Shell, error: unknown): Promise<boolean> {
  if (error instanceof Jump && error.kind !== "exit") {
    shell.status = error.status;
    return true;
  }
  if (!(error instanceof ShellError)) return false;
  await complain(shell, error.message);
  shell.status = error.status;
  return true;
}

const show = ({ context, streams }: Shell, text: string): Promise<void> =>
  context.write(streams.stderr, new TextEncoder().encode(text));

/** Reads as many lines as one command needs. @returns undefined at the end */
async function readCommand(shell: Shell): Promise<ParsedScript | undefined> {
  shell.source = "";
  for (;;) {
    const line = await readPrompted(shell, shell.source === "" ? "PS1" : "PS2");
    if (line === "" && shell.source === "") return undefined;
    shell.source += line;
    const script = parse(shell.source);
    const isOpen = (script.errors ?? []).some(({ message }) =>
      /^(unterm|expected|unexp.*end)/.test(message),
    );
    const continues = /(^|[^\\])(\\\\)*\\\n$/.test(shell.source) || isHereDocOpen(script);
    if (line === "" || (!isOpen && !continues)) return script;
  }
}

/** Whether the text of a here-document is still to come. */
function isHereDocOpen(script: ParsedScript): boolean {
  return /"HereDoc"(?!.*"closing":\{)/s.test(JSON.stringify(script));
}

/** Prompts and reads a line; Ctrl-C brings a new prompt. */
async function readPrompted(shell: Shell, name: "PS1" | "PS2"): Promise<string> {
  if (!shell.isInteractive) return readLine(shell, shell.streams.stdin);
  await reportJobs(shell);
  const terminal = shell.context.terminal(shell.streams.stdin);
  if (terminal !== undefined) return readEdited(shell, terminal, name);
  await show(shell, promptOf(shell, name));
  shell.wake = () => {
    shell.arrived.length = 0;
    shell.source = "";
    void show(shell, `\n${firstPrompt(shell)}`);
  };
  const line = await readLine(shell, shell.streams.stdin);
  shell.wake = () => undefined;
  if (!shell.traps.has("SIGINT")) shell.arrived.length = 0;
  await runTraps(shell);
  return line;
}

/** Reads a line that is typed at a terminal; after Ctrl-C another one. */
async function readEdited(
  shell: Shell,
  terminal: ProgramTerminal,
  name: "PS1" | "PS2",
): Promise<string> {
  const { context, streams, history } = shell;
  const line = await editLine({
    nextByte: async () => (await context.read(streams.stdin, 1))[0],
    show: (text) => show(shell, text),
    terminal,
    prompt: promptOf(shell, name),
    history,
    complete: (before) => completeWord(shell, before),
  });
  if (line === "ended") return "";
  if (line === "interrupted") shell.arrived.push("SIGINT");
  // Without a trap, Ctrl-C ends what runs; here nothing does any more.
  if (!shell.traps.has("SIGINT")) shell.arrived.length = 0;
  await runTraps(shell);
  if (line === "interrupted") {
    shell.source = "";
    shell.status = INTERRUPTED;
    return readPrompted(shell, "PS1");
  }
  if (line.text.trim() !== "" && line.text !== history.at(-1)) history.push(line.text);
  return `${line.text}\n`;
}

async function reportJobs(shell: Shell): Promise<void> {
  const lines = jobLines(shell).filter((_, index) => shell.jobs[index]?.status !== undefined);
  if (lines.length > 0) await show(shell, lines.map((line) => `${line}\n`).join(""));
  shell.jobs = shell.jobs.filter(({ status }) => status === undefined);
}

function promptOf(shell: Shell, name: "PS1" | "PS2"): string {
  return name === "PS2" ? (valueOf(shell, name) ?? "> ") : firstPrompt(shell);
}

/** `/ # ` for root, `/ $ ` for others. */
function firstPrompt(shell: Shell): string {
  const text = valueOf(shell, "PS1") ?? "\\w \\$ ";
  const { effectiveUid } = shell.context.kernel.identity();
  const home = valueOf(shell, "HOME");
  const path = valueOf(shell, "PWD") ?? "/";
  const isHome = home !== undefined && home !== "/" && `${path}/`.startsWith(`${home}/`);
  return text
    .replaceAll("\\w", isHome ? `~${path.slice(home.length)}` : path)
    .replaceAll("\\$", effectiveUid === 0 ? "#" : "$")
    .replaceAll("\\h", shell.context.kernel.uname().nodename);
}
