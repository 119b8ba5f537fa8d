/**
 * Tool: what a command of the userland works with.
 *
 * A command is a function of its arguments and its streams, and speaks to nothing but its kernel.
 * What goes wrong is told as busybox tells it: the command's name, what it was about, and the C
 * library's words for the errno.
 *
 * Kernel interface: read(2), write(2), strerror(3).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: the help that busybox prints for wrong options, locales.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { concatBytes } from "../../bytes.ts";
import { KernelError } from "../../port.ts";
import type { ProgramContext, Source, Streams } from "../state.ts";
import { errnoText } from "./errno-text.ts";

/** What a command is given. */
export interface Tool {
  readonly context: ProgramContext;
  readonly kernel: ProgramContext["kernel"];
  /** Its own, or those that a shell gives to a command that it runs in its own process. */
  readonly streams: Streams;
  readonly name: string;
  /** Whose name stands before messages: a shell's own, for what it runs inside. */
  readonly speaker: string;
  readonly args: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
}

/** A command. @returns its exit code */
export type Applet = (tool: Tool) => number | Promise<number>;

/** Ends a command with a message. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;

  /** @param message what comes behind the command's name @param exitCode 1 as a rule */
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Makes a tool of a command line. */
export function toolOf(
  context: ProgramContext,
  streams: Streams,
  [path = "", ...args]: readonly string[],
  env: readonly string[],
): Tool {
  const name = path.split("/").pop() ?? path;
  return { context, kernel: context.kernel, streams, name, speaker: name, args, env };
}

/** Runs a command, and tells what went wrong. */
export async function runApplet(applet: Applet, tool: Tool): Promise<number> {
  try {
    return await applet(tool);
  } catch (error) {
    if (error instanceof Failure) {
      await complain(tool, error.message);
      return error.exitCode;
    }
    if (!(error instanceof KernelError)) throw error;
    await complain(tool, `${error.subject}: ${errnoText(error.errno)}`);
    return 1;
  }
}

const encoder = new TextEncoder();

/** Writes to standard output. */
export function say(tool: Tool, what: string | Uint8Array): Promise<void> {
  const bytes = typeof what === "string" ? encoder.encode(what) : what;
  if (bytes.length === 0) return Promise.resolve();
  return tool.context.write(tool.streams.stdout, bytes).catch((error: unknown) => {
    if (error instanceof KernelError && error.errno !== "ESRCH") {
      throw new Failure(`write error: ${errnoText(error.errno)}`);
    }
    throw error;
  });
}

/** Writes lines to standard output. */
export function sayLines(tool: Tool, lines: readonly string[]): Promise<void> {
  return say(tool, lines.map((line) => `${line}\n`).join(""));
}

/** Writes a message to standard error, behind the command's name. */
export function complain(tool: Tool, message: string): Promise<void> {
  const bytes = encoder.encode(`${tool.speaker}: ${message}\n`);
  return tool.context.write(tool.streams.stderr, bytes);
}

/**
 * Does one thing for each of several, tells of each what went wrong, and goes on.
 *
 * @param about what the message says before the errno @returns 1 when something went wrong
 */
export async function forEach<T>(
  tool: Tool,
  things: readonly T[],
  about: (thing: T) => string,
  body: (thing: T) => void | Promise<void>,
): Promise<number> {
  let exitCode = 0;
  for (const thing of things) {
    try {
      await body(thing);
    } catch (error) {
      const isTold = error instanceof Failure;
      if (!isTold && (!(error instanceof KernelError) || error.errno === "ESRCH")) throw error;
      await complain(tool, isTold ? error.message : `${about(thing)}: ${errnoText(error.errno)}`);
      exitCode = 1;
    }
  }
  return exitCode;
}

const CHUNK_BYTES = 65_536;

/** Opens a file, or standard input for `-`. */
export function open(tool: Tool, path: string): Source {
  return path === "-" ? tool.streams.stdin : tool.context.openSource(path);
}

/** What comes from a stream, piece by piece. */
export async function* chunks(tool: Tool, from: Source): AsyncGenerator<Uint8Array> {
  for (;;) {
    const bytes = await tool.context.read(from, CHUNK_BYTES);
    if (bytes.length === 0) return;
    yield bytes;
  }
}

/** What comes from a stream, line by line, each with its newline if it has one. */
export async function* lines(tool: Tool, from: Source): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of chunks(tool, from)) {
    const pieces = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = pieces.pop() ?? "";
    for (const piece of pieces) yield `${piece}\n`;
  }
  if (rest !== "") yield rest;
}

/** No machine of the model has more memory than this, whatever the cgroups allow. */
const MEMORY_BYTES = 2 ** 28;

/** All that comes from a stream; while it grows, the command holds as much memory. */
export async function readAll(tool: Tool, from: Source): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let held = 0;
  for await (const bytes of chunks(tool, from)) {
    if (held + bytes.length > MEMORY_BYTES) throw new Failure("out of memory");
    tool.context.useMemory(bytes.length);
    held += bytes.length;
    pieces.push(bytes);
  }
  const all = concatBytes(pieces);
  tool.context.useMemory(-held);
  return all;
}

/** The value of an environment variable. */
export function variable(tool: Pick<Tool, "env">, name: string): string | undefined {
  const found = tool.env.find((each) => each.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}
