/**
 * Keeper client: the keeper as the engine sees it, over connections.
 *
 * Kernel interface: none of its own.
 * Specification: `keeper-protocol.ts`.
 * Invariants: none of its own; `keeper-protocol.test.ts` runs it against the server.
 * Left out: reconnecting: whoever hears `onLost` asks for a new keeper.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { streamOfSource } from "./byte-streams.ts";
import { createLineReader, encodeLine } from "./connection.ts";
import type { Connect, Connection, LineReader } from "./connection.ts";
import { StartError } from "./keeper.ts";
import type { Attached, ExitRecord, FollowedLog, Keeper } from "./keeper.ts";
import { KEEPER_PROTOCOL } from "./keeper-protocol.ts";
import type { Failed, KeeperCall, KeeperLine, Opening, OpeningAnswer } from "./keeper-protocol.ts";
import { Teacher } from "./lessons.ts";

/** A keeper in another process: it can be asked to leave. */
export type RemoteKeeper = Keeper & {
  /** The keeper exits as soon as it keeps nothing and nobody is connected. */
  retire(): Promise<void>;
};

/**
 * Connects to a keeper.
 *
 * @param connect makes one connection; is called again for each attached client
 * @param connectLater the same in a moment, for one that nobody waits for
 * @throws RuntimeError keeper-unavailable
 */
export async function connectKeeper(
  connect: Connect,
  connectLater: Connect = connect,
): Promise<RemoteKeeper> {
  const calls = await openCalls(connect);
  // Each method's result is what the server's method of that name returns: `keeper-protocol.ts`.
  const ask = <T>(call: KeeperCall): Promise<T> => calls.ask(call) as Promise<T>;
  const spare = new SpareConnection(connect, connectLater);
  const teacher = new Teacher((number, program) =>
    ask({ method: "learn", args: [number, program] }),
  );
  const opening = new Set<Promise<unknown>>();
  const untilSettled = async (opened: Promise<unknown>): Promise<void> => {
    opening.add(opened);
    await Promise.allSettled([opened]);
    opening.delete(opened);
  };
  calls.lostListeners.add(() => spare.close());
  return {
    start: async (request) => {
      // Who attached before it must see the process from its first byte on.
      if (opening.size > 0) await Promise.allSettled(opening);
      return ask({ method: "start", args: [teacher.shortened(request)] });
    },
    startAttached: (request, streams, lastWords) => {
      const attach = { id: request.id, ...streams };
      const attaching = openStream(
        async () => {
          await teacher.learned;
          return spare.take();
        },
        { open: "start", session: calls.session, request: teacher.shortened(request), attach },
        { lastWords, onOver: () => spare.prepare() },
      );
      const started = attaching.opened.then(({ answer }) => {
        if (answer.ok.started === undefined) throw lost();
        return answer.ok.started;
      });
      return { line: attachTo(attaching), started };
    },
    takeJournal: (id) => ask({ method: "takeJournal", args: [id] }),
    signal: (id, signal) => ask({ method: "signal", args: [id, signal] }),
    resize: (id, rows, columns) => ask({ method: "resize", args: [id, rows, columns] }),
    list: () => ask({ method: "list", args: [] }),
    forget: (id) => ask({ method: "forget", args: [id] }),
    retire: () => ask({ method: "retire", args: [] }),
    attach: async (request) => {
      const attaching = openStream(connect, { open: "attach", request });
      void untilSettled(attaching.opened);
      return attachTo(attaching);
    },
    followLog: (id) => followLog(connect, id),
    onExit: (listener) => void calls.exitListeners.add(listener),
    onLost: (listener) => void calls.lostListeners.add(listener),
    close: () => {
      spare.close();
      calls.close();
    },
  };
}

/**
 * A connection that was made beforehand: it takes its time after somebody was served, not before,
 * and not while a short process runs, whose end would have to wait for it.
 */
class SpareConnection {
  readonly #connect: Connect;
  readonly #connectLater: Connect;
  #ready: Connection | undefined;
  #isComing = false;
  #isClosed = false;

  constructor(connect: Connect, connectLater: Connect) {
    this.#connect = connect;
    this.#connectLater = connectLater;
  }

  async take(): Promise<Connection> {
    const ready = this.#ready;
    this.#ready = undefined;
    return ready ?? this.#connect();
  }

  prepare(): void {
    if (this.#isClosed || this.#isComing || this.#ready !== undefined) return;
    this.#isComing = true;
    this.#connectLater().then(
      (connection) => {
        this.#isComing = false;
        if (this.#isClosed) connection.close();
        else this.#ready = connection;
      },
      // Who needs one tries again, and hears why there is none.
      () => (this.#isComing = false),
    );
  }

  /** Somebody may still be served; nobody will be after that. */
  close(): void {
    this.#isClosed = true;
    this.#ready?.close();
  }
}

interface Calls {
  ask(call: KeeperCall): Promise<unknown>;
  readonly exitListeners: Set<(record: ExitRecord) => void>;
  readonly lostListeners: Set<() => void>;
  /** The keeper's number for this connection. */
  readonly session: number;
  close(): void;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

async function openCalls(connect: Connect): Promise<Calls> {
  const waiting = new Map<number, Waiting>();
  const exitListeners = new Set<(record: ExitRecord) => void>();
  const lostListeners = new Set<() => void>();
  const state = { calls: 0, isClosed: false, isLost: false };
  const reader = createLineReader();
  const onLine = (text: string): void => {
    const line = JSON.parse(text) as KeeperLine; // written by keeper-protocol.ts
    if ("event" in line) {
      for (const listener of exitListeners) listener(line.record);
      return;
    }
    const caller = waiting.get(line.reply);
    waiting.delete(line.reply);
    if ("error" in line) caller?.reject(errorOf(line));
    else caller?.resolve(line.result);
  };
  const onEnd = (): void => {
    state.isLost = true;
    for (const { reject } of waiting.values()) reject(lost());
    waiting.clear();
    if (!state.isClosed) for (const listener of lostListeners) listener();
  };
  const { connection, answer } = await open(
    connect,
    { open: "calls", protocol: KEEPER_PROTOCOL },
    (bytes) => reader.push(bytes).forEach(onLine),
    onEnd,
  );
  return {
    ask: (call) =>
      new Promise((resolve, reject) => {
        if (state.isLost) {
          reject(lost());
          return;
        }
        const number = ++state.calls;
        waiting.set(number, { resolve, reject });
        connection.output.write(encodeLine({ ...call, call: number }));
      }),
    exitListeners,
    lostListeners,
    session: answer.ok.session ?? 0,
    close() {
      state.isClosed = true;
      connection.close();
    },
  };
}

interface Opened {
  readonly connection: Connection;
  readonly answer: Exclude<OpeningAnswer, Failed>;
}

type OnData = (bytes: Uint8Array) => void;

/** Opens a connection for a purpose; `onData` gets what follows the answer. */
async function open(
  connect: Connect,
  opening: Opening,
  onData: OnData,
  onEnd: () => void,
): Promise<Opened> {
  const connection = await connect();
  const reader: LineReader = createLineReader();
  let isOpen = false;
  return new Promise((resolve, reject) => {
    const onAnswer = (line: string): void => {
      const answer = JSON.parse(line) as OpeningAnswer; // written by keeper-protocol.ts
      if ("error" in answer) {
        reject(errorOf(answer));
        connection.close();
        return;
      }
      isOpen = true;
      resolve({ connection, answer });
      const rest = reader.rest();
      if (rest.length > 0) onData(rest);
    };
    connection.input.listen(
      (bytes) => {
        if (isOpen) {
          onData(bytes);
          return;
        }
        const line = reader.pushForOne(bytes);
        if (line !== undefined) onAnswer(line);
      },
      () => {
        if (isOpen) onEnd();
        else reject(lost());
      },
    );
    connection.output.write(encodeLine(opening));
  });
}

/** A connection whose data is a stream, which can be read before the connection stands. */
interface OpeningStream {
  readonly opened: Promise<Opened>;
  readonly stream: ReadableStream<Uint8Array>;
  readonly close: () => void;
}

/** What somebody wants to do at the end of a stream. */
interface StreamEnd {
  /** What it says when it cannot be opened. */
  readonly lastWords?: () => Promise<Uint8Array>;
  /** Called when nothing more will come. */
  readonly onOver?: () => void;
}

/** Opens a connection whose data is a stream; when it cannot be opened, the stream ends. */
function openStream(
  connect: Connect,
  opening: Opening,
  { lastWords, onOver }: StreamEnd = {},
): OpeningStream {
  // The stream and the connection need each other: the stream is asked for its listeners first.
  const later: { connection?: Connection; onData?: OnData; onEnd?: () => void } = {};
  let isClosed = false;
  const close = (): void => {
    isClosed = true;
    later.connection?.close();
  };
  const end = (): void => {
    later.onEnd?.();
    onOver?.();
  };
  const stream = streamOfSource(
    {
      listen: (onData, onEnd) => void Object.assign(later, { onData, onEnd }),
      pause: () => later.connection?.input.pause(),
      resume: () => later.connection?.input.resume(),
    },
    close,
  );
  const opened = open(connect, opening, (bytes) => later.onData?.(bytes), end);
  opened.then(
    ({ connection }) => {
      later.connection = connection;
      if (isClosed) connection.close();
    },
    async () => {
      if (lastWords !== undefined) later.onData?.(await lastWords());
      end();
    },
  );
  return { opened, stream, close };
}

/** The line of an attached client, at once: what is written waits for the connection. */
function attachTo({ opened, stream, close }: OpeningStream): Attached {
  return {
    output: stream,
    write: async (bytes) => {
      // An empty frame would mean the end.
      if (bytes.length === 0) return;
      const { output } = (await opened).connection;
      if (!output.writeFrame("stdin", bytes)) await output.drained();
    },
    endInput: () => {
      const end = ({ connection }: Opened): void => {
        connection.output.writeFrame("stdin", new Uint8Array(0));
      };
      opened.then(end, () => undefined);
    },
    detach: close,
  };
}

async function followLog(connect: Connect, id: string): Promise<FollowedLog> {
  const { opened, stream } = openStream(connect, { open: "follow", id });
  const { answer } = await opened;
  const { offsetBytes, born = "" } = answer.ok;
  return { offsetBytes: offsetBytes ?? Infinity, born, entries: stream };
}

function errorOf({ error, journal }: Failed): RuntimeError {
  return journal === undefined ? new RuntimeError(error) : new StartError(error, journal);
}

function lost(): RuntimeError {
  return new RuntimeError({
    code: "keeper-unavailable",
    class: "unavailable",
    message: "the keeper is gone, and every process that it kept",
    operation: "ask the keeper",
    errno: "ECONNRESET",
    hint: "The next request starts a new one; containers have to be started again.",
  });
}
