/**
 * Streams: the user's terminal on one side, the container's on the other.
 *
 * With a terminal in the container the user's own terminal becomes raw: keys go through unchanged,
 * the container's line discipline echoes them and turns Ctrl-C into SIGINT. Without one, output
 * comes in frames and is told apart again. End of input closes only our half of the connection; the
 * output goes on until the daemon ends it. Whatever happens, the terminal gets its mode back.
 *
 * Kernel interface: termios(3), shutdown(2), TIOCSWINSZ through the API's resize.
 * Specification: Docker Engine API v1.50, "Attach to a container".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart, type Api } from "./api.ts";
import type { Console, Undo } from "./console.ts";
import { Failure, messageOf } from "./failure.ts";
import { createFrameReader, detachFilter, parseDetachKeys } from "../wire/index.ts";
import type { Connection } from "./transport.ts";

/** What to connect. */
export interface StreamWish {
  readonly connection: Connection;
  /** Whether the process has a terminal: raw bytes then, frames otherwise. */
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Empty for the default. */
  readonly detachKeys: string;
}

/** How it ended: the daemon closed the stream, or the user left it. */
export type StreamEnd = "closed" | "detached";

/**
 * Connects the user's streams with a connection and waits for the end.
 *
 * @throws Error when the connection breaks
 */
export async function connectStreams(console: Console, wish: StreamWish): Promise<StreamEnd> {
  const isRaw = wish.tty && wish.stdin && console.inputIsTerminal;
  const restore = isRaw ? await console.enterRawMode() : () => undefined;
  try {
    const output = copyOutput(console, wish);
    const input: Promise<StreamEnd | "sent"> = wish.stdin
      ? copyInput(console, wish, isRaw)
      : closeInput(wish.connection);
    // A failure of the input shows at the output too; end of input is not the end.
    const first = await Promise.race([output, input.catch(() => "sent" as const)]);
    if (first === "closed" || first === "detached") return first;
    return wish.stdout || wish.stderr ? await output : "closed";
  } finally {
    restore();
    wish.connection.close();
  }
}

async function closeInput(connection: Connection): Promise<"sent"> {
  connection.closeWrite();
  return await Promise.resolve("sent");
}

async function copyOutput(console: Console, wish: StreamWish): Promise<"closed"> {
  await copyFrames(console, wish.connection.output, wish.tty);
  return "closed";
}

/** Copies bytes to standard output, as fast as it takes them. */
export async function copyBytes(
  console: Console,
  source: AsyncIterable<Uint8Array>,
): Promise<void> {
  for await (const bytes of source) {
    console.out.write(bytes);
    await console.out.drained();
  }
}

/**
 * Copies what the daemon sends to standard output and standard error.
 *
 * @param raw whether it is one stream, without frames
 */
export async function copyFrames(
  console: Console,
  source: AsyncIterable<Uint8Array>,
  raw: boolean,
): Promise<void> {
  if (raw) return copyBytes(console, source);
  const reader = createFrameReader();
  for await (const chunk of source) {
    for (const { stream, payload } of reader.push(chunk)) {
      if (stream === "system") throw systemFailure(payload);
      const target = stream === "stderr" ? console.err : console.out;
      target.write(payload);
      await target.drained();
    }
  }
}

function systemFailure(bytes: Uint8Array): Failure {
  const message = `error from daemon in stream: ${new TextDecoder().decode(bytes)}`;
  return new Failure({ message, exitCode: 1 });
}

async function copyInput(
  console: Console,
  { connection, detachKeys }: StreamWish,
  isRaw: boolean,
): Promise<"sent" | "detached"> {
  const filter = isRaw ? detachFilter(detachSequence(detachKeys)) : undefined;
  for await (const chunk of console.input()) {
    const { bytes, detached } = filter?.(chunk) ?? { bytes: chunk, detached: false };
    if (bytes.length > 0) await connection.write(bytes);
    if (detached) return "detached";
  }
  connection.closeWrite();
  return "sent";
}

/** An unusable sequence is replaced by the default, as Docker does. */
function detachSequence(text: string): readonly number[] {
  try {
    return parseDetachKeys(text);
  } catch {
    return parseDetachKeys("");
  }
}

/**
 * Refuses to give a container a terminal when its input would come from none.
 *
 * @throws Failure with exit code 1
 */
export function checkTerminal(
  console: Console,
  wanted: { readonly stdin: boolean; readonly tty: boolean },
): void {
  if (!wanted.stdin || !wanted.tty || console.inputIsTerminal) return;
  throw new Failure({
    message: "the input device is not a TTY",
    exitCode: 1,
    hint: "-t asks for a terminal, but standard input is a file or a pipe: leave out -t.",
  });
}

/** What has a terminal that can be resized. */
export interface Resizable {
  readonly kind: "containers" | "exec";
  readonly id: string;
}

/** Gives a container's terminal the size of the user's, now and whenever that changes. */
export function followSize(console: Console, api: Api, target: Resizable): Undo {
  let ended = false;
  const resize = async (attempts: number): Promise<void> => {
    const size = console.size();
    if (size === undefined || ended || size.rows === 0) return;
    try {
      await api.json<undefined>({
        method: "POST",
        path: `/${target.kind}/${pathPart(target.id)}/resize`,
        query: { h: size.rows, w: size.columns },
      });
    } catch (cause) {
      // The process may not have its terminal yet; a size that never arrives is no reason to end.
      if (!(cause instanceof Error) || attempts <= 0) return;
      await console.sleep(10);
      await resize(attempts - 1);
    }
  };
  void resize(10);
  const unsubscribe = console.onResize(() => void resize(0));
  return () => {
    ended = true;
    unsubscribe();
  };
}

const NOT_FORWARDED = new Set(["SIGCHLD", "SIGPIPE", "SIGURG"]);

/** After so many requests to end, the next one ends this program whatever the container does. */
const PATIENCE = 2;

/** Sends the signals that this program gets to the container's first process instead. */
export function forwardSignals(console: Console, api: Api, id: string): Undo {
  let endings = 0;
  const undo = console.onSignal((signal) => {
    if (NOT_FORWARDED.has(signal)) return;
    if (signal === "SIGINT" || signal === "SIGTERM") endings += 1;
    if (endings === PATIENCE) undo();
    const path = `/containers/${pathPart(id)}/kill`;
    api.json<undefined>({ method: "POST", path, query: { signal } }).catch((cause: unknown) => {
      // Before its start and after its end a container takes no signal; nobody waits for this.
      if (console.env["DRYDOCK_DEBUG"])
        console.err.write(`signal ${signal}: ${messageOf(cause)}\n`);
    });
  });
  return undo;
}
