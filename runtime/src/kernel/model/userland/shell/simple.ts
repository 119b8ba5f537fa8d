/**
 * Simple: one command with its words: a function, a builtin, or a program.
 *
 * A program is looked for in the directories of PATH, in the mount namespace of the process that
 * will run it.
 *
 * Kernel interface: fork(2), execve(2).
 * Specification: POSIX.1-2017, Shell Command Language, 2.9.1 "Simple Commands".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Assignment, Command, Word } from "unbash";
import { KernelError } from "../../../port.ts";
import { errnoText } from "../errno-text.ts";
import { findProgram } from "../programs.ts";
import { runApplet, toolOf } from "../tool.ts";
import { BUILTINS, SPECIAL_BUILTINS } from "./builtins.ts";
import { expanderOf, forkChecked, waitFor } from "./processes.ts";
import { redirect, RedirectError, type Open } from "./redirect.ts";
import {
  assign,
  complain,
  environment,
  Jump,
  ShellError,
  valueOf,
  type Interpreter,
  type Shell,
  type Variable,
} from "./shell.ts";
import { expandText, expandWords } from "./words.ts";

/** Commands that a shell runs without a process, though they are programs too. */
const APPLETS_INSIDE = ["echo", "printf", "test", "[", "[[", "true", "false", "kill"];
const DECLARATIONS = ["export", "readonly", "local"];

/** Runs one command. @returns its status */
export async function runSimple(shell: Shell, command: Command): Promise<number> {
  const expander = expanderOf(shell);
  shell.at = command.pos;
  const words = command.name === undefined ? [] : [command.name];
  const isDeclaration = DECLARATIONS.includes(command.name?.value ?? "");
  const argv = [
    ...(await expandWords(expander, words)),
    ...(await expandArguments(shell, command, isDeclaration)),
  ];
  const assignments = command.prefix.filter((each) => each.type === "Assignment");
  if (shell.flags.has("x") && argv.length > 0) await trace(shell, argv);
  if (argv.length === 0) return assignOnly(shell, command, assignments);
  const open = await redirect(expander, command.redirects).catch((error: unknown) => {
    const isFatal = SPECIAL_BUILTINS.includes(argv[0] ?? "") && !shell.isInteractive;
    if (!(error instanceof RedirectError) || !isFatal) throw error;
    throw new ShellError(error.message, error.status);
  });
  const values = await valuesOf(shell, assignments);
  return run(shell, { argv, values, open });
}

async function trace(shell: Shell, argv: readonly string[]): Promise<void> {
  const text = `${valueOf(shell, "PS4") ?? "+ "}${argv.map(shown).join(" ")}\n`;
  await shell.context.write(shell.streams.stderr, new TextEncoder().encode(text));
}

const shown = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

async function expandArguments(
  shell: Shell,
  command: Command,
  isDeclaration: boolean,
): Promise<readonly string[]> {
  const expander = expanderOf(shell);
  const all: string[] = [];
  for (const each of command.args) {
    if (each.type === "Word") all.push(...(await expandWords(expander, [each])));
    else if (isDeclaration) all.push(`${each.name}=${await valueOfAssignment(shell, each)}`);
    else all.push(...(await expandWords(expander, [asWord(each)])));
  }
  return all;
}

/** `a=b` as an argument of a command that declares nothing. */
function asWord({ text, name, value, pos, end }: Assignment): Word {
  const rest = value.type === "Word" ? value : { text: "", value: "", parts: undefined };
  const before = text.slice(0, text.length - rest.text.length);
  const literal = { type: "Literal", text: before, value: `${name}=`, pos, end } as const;
  const parts = rest.parts ?? [{ type: "Literal", text: rest.text, value: rest.value, pos, end }];
  return { type: "Word", text, value: text, pos, end, parts: [literal, ...parts] };
}

async function valueOfAssignment(shell: Shell, { value, name, append }: Assignment) {
  if (value.type !== "Word") throw new ShellError('syntax error: unexpected "("');
  const text = await expandText(expanderOf(shell), value);
  return append === true ? `${valueOf(shell, name) ?? ""}${text}` : text;
}

type Values = readonly (readonly [string, string])[];

async function valuesOf(shell: Shell, assignments: readonly Assignment[]): Promise<Values> {
  const values: (readonly [string, string])[] = [];
  for (const each of assignments) values.push([each.name, await valueOfAssignment(shell, each)]);
  return values;
}

async function assignOnly(
  shell: Shell,
  command: Command,
  assignments: readonly Assignment[],
): Promise<number> {
  shell.substituted = 0;
  for (const each of assignments) {
    assign(shell, each.name, await valueOfAssignment(shell, each));
  }
  await redirect(expanderOf(shell), command.redirects);
  return shell.substituted;
}

interface Invocation {
  readonly argv: readonly string[];
  readonly values: Values;
  readonly open: Open;
  readonly skipsFunctions?: boolean;
  /** The builtin in whose name it is said that there is no such program. */
  readonly said?: string;
}

async function run(shell: Shell, invocation: Invocation): Promise<number> {
  const { argv, open } = invocation;
  const [name = "", ...args] = argv;
  const rest = { ...invocation, argv: args };
  if (name === "exec") return exec(shell, { ...rest, said: "exec" });
  if (/^command( [^-]|$)/.test(argv.join(" "))) {
    return run(shell, { ...rest, skipsFunctions: true });
  }
  const body = functionOf(shell, invocation);
  const { isLeaf } = shell;
  shell.isLeaf = false;
  if (body === undefined && !isInside(name)) {
    return isLeaf ? exec(shell, invocation) : runProgram(shell, invocation);
  }
  const before = assignFor(shell, invocation, body !== undefined);
  const streams = { streams: shell.streams, more: shell.more };
  Object.assign(shell, open);
  try {
    if (body !== undefined) return await callFunction(shell, args, body);
    return await runHere(shell, argv);
  } finally {
    Object.assign(shell, streams);
    restore(shell, before);
  }
}

type FunctionBody = ReturnType<Shell["functions"]["get"]>;

function functionOf(shell: Shell, { argv, skipsFunctions }: Invocation): FunctionBody {
  return skipsFunctions === true ? undefined : shell.functions.get(argv[0] ?? "");
}

/** Whether the shell does it in its own process. */
const isInside = (name: string): boolean =>
  Object.hasOwn(BUILTINS, name) || APPLETS_INSIDE.includes(name);

/** Assigns for one command. @returns what to restore: nothing behind a special builtin */
function assignFor(shell: Shell, { argv, values }: Invocation, isFunction: boolean): Hidden {
  const stays = !isFunction && SPECIAL_BUILTINS.includes(argv[0] ?? "");
  const before = stays ? [] : hide(shell, values);
  for (const [key, value] of values) assign(shell, key, value);
  return before;
}

function runHere(shell: Shell, argv: readonly string[]): Promise<number> | number {
  const [name = "", ...args] = argv;
  const builtin = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
  if (builtin !== undefined) return builtin(shell, args);
  const applet = shell.applets[name];
  if (applet === undefined) return 127;
  const tool = toolOf(shell.context, shell.streams, argv, environment(shell));
  return runApplet(applet, { ...tool, speaker: shell.name });
}

type Hidden = readonly (readonly [string, Variable | undefined])[];

function hide({ variables }: Shell, values: Values): Hidden {
  return values.map(([name]) => [name, variables.get(name)] as const);
}

function restore({ variables }: Shell, before: Hidden): void {
  for (const [name, variable] of before) {
    if (variable === undefined) variables.delete(name);
    else variables.set(name, variable);
  }
}

async function callFunction(
  shell: Shell,
  args: readonly string[],
  body: NonNullable<FunctionBody>,
): Promise<number> {
  const { parameters } = shell;
  shell.parameters = args;
  shell.hidden.push(new Map());
  try {
    if (body.type !== "CompoundList") return await shell.interpreter.command(shell, body);
    return await shell.interpreter.list(shell, body.commands);
  } catch (error) {
    if (!(error instanceof Jump) || error.kind !== "return") throw error;
    return error.status;
  } finally {
    shell.parameters = parameters;
    restore(shell, [...(shell.hidden.pop() ?? [])]);
  }
}

/** fork(2) and execve(2). */
function runProgram(shell: Shell, invocation: Invocation): Promise<number> {
  const child = forkChecked(shell, invocation.open.streams, async (own) => {
    own.streams = invocation.open.streams;
    for (const [name, value] of invocation.values) assignExported(own, name, value);
    return become(own, invocation.argv);
  });
  return waitFor(shell, child);
}

function assignExported({ variables }: Shell, name: string, value: string): void {
  variables.set(name, { value, isExported: true, isReadonly: false });
}

/** `exec`: the shell becomes the program, or only takes over the redirections. */
async function exec(shell: Shell, { argv, values, open, said }: Invocation): Promise<number> {
  Object.assign(shell, open);
  if (argv.length === 0) return 0;
  for (const [name, value] of values) assignExported(shell, name, value);
  const status = await become(shell, argv, said);
  if (shell.isInteractive) return status;
  throw new Jump("exit", status);
}

/** Becomes a program. @returns only when it cannot: 126 or 127 */
async function become(shell: Shell, argv: readonly string[], said?: string): Promise<number> {
  const [name = ""] = argv;
  const { context, streams } = shell;
  const path = findProgram(context.kernel, name, valueOf(shell, "PATH"));
  if (path === undefined) {
    await complain(shell, `${name}: not found`, said);
    return 127;
  }
  try {
    return await context.exec({ path, argv, env: environment(shell) }, streams);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    if (error.errno === "ENOEXEC") return runAsScript(shell, path, argv);
    const isMissing = error.errno === "ENOENT";
    await complain(shell, `${name}: ${isMissing ? "not found" : errnoText(error.errno)}`, said);
    return isMissing ? 127 : 126;
  }
}

/** A file that no kernel understands is a script for this shell. */
async function runAsScript(shell: Shell, path: string, argv: readonly string[]): Promise<number> {
  const { context, streams } = shell;
  const words = ["sh", path, ...argv.slice(1)];
  return context.exec({ path: "/proc/self/exe", argv: words, env: environment(shell) }, streams);
}

/** What a name would run: `type` and `command -v`. */
export const describeCommand: Interpreter["describe"] = (shell, name, isShort) => {
  const said = (what: string, short = name): { text: string; isFound: boolean } => ({
    text: isShort ? short : `${name} is ${what}`,
    isFound: true,
  });
  if (shell.functions.has(name)) return said("a function");
  if (SPECIAL_BUILTINS.includes(name)) return said("a special shell builtin");
  if (Object.hasOwn(BUILTINS, name) || APPLETS_INSIDE.includes(name)) {
    return said("a shell builtin");
  }
  const path = findProgram(shell.context.kernel, name, valueOf(shell, "PATH"));
  if (path !== undefined) return said(path, path);
  return { text: isShort ? "" : `${name}: not found`, isFound: false };
};
