/**
 * Keeper protocol, the keeper's side: what goes over <root>/keeper.sock.
 *
 * Every connection begins with one line of JSON that says what it is for, answered with one line.
 * One connection carries calls and events, as lines; each attached client and each follower of a
 * log has a connection of its own, so that a slow one holds up nobody else.
 *
 *     {"open":"calls","protocol":1}     ▶   ◀  {"ok":{}}
 *        {"call":7,"method":"start","args":[…]}       ▶   ◀  {"reply":7,"result":…} or "error":…
 *                                                     ◀  {"event":"exit","record":{...}}
 *     {"open":"attach","request":{…}}   ▶   ◀  {"ok":{}}   then  frames of stdin ▶  ◀ output
 *     {"open":"follow","id":"…"}        ▶   ◀  {"ok":{"offsetBytes":N}}   then  ◀ lines of the log
 *
 * An empty frame says that the client has no more stdin; the end of the connection, that it has
 * left.
 *
 * Kernel interface: none of its own.
 * Specification: none.
 * Invariants: see `connection.ts`, `wire/frames.ts`.
 * Left out: authentication: the socket's mode is 0600 in a directory of the engine's user.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { ErrorParts } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { BpfInstruction, ByteSink, JournalEntry } from "../kernel/index.ts";
import { createLineReader, encodeLine } from "./connection.ts";
import type { Connection, LineReader } from "./connection.ts";
import { createFrameReader } from "../wire/index.ts";
import { partsOf } from "./init-failure.ts";
import { StartError } from "./keeper.ts";
import type { AttachRequest, ExitRecord, Started } from "./keeper.ts";
import type { KeeperServer } from "./keeper-server.ts";
import { received } from "./lessons.ts";
import type { KnownPrograms, SentStart } from "./lessons.ts";
import type { HubClient } from "./stdio-hub.ts";

/** Raised when the two sides would no longer understand each other. */
export const KEEPER_PROTOCOL = 5;

/** The first line of a connection. */
export type Opening =
  | { readonly open: "calls"; readonly protocol: number }
  | { readonly open: "attach"; readonly request: AttachRequest }
  | {
      readonly open: "start";
      /** Of the connection of calls that taught the programs. */
      readonly session: number;
      readonly request: SentStart;
      readonly attach: AttachRequest;
    }
  | { readonly open: "follow"; readonly id: string };

/** The first line back. */
export type OpeningAnswer =
  | {
      readonly ok: {
        readonly offsetBytes?: number | null;
        readonly born?: string;
        readonly started?: Started;
        readonly session?: number;
      };
    }
  | Failed;

/** A failure as data; `journal` when init failed. */
export interface Failed {
  readonly error: ErrorParts;
  readonly journal?: readonly JournalEntry[];
}

/** One call, by its method. */
export type KeeperCall =
  | { readonly method: "start"; readonly args: readonly [SentStart] }
  | { readonly method: "learn"; readonly args: readonly [number, readonly BpfInstruction[]] }
  | { readonly method: "signal"; readonly args: readonly [string, string] }
  | { readonly method: "resize"; readonly args: readonly [string, number, number] }
  | { readonly method: "forget" | "takeJournal"; readonly args: readonly [string] }
  | { readonly method: "list" | "retire"; readonly args: readonly [] };

/** A call with its number. */
export type NumberedCall = KeeperCall & { readonly call: number };

/** What the keeper sends on a connection of calls. */
export type KeeperLine =
  | { readonly reply: number; readonly result: unknown }
  | ({ readonly reply: number } & Failed)
  | { readonly event: "exit"; readonly record: ExitRecord };

/** What each connection of calls has taught; a session's number never comes again. */
export class Lessons {
  readonly #bySession = new Map<number, KnownPrograms>();
  #last = 0;

  /** @returns the session's number and what it will have taught */
  open(): readonly [number, KnownPrograms] {
    const programs: KnownPrograms = new Map();
    this.#bySession.set(++this.#last, programs);
    return [this.#last, programs];
  }

  of(session: number): KnownPrograms {
    return this.#bySession.get(session) ?? new Map();
  }

  close(session: number): void {
    this.#bySession.delete(session);
  }
}

/** What serving needs besides the keeper. */
export interface ServeOptions {
  /** Shared by all connections. */
  readonly lessons: Lessons;
  /** A client asked the keeper to leave as soon as it is idle. */
  readonly onRetire: () => void;
  /** The connection has ended. */
  readonly onEnd: () => void;
}

/** What takes over a connection after its first line. */
interface Session {
  take(bytes: Uint8Array): void;
  end(): void;
}

/** Serves one connection until it ends. */
export function serveConnection(
  server: KeeperServer,
  connection: Connection,
  options: ServeOptions,
): void {
  const reader = createLineReader();
  let session: Session | undefined;
  connection.input.listen(
    (bytes) => {
      if (session !== undefined) {
        session.take(bytes);
        return;
      }
      const line = reader.pushForOne(bytes);
      if (line === undefined) return;
      session = openSession(server, connection, line, options);
      session.take(reader.rest());
    },
    () => {
      session?.end();
      connection.output.end();
      options.onEnd();
    },
  );
}

const REFUSED: Session = { take: () => undefined, end: () => undefined };

function openSession(
  server: KeeperServer,
  connection: Connection,
  line: string,
  options: ServeOptions,
): Session {
  try {
    // The other side is our own client; a stranger's line fails in the switch.
    const opening = JSON.parse(line) as Opening;
    switch (opening.open) {
      case "calls":
        return openCalls(server, connection.output, opening.protocol, options);
      case "attach":
        // The answer goes first: output may follow at once.
        connection.output.write(encodeLine({ ok: {} } satisfies OpeningAnswer));
        return lineOf(connection, server.attach(opening.request, connection.output));
      case "start":
        return openStart(server, connection, opening, options.lessons);
      case "follow":
        return openFollow(server, connection.output, opening.id);
      default:
        throw unknownOpening(line);
    }
  } catch (error) {
    connection.output.write(encodeLine(failedOf(error)));
    connection.output.end();
    return REFUSED;
  }
}

function openCalls(
  server: KeeperServer,
  output: ByteSink,
  protocol: number,
  { onRetire, lessons }: ServeOptions,
): Session {
  if (protocol !== KEEPER_PROTOCOL) throw wrongProtocol(protocol);
  const [number, programs] = lessons.open();
  output.write(encodeLine({ ok: { session: number } } satisfies OpeningAnswer));
  const send = (line: KeeperLine): void => void output.write(encodeLine(line));
  const stopListening = server.onExit((record) => send({ event: "exit", record }));
  const reader: LineReader = createLineReader();
  const session: CallSession = { server, onRetire, programs };
  return {
    take(bytes) {
      for (const text of reader.push(bytes)) {
        const call = JSON.parse(text) as NumberedCall; // written by keeper-client.ts
        void answerCall(session, call).then(send);
      }
    },
    end: () => {
      stopListening();
      lessons.close(number);
    },
  };
}

/** What the calls of one connection share. */
interface CallSession {
  readonly server: KeeperServer;
  readonly onRetire: () => void;
  readonly programs: KnownPrograms;
}

async function answerCall(session: CallSession, call: NumberedCall): Promise<KeeperLine> {
  try {
    const result = await performCall(session, call);
    return { reply: call.call, result: result ?? null };
  } catch (error) {
    return { reply: call.call, ...failedOf(error) };
  }
}

function performCall({ server, onRetire, programs }: CallSession, call: KeeperCall): unknown {
  switch (call.method) {
    case "start":
      return server.start(received(call.args[0], programs));
    case "learn":
      return void programs.set(...call.args);
    case "signal":
      return server.signal(...call.args);
    case "resize":
      return server.resize(...call.args);
    case "takeJournal":
      return server.takeJournal(...call.args);
    case "forget":
      return server.forget(...call.args);
    case "list":
      return server.list();
    case "retire":
      return onRetire();
  }
}

/** A start and its client, who is attached before anything that the process writes was read. */
function openStart(
  server: KeeperServer,
  connection: Connection,
  { session, request, attach }: Extract<Opening, { readonly open: "start" }>,
  lessons: Lessons,
): Session {
  const { output } = connection;
  let line: Session | undefined;
  let hasLeft = false;
  server.start(received(request, lessons.of(session))).then(
    (started) => {
      output.write(encodeLine({ ok: { started } } satisfies OpeningAnswer));
      line = lineOf(connection, server.attach(attach, output));
      if (hasLeft) line.end();
    },
    (error: unknown) => {
      output.write(encodeLine(failedOf(error)));
      output.end();
    },
  );
  return {
    // A client has nothing to say before it was answered.
    take: (bytes) => line?.take(bytes),
    end: () => {
      hasLeft = true;
      line?.end();
    },
  };
}

/** What comes from an attached client is its standard input. */
function lineOf({ input }: Connection, client: HubClient): Session {
  const decoder = createFrameReader();
  return {
    take(bytes) {
      let isFull = false;
      for (const { payload } of decoder.push(bytes)) {
        if (payload.length === 0) client.input.end();
        else isFull = !client.input.write(payload) || isFull;
      }
      if (!isFull) return;
      input.pause();
      void client.input.drained().then(() => input.resume());
    },
    end: () => client.detach(),
  };
}

function openFollow(server: KeeperServer, output: ByteSink, id: string): Session {
  // Nothing is sent to the sink before this function returns, so the answer goes first.
  const following = server.followLog(id, output);
  const answer: OpeningAnswer = {
    ok: { offsetBytes: following?.offsetBytes ?? null, born: following?.born ?? "" },
  };
  output.write(encodeLine(answer));
  if (following === undefined) output.end();
  return { take: () => undefined, end: () => following?.leave() };
}

function failedOf(error: unknown): Failed {
  if (error instanceof StartError) return { error: partsOf(error), journal: error.journal };
  if (error instanceof RuntimeError) return { error: partsOf(error) };
  const errno = error instanceof KernelError ? error.errno : undefined;
  const text = error instanceof Error ? error.message : String(error);
  return {
    error: { code: "keeper-failed", class: "internal", message: `Keeper failed: ${text}`, errno },
  };
}

function unknownOpening(line: string): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message: `not a line of the keeper's protocol: ${line.slice(0, 80)}`,
    operation: "serve keeper",
  });
}

function wrongProtocol(protocol: number): RuntimeError {
  return new RuntimeError({
    code: "keeper-unavailable",
    class: "unavailable",
    message: `the running keeper speaks protocol ${KEEPER_PROTOCOL}, not ${protocol}`,
    operation: "connect to the keeper",
    hint: "It is of another version of drydock: stop all containers, then it leaves.",
  });
}
