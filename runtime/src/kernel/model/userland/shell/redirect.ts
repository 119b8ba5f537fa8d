/**
 * Redirect: where a command reads and writes.
 *
 * Kernel interface: open(2), dup2(2), pipe(2).
 * Specification: POSIX.1-2017, Shell Command Language, 2.7 "Redirection".
 * Invariants: none.
 * Left out: files that are read and written at once (`<>` only reads).
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { HereDoc, HereString, Redirect, Redirection } from "unbash";
import { KernelError } from "../../../port.ts";
import type { Sink, Source, Streams } from "../../state.ts";
import { errnoText } from "../errno-text.ts";
import type { Expander } from "./pieces.ts";
import { ShellError, type Shell } from "./shell.ts";
import { expandHereDoc, expandText } from "./words.ts";

/** All that a command has open. */
export interface Open {
  readonly streams: Streams;
  readonly more: ReadonlyMap<number, Source | Sink>;
}

/** A redirection that failed: the command does not run, and the shell goes on with status 1. */
export class RedirectError extends ShellError {}

type Table = Map<number, Source | Sink>;

/** Follows redirections, from left to right. @throws RedirectError */
export async function redirect(
  expander: Expander,
  redirections: readonly Redirection[],
): Promise<Open> {
  const { streams, more } = expander.shell;
  if (redirections.length === 0) return { streams, more };
  const table: Table = new Map([
    ...more,
    [0, streams.stdin],
    [1, streams.stdout],
    [2, streams.stderr],
  ]);
  for (const each of redirections) {
    if (each.type === "Redirect") await follow(expander, table, each);
    else table.set(descriptorOf(each, 0), await heldText(expander, each));
  }
  return openOf(expander.shell, table);
}

function openOf({ context }: Shell, table: Table): Open {
  const none = context.pipe();
  none.sink.end();
  const stdin = table.get(0) ?? none.source;
  const stdout = table.get(1) ?? context.openSink("/dev/null", "existing");
  const stderr = table.get(2) ?? context.openSink("/dev/null", "existing");
  for (const number of [0, 1, 2]) table.delete(number);
  // What is read from descriptor 1 or written to 0 is nonsense, and reads or writes nothing.
  return {
    streams: {
      stdin: isSource(stdin) ? stdin : none.source,
      stdout: isSource(stdout) ? none.sink : stdout,
      stderr: isSource(stderr) ? none.sink : stderr,
    },
    more: table,
  };
}

const isSource = (end: Source | Sink): end is Source => "read" in end;

function descriptorOf({ descriptor }: Redirection, otherwise: number): number {
  return descriptor?.type === "FileDescriptor" ? descriptor.value : otherwise;
}

async function heldText(expander: Expander, from: HereDoc | HereString): Promise<Source> {
  const text =
    from.type === "HereDoc"
      ? await expandHereDoc(expander, from)
      : `${await expandText(expander, from.target)}\n`;
  const { source, sink } = expander.shell.context.pipe();
  sink.write(new TextEncoder().encode(text));
  sink.end();
  return source;
}

async function follow(expander: Expander, table: Table, { operator, ...rest }: Redirect) {
  const target = await expandText(expander, rest.target);
  const number = descriptorOf({ operator, ...rest }, operator.startsWith("<") ? 0 : 1);
  if (operator === "<&" || (operator === ">&" && /^(\d+|-)$/.test(target))) {
    duplicate(table, number, target);
    return;
  }
  const isBoth = operator.startsWith("&") || operator === ">&";
  const opened = openTarget(expander.shell, operator, target);
  table.set(isBoth ? 1 : number, opened);
  if (isBoth) table.set(2, opened);
}

function duplicate(table: Table, number: number, target: string): void {
  if (target === "-") {
    table.delete(number);
    return;
  }
  const found = table.get(Number(target));
  if (found === undefined) throw new RedirectError(`${target}: Bad file descriptor`, 1);
  table.set(number, found);
}

function openTarget(shell: Shell, operator: string, path: string): Source | Sink {
  try {
    return openBy(shell, operator, path);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    throw refusal(error, path, operator.startsWith("<") ? "open" : "create");
  }
}

function openBy({ context, flags }: Shell, operator: string, path: string): Source | Sink {
  if (operator.startsWith("<")) return context.openSource(path);
  if (operator.endsWith(">>")) return context.openSink(path, "append");
  return context.openSink(path, flags.has("C") && operator === ">" ? "exclusive" : "create");
}

function refusal({ errno }: KernelError, path: string, verb: "open" | "create"): RedirectError {
  const missing = verb === "open" ? "no such file" : "nonexistent directory";
  return new RedirectError(
    `can't ${verb} ${path}: ${errno === "ENOENT" ? missing : errnoText(errno)}`,
    1,
  );
}
