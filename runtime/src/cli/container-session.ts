/**
 * Container session: attach, wait, start, in this order.
 *
 * A short-lived process may print and end before a client that starts first would have asked for
 * its output. So the client attaches, then asks to be told of the end, and only then starts:
 *
 *     POST attach   → 101, the stream is open
 *     POST wait     → 200 at once, the body comes at the end
 *     POST start    → 204
 *     stream ends   → the body of wait: the exit code
 *
 * Kernel interface: none; the daemon acts.
 * Specification: Docker Engine API v1.50, ContainerAttach, ContainerWait, ContainerStart.
 * Invariants: none.
 * Left out: checkpoints.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart, readText, type Api } from "./api.ts";
import type { Context } from "./command.ts";
import { Failure, messageOf } from "./failure.ts";
import { connectStreams, followSize, forwardSignals, type StreamEnd } from "./streams.ts";
import type { Connection } from "./transport.ts";

/** What to do with a container that exists. */
export interface Session {
  readonly id: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly detachKeys: string;
  readonly forwardsSignals: boolean;
  /** Whether the daemon removes it at the end: the end is waited for, too. */
  readonly autoRemove: boolean;
}

/** How a session ended. */
export type SessionEnd = { readonly exitCode: number } | { readonly detached: true };

/**
 * Attaches to a container, starts it and stays until it ends or is left.
 *
 * @throws Failure when it cannot be attached to or started; the caller knows the exit code
 */
export async function startAttached(context: Context, session: Session): Promise<SessionEnd> {
  const { console, api } = context;
  const stopForwarding = session.forwardsSignals
    ? forwardSignals(console, api, session.id)
    : () => undefined;
  try {
    const connection = await openAttachment(api, session);
    const streams = connectStreams(console, { ...session, connection });
    streams.catch(() => undefined);
    const condition = session.autoRemove ? "removed" : "next-exit";
    const exit = await waitForExit(api, session.id, condition);
    await startOrLeave(api, session, { connection, streams, exit: exit.code });
    const stopResizing = session.tty
      ? followSize(console, api, { kind: "containers", id: session.id })
      : () => undefined;
    const end = await streams.finally(stopResizing);
    return end === "detached" ? { detached: true } : { exitCode: await exit.code() };
  } finally {
    stopForwarding();
  }
}

interface Opened {
  readonly connection: Connection;
  readonly streams: Promise<StreamEnd>;
  readonly exit: () => Promise<number>;
}

async function startOrLeave(api: Api, session: Session, opened: Opened): Promise<void> {
  try {
    await startContainer(api, session.id);
  } catch (cause) {
    opened.connection.close();
    await opened.streams.catch(() => undefined);
    // A container that could not be started is removed all the same, and the user is told after.
    if (session.autoRemove) await opened.exit().catch(() => undefined);
    throw cause;
  }
}

/** Starts a container; starting one that runs is no error. */
export async function startContainer(api: Api, id: string): Promise<void> {
  await api.json<undefined>({ method: "POST", path: `/containers/${pathPart(id)}/start` });
}

/** Opens the streams of a container that may not run yet. */
export async function openAttachment(api: Api, session: Session): Promise<Connection> {
  const { connection } = await api.hijack({
    method: "POST",
    path: `/containers/${pathPart(session.id)}/attach`,
    query: {
      stream: true,
      stdin: session.stdin,
      stdout: session.stdout,
      stderr: session.stderr,
      detachKeys: session.detachKeys,
    },
  });
  return connection;
}

interface WaitAnswer {
  readonly StatusCode: number;
  readonly Error?: { readonly Message?: string } | null;
}

/**
 * Asks to be told of a container's end. Returns once the daemon has taken note.
 *
 * @returns a function that resolves with the exit code
 */
export async function waitForExit(
  api: Api,
  id: string,
  condition: "not-running" | "next-exit" | "removed",
): Promise<{ readonly code: () => Promise<number> }> {
  const response = await api.stream({
    method: "POST",
    path: `/containers/${pathPart(id)}/wait`,
    query: { condition },
  });
  const text = readText(response.body);
  text.catch(() => undefined);
  return {
    code: async () => {
      const answer = await text.then(parseWait).catch((cause: unknown) => {
        throw waitFailure(messageOf(cause), cause);
      });
      const problem = answer.Error?.Message ?? "";
      if (problem !== "") throw waitFailure(problem);
      return answer.StatusCode;
    },
  };
}

function parseWait(text: string): WaitAnswer {
  if (text === "") throw new Error("unexpected EOF");
  // The schema promises this shape.
  return JSON.parse(text) as WaitAnswer;
}

function waitFailure(problem: string, cause?: unknown): Failure {
  return new Failure({ message: `error waiting for container: ${problem}`, exitCode: 125, cause });
}
