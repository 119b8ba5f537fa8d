/**
 * Builtins: commands that change the shell itself.
 *
 * Kernel interface: chdir(2), umask(2), wait(2), read(2).
 * Specification: POSIX.1-2017, Shell Command Language, 2.14 "Special Built-In Utilities".
 * Invariants: none.
 * Left out: alias, getopts, ulimit, times, fg and bg.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { parse } from "unbash";
import { cleanPath } from "../../../clean-path.ts";
import { KernelError } from "../../../port.ts";
import { errnoText } from "../errno-text.ts";
import { programNames } from "../programs.ts";
import { jobs, wait } from "./jobs.ts";
import { read } from "./read.ts";
import { assign, complain, Jump, ShellError, valueOf, type Shell } from "./shell.ts";
import { setTrap } from "./traps.ts";

/** A builtin. @returns its status */
export type Builtin = (shell: Shell, args: readonly string[]) => number | Promise<number>;

/** Those whose assignments stay and whose errors end a shell that is not interactive. */
export const SPECIAL_BUILTINS =
  ": . break continue eval exec exit export readonly return set shift trap unset".split(" ");

/** As wide as the terminal of a small page. */
const HELP_COLUMNS = 60;

/** The builtins by name; `exec` and `command` belong to the running of commands. */
export const BUILTINS: Readonly<Record<string, Builtin>> = {
  ":": () => 0,
  ".": source,
  source,
  break: (_, [count = "1"]) => leave("break", count),
  continue: (_, [count = "1"]) => leave("continue", count),
  cd,
  command: describe,
  type: describe,
  eval: (shell, args) => runText(shell, args.join(" ")),
  exit: (shell, [status]) => {
    throw new Jump("exit", status === undefined ? shell.status : Number(status) & 0xff);
  },
  help,
  history: (shell) => {
    const lines = shell.history.map((line, index) => `${String(index).padStart(5)} ${line}`);
    return say(shell, lines);
  },
  export: (shell, args) => declare(shell, args, "isExported"),
  readonly: (shell, args) => declare(shell, args, "isReadonly"),
  jobs,
  let: (shell, args) => runText(shell, args.map((each) => `((${each}))`).join("\n")),
  local,
  pwd: (shell) => say(shell, [valueOf(shell, "PWD") ?? "/"]),
  read,
  return: (shell, [status]) => {
    throw new Jump("return", status === undefined ? shell.status : Number(status) & 0xff);
  },
  set,
  shift: (shell, [count = "1"]) => {
    if (Number(count) > shell.parameters.length) return 1;
    shell.parameters = shell.parameters.slice(Number(count));
    return 0;
  },
  trap,
  umask: (shell, [mask]) => umask(shell, mask),
  unset,
  wait,
};

async function say({ context, streams }: Shell, lines: readonly string[]): Promise<number> {
  const text = lines.map((line) => `${line}\n`).join("");
  await context.write(streams.stdout, new TextEncoder().encode(text));
  return 0;
}

/** `help`: what can be typed. */
function help(shell: Shell): Promise<number> {
  const own = Object.keys(BUILTINS).toSorted();
  const programs = programNames(shell.context.kernel, valueOf(shell, "PATH"));
  const others = programs.filter((name) => !own.includes(name)).toSorted();
  return say(shell, [
    "Built-in commands:",
    ...wrapped(own),
    "Programs in PATH:",
    ...wrapped(others),
    "Tab completes, the arrow keys bring lines back, Ctrl-C ends what runs.",
  ]);
}

/** Words as indented lines that fit a narrow terminal. */
function wrapped(words: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const line = `${lines.at(-1) ?? " "} ${word}`;
    if (lines.length > 0 && line.length <= HELP_COLUMNS) lines[lines.length - 1] = line;
    else lines.push(`  ${word}`);
  }
  return lines;
}

function leave(kind: "break" | "continue", count: string): never {
  throw new Jump(kind, 0, Number(count));
}

/** Runs a text as if it stood here. */
async function runText(shell: Shell, text: string): Promise<number> {
  const { source: before } = shell;
  shell.source = text;
  shell.status = 0;
  try {
    return await shell.interpreter.script(shell, parse(text));
  } finally {
    shell.source = before;
  }
}

async function source(shell: Shell, [path = ""]: readonly string[]): Promise<number> {
  const { kernel } = shell.context;
  try {
    return await runText(shell, kernel.readText(path));
  } catch (error) {
    if (error instanceof Jump && error.kind === "return") return error.status;
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    throw new ShellError(`.: can't open '${path}': ${errnoText(error.errno)}`);
  }
}

async function cd(shell: Shell, args: readonly string[]): Promise<number> {
  const [path = valueOf(shell, "HOME") ?? "/"] = args.filter((each) => !/^-[LP]$/.test(each));
  const before = valueOf(shell, "PWD") ?? "/";
  const target = path === "-" ? (valueOf(shell, "OLDPWD") ?? before) : path;
  if (!(await enter(shell, target))) return 2;
  const now = cleanPath(target.startsWith("/") ? target : `${before}/${target}`);
  assign(shell, "OLDPWD", before);
  assign(shell, "PWD", now);
  if (path !== "-") return 0;
  await shell.context.write(shell.streams.stdout, new TextEncoder().encode(`${now}\n`));
  return 0;
}

async function enter(shell: Shell, path: string): Promise<boolean> {
  try {
    shell.context.kernel.chdir(path);
    return true;
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    await complain(shell, `can't cd to ${path}: ${errnoText(error.errno)}`, "cd");
    return false;
  }
}

async function declare(
  shell: Shell,
  args: readonly string[],
  mark: "isExported" | "isReadonly",
): Promise<number> {
  const names = args.filter((each) => each !== "-p" && each !== "--");
  if (names.length === 0) return list(shell, mark);
  for (const each of names) {
    const [, name = "", , value] = /^([^=]*)(=(.*))?$/s.exec(each) ?? [];
    checkName(name);
    if (value !== undefined) assign(shell, name, value);
    const variable = shell.variables.get(name);
    if (variable !== undefined) shell.variables.set(name, { ...variable, [mark]: true });
  }
  return 0;
}

function checkName(name: string): void {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw new ShellError(`${name}: bad variable name`);
}

async function list(shell: Shell, mark: "isExported" | "isReadonly"): Promise<number> {
  const word = mark === "isExported" ? "export" : "readonly";
  const text = [...shell.variables]
    .filter(([, variable]) => variable[mark])
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { value }]) => `${word} ${name}=${inQuotes(value)}\n`);
  await shell.context.write(shell.streams.stdout, new TextEncoder().encode(text.join("")));
  return 0;
}

const inQuotes = (text: string): string => `'${text.replaceAll("'", `'"'"'`)}'`;

function local(shell: Shell, args: readonly string[]): number {
  const frame = shell.hidden.at(-1);
  if (frame === undefined) throw new ShellError("local: not in a function");
  for (const each of args) {
    const [, name = "", , value] = /^([^=]*)(=(.*))?$/s.exec(each) ?? [];
    checkName(name);
    if (!frame.has(name)) frame.set(name, shell.variables.get(name));
    if (value !== undefined) assign(shell, name, value);
  }
  return 0;
}

async function set(shell: Shell, args: readonly string[]): Promise<number> {
  if (args.length === 0) {
    const lines = [...shell.variables]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { value }]) => `${name}=${inQuotes(value)}\n`);
    await shell.context.write(shell.streams.stdout, new TextEncoder().encode(lines.join("")));
    return 0;
  }
  const rest = setFlags(shell.flags, args);
  if (rest !== undefined) shell.parameters = rest;
  return 0;
}

const LONG_FLAGS: Readonly<Record<string, string>> = {
  errexit: "e",
  nounset: "u",
  xtrace: "x",
  noglob: "f",
  noclobber: "C",
  allexport: "a",
  pipefail: "p",
};

/** Sets flags as `set` and `sh` take them. @returns what remains, or undefined when nothing does */
export function setFlags(
  flags: Set<string>,
  args: readonly string[],
): readonly string[] | undefined {
  const rest = [...args];
  for (let word = rest[0]; word !== undefined && /^[-+]/.test(word); [word] = rest) {
    rest.shift();
    if (word === "--") return rest;
    if (word === "-") break;
    const named = (): string => LONG_FLAGS[rest.shift() ?? ""] ?? "";
    for (const letter of word.slice(1)) {
      const flag = letter === "o" ? named() : letter;
      flags[word.startsWith("-") ? "add" : "delete"](flag);
    }
  }
  return rest.length === 0 ? undefined : rest;
}

async function trap(shell: Shell, args: readonly string[]): Promise<number> {
  const given = args[0] === "--" ? args.slice(1) : args;
  const [words = "", ...signals] = given;
  if (given.length === 0) {
    const lines = [...shell.traps].map(
      ([name, text]) => `trap -- ${inQuotes(text)} ${name.replace(/^SIG/, "")}\n`,
    );
    await shell.context.write(shell.streams.stdout, new TextEncoder().encode(lines.join("")));
    return 0;
  }
  if (signals.length === 0) setTrap(shell, "-", [words]);
  else setTrap(shell, words, signals);
  return 0;
}

async function umask(shell: Shell, mask: string | undefined): Promise<number> {
  const { kernel } = shell.context;
  if (mask !== undefined) {
    kernel.umask(Number.parseInt(mask, 8));
    return 0;
  }
  const [, text = "0022"] = /^Umask:\t(\d+)$/m.exec(kernel.readText("/proc/self/status")) ?? [];
  await shell.context.write(shell.streams.stdout, new TextEncoder().encode(`${text}\n`));
  return 0;
}

function unset(shell: Shell, args: readonly string[]): number {
  const names = args.filter((each) => !/^-[fv]$/.test(each));
  for (const name of names) {
    if (args.includes("-f")) shell.functions.delete(name);
    else if (shell.variables.get(name)?.isReadonly === true) {
      throw new ShellError(`unset: ${name}: is read only`);
    } else shell.variables.delete(name);
  }
  return 0;
}

/** `type NAME` and `command -v NAME` */
async function describe(shell: Shell, args: readonly string[]): Promise<number> {
  const isShort = args[0] === "-v";
  let status = 0;
  for (const name of args.filter((each) => !/^-[vVp]$/.test(each))) {
    const { text, isFound } = shell.interpreter.describe(shell, name, isShort);
    if (!isFound) status = 127;
    if (text !== "") {
      await shell.context.write(shell.streams.stdout, new TextEncoder().encode(`${text}\n`));
    }
  }
  return status;
}
