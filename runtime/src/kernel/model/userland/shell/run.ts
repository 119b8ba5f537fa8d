/**
 * Run: carries out what the parser read.
 *
 * A builtin runs in the shell's own process. Everything else is fork(2) and execve(2), as in any
 * shell: so each command has its own pid, and inherits the namespaces and the cgroup of the shell.
 *
 * Kernel interface: fork(2), execve(2), wait(2), pipe(2).
 * Specification: POSIX.1-2017, Shell Command Language, 2.9 "Shell Commands".
 * Invariants: none; ../userland.test.ts compares with the busybox of the machine.
 * Left out: `select`, coprocesses, `[[ … ]]` but as another word for test, `time`.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { AndOr, CommandNode, ParsedScript, Pipeline, PipelineNode, Statement } from "unbash";
import type { Forked } from "../../state.ts";
import { runCompound } from "./compound.ts";
import { expanderOf, forkChecked, tested, waitFor } from "./processes.ts";
import { redirect, RedirectError } from "./redirect.ts";
import { complain, Jump, ShellError, type Interpreter, type Shell } from "./shell.ts";
import { describeCommand, runSimple } from "./simple.ts";
import { runTraps } from "./traps.ts";

/** Runs commands one after the other. @returns the status of the last */
async function runList(shell: Shell, list: readonly Statement[]): Promise<number> {
  for (const each of list) {
    await breathe(shell);
    await runTraps(shell);
    if (each.background === true) startInBackground(shell, each);
    else await runStatement(shell, each.command);
  }
  return shell.status;
}

/** Runs a script that was parsed. @throws ShellError when it cannot be understood */
function runScript(shell: Shell, script: ParsedScript): Promise<number> {
  const [error] = script.errors ?? [];
  if (error !== undefined) throw new ShellError(syntaxError(error.message));
  return runList(shell, script.commands);
}

/** The words of the parser in those of ash. */
function syntaxError(message: string): string {
  const [, token] = /^unexpected token '(.*)'$/s.exec(message) ?? [];
  if (token !== undefined) return `syntax error: unexpected "${token}"`;
  if (/^unterminated .*quote/.test(message)) return "syntax error: unterminated quoted string";
  const [, missing] = /^expected '([^']*)'/.exec(message) ?? [];
  if (missing === undefined) return `syntax error: ${message}`;
  return `syntax error: unexpected end of file (expecting "${missing}")`;
}

/** A loop that never waits would let nobody else run: now and then timers have their turn. */
async function breathe({ context, breath }: Shell): Promise<void> {
  const { kernel } = context;
  const nowUs = kernel.monotonicUs();
  if (nowUs - breath.atUs < TURN_US) return;
  breath.atUs = nowUs;
  await new Promise<void>((resolve) => {
    kernel.after(0, resolve);
  });
}

const TURN_US = 8000;

/** Runs what one line says, and leaves the shell if it failed under `set -e`. */
async function runStatement(shell: Shell, command: PipelineNode | AndOr): Promise<void> {
  shell.status =
    command.type === "AndOr"
      ? await runAndOr(shell, command)
      : await runPipelineNode(shell, command);
  const isNegated = command.type === "Pipeline" && command.prefixes.length > 0;
  const isLast = command.type !== "AndOr" && !isNegated;
  if (isLast) checkFailure(shell);
}

function checkFailure(shell: Shell): void {
  if (shell.status !== 0 && shell.flags.has("e") && !shell.isTested) {
    throw new Jump("exit", shell.status);
  }
}

async function runAndOr(shell: Shell, { commands, operators }: AndOr): Promise<number> {
  for (const [index, command] of commands.entries()) {
    const operator = operators[index - 1];
    const isSkipped =
      (operator === "&&" && shell.status !== 0) || (operator === "||" && shell.status === 0);
    if (isSkipped) continue;
    const isLast = index === commands.length - 1;
    const run = (): Promise<number> => runPipelineNode(shell, command);
    shell.status = isLast ? await run() : await tested(shell, run);
    if (isLast && !(command.type === "Pipeline" && command.prefixes.length > 0))
      checkFailure(shell);
  }
  return shell.status;
}

async function runPipelineNode(shell: Shell, node: PipelineNode): Promise<number> {
  if (node.type !== "Pipeline") return runCommand(shell, node);
  const negations = node.prefixes.filter(({ type }) => type === "Negation").length;
  if (negations === 0) return runPipeline(shell, node);
  const status = await tested(shell, () => runPipeline(shell, node));
  return negations % 2 === 0 ? status : status === 0 ? 1 : 0;
}

/** Each command of a pipeline is a process of its own. */
async function runPipeline(shell: Shell, { commands, operators }: Pipeline): Promise<number> {
  const [only] = commands;
  if (commands.length === 1 && only !== undefined) return runCommand(shell, only);
  const children: Forked[] = [];
  let { stdin } = shell.streams;
  for (const [index, command] of commands.entries()) {
    const operator = operators[index];
    const { source, sink } = shell.context.pipe();
    const isLast = operator === undefined;
    const stdout = isLast ? shell.streams.stdout : sink;
    const stderr = operator === "|&" ? sink : shell.streams.stderr;
    const streams = { stdin, stdout, stderr };
    children.push(
      forkChecked(shell, streams, (child) => {
        child.isLeaf = command.type === "Command";
        return runCommand(child, command);
      }),
    );
    stdin = source;
  }
  const codes = await Promise.all(children.map((child) => waitFor(shell, child)));
  return codes.at(-1) ?? 0;
}

/** Nobody waits for it; a shell of scripts gives it no input and keeps Ctrl-C from it. */
function startInBackground(shell: Shell, { command, pos, end }: Statement): void {
  const nothing = shell.context.pipe();
  nothing.sink.end();
  const streams = { ...shell.streams, stdin: nothing.source };
  const child = forkChecked(shell, streams, async (own) => {
    own.context.onSignal("SIGINT", "ignore");
    own.context.onSignal("SIGQUIT", "ignore");
    own.isLeaf = command.type === "Command";
    await runStatement(own, command);
    return own.status;
  });
  shell.lastBackground = child.pid;
  shell.status = 0;
  const number = Math.max(0, ...shell.jobs.map((job) => job.number)) + 1;
  const text = shell.source.slice(pos, end).replace(/\s*&$/, "");
  const job = { number, pid: child.pid, text, exited: child.exited, status: undefined };
  shell.jobs = [...shell.jobs, job];
  void child.exited.then((status) => {
    shell.jobs = shell.jobs.map((each) => (each.pid === child.pid ? { ...each, status } : each));
  });
}

/** Runs one command, whatever it is made of. */
async function runCommand(shell: Shell, command: CommandNode): Promise<number> {
  try {
    if (command.type === "Command") return await runSimple(shell, command);
    if (command.type !== "Redirected") return await runCompound(shell, command);
    const open = await redirect(expanderOf(shell), command.redirects);
    const before = { streams: shell.streams, more: shell.more };
    Object.assign(shell, open);
    try {
      return await runCompound(shell, command.command);
    } finally {
      Object.assign(shell, before);
    }
  } catch (error) {
    // A redirection that fails is the failure of its command alone.
    if (!(error instanceof RedirectError)) throw error;
    await complain(shell, error.message);
    return error.status;
  }
}

/** What runs commands. */
export const INTERPRETER: Interpreter = {
  list: runList,
  command: runCommand,
  script: runScript,
  describe: describeCommand,
};
