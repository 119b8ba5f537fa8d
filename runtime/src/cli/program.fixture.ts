/**
 * Program fixture: the commands run in memory, against an API that a test writes down.
 *
 * @module
 */
import { main, type ApiRequest, type Connection, type Console, type Transport } from "./index.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An answer of the API: JSON or text, or bytes of a hijacked stream. */
export interface Reply {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  /** For hijacking: what the daemon sends. */
  readonly stream?: readonly Uint8Array[];
  /** Resolves before the answer's body ends. */
  readonly after?: Promise<unknown>;
}

/** A request as a test looks at it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What the API answers to a request. */
export type Api = (asked: Asked) => Reply | undefined;

/** How a command line went. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly asked: readonly Asked[];
  /** What was sent on hijacked connections. */
  readonly sent: string;
}

/** What the user's side is like. */
export interface User {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly input?: readonly string[];
  readonly terminal?: { readonly rows: number; readonly columns: number };
  readonly nowMs?: number;
  /** Called with the signal listener when the command subscribes. */
  readonly onSignal?: (send: (signal: string) => void) => void;
}

/** Runs one command line in memory. */
export async function runCommandLine(
  words: readonly string[],
  api: Api,
  user: User = {},
): Promise<Ran> {
  const written = { out: "", err: "" };
  const asked: Asked[] = [];
  const sent: Uint8Array[] = [];
  const transport = transportOf(api, asked, sent);
  const console = consoleOf(user, written);
  const code = await main({ console, connect: () => transport }, words);
  return { code, ...written, asked, sent: sent.map((bytes) => decoder.decode(bytes)).join("") };
}

function transportOf(api: Api, asked: Asked[], sent: Uint8Array[]): Transport {
  const answer = (request: ApiRequest): Reply => {
    const [path = "", query = ""] = request.path.split("?");
    const one: Asked = {
      method: request.method,
      path: path.replace(/^\/v[\d.]+/, ""),
      query: Object.fromEntries(new URLSearchParams(query)),
      body: request.body === undefined ? undefined : JSON.parse(decoder.decode(request.body)),
    };
    asked.push(one);
    return api(one) ?? { status: 404, json: { message: `No such thing: ${one.path}` } };
  };
  const responseOf = (reply: Reply) => ({
    status: reply.status ?? 200,
    headers: {},
    body: bodyOf(reply),
  });
  return {
    request: async (request) => {
      const reply = answer(request);
      // What answers HEAD has no body.
      const { text: _text, json: _json, ...head } = reply;
      return responseOf(request.method === "HEAD" ? head : reply);
    },
    hijack: async (request) => {
      const reply = answer(request);
      if (reply.stream === undefined) return { response: responseOf(reply) };
      return { connection: connectionOf(reply, sent), mediaType: undefined };
    },
  };
}

async function* bodyOf(reply: Reply): AsyncGenerator<Uint8Array> {
  await reply.after;
  const text = reply.text ?? (reply.json === undefined ? "" : JSON.stringify(reply.json));
  if (text !== "") yield encoder.encode(text);
}

function connectionOf(reply: Reply, sent: Uint8Array[]): Connection {
  let close = (): void => undefined;
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const output = async function* (): AsyncGenerator<Uint8Array> {
    await Promise.race([reply.after, closed]);
    yield* reply.stream ?? [];
  };
  return {
    output: output(),
    write: async (bytes) => {
      sent.push(bytes);
    },
    closeWrite: () => {
      sent.push(encoder.encode("<EOF>"));
    },
    close,
  };
}

function consoleOf(user: User, written: { out: string; err: string }): Console {
  const outputOf = (name: "out" | "err") => ({
    isTerminal: user.terminal !== undefined,
    write: (data: string | Uint8Array) => {
      written[name] += typeof data === "string" ? data : decoder.decode(data);
    },
    drained: async () => undefined,
  });
  const files = new Map(Object.entries(user.files ?? {}));
  return {
    env: user.env ?? {},
    out: outputOf("out"),
    err: outputOf("err"),
    inputIsTerminal: user.terminal !== undefined,
    input: async function* () {
      for (const text of user.input ?? []) yield encoder.encode(text);
    },
    enterRawMode: async () => {
      written.err += "<raw>";
      return () => {
        written.err += "<restored>";
      };
    },
    size: () => user.terminal,
    onResize: () => () => undefined,
    onSignal: (listener) => {
      user.onSignal?.(listener);
      return () => undefined;
    },
    nowMs: () => user.nowMs ?? 0,
    sleep: async () => undefined,
    files: {
      read: (path) => {
        const text = files.get(path);
        if (text === undefined) throw new Error(`open ${path}: no such file or directory`);
        return text;
      },
      exists: (path) => files.has(path),
      write: (path, text) => void files.set(path, text),
      remove: (path) => void files.delete(path),
      kindOf: (path) => (files.has(path) ? false : undefined),
      stream: async function* (path) {
        yield encoder.encode(files.get(path) ?? "");
      },
      save: async (path, bytes) => {
        let text = "";
        for await (const piece of bytes) text += decoder.decode(piece);
        files.set(path, text);
      },
      pack: async function* (path) {
        yield encoder.encode(`packed ${path}`);
      },
      unpack: async (archive) => {
        let length = 0;
        for await (const piece of archive) length += piece.length;
        return length;
      },
      absolute: (path) => `/home/me/${path.replace(/^\.\//, "")}`,
    },
  };
}

/** One frame of a stream without a terminal. */
export function frame(stream: "stdout" | "stderr", text: string): Uint8Array {
  const bytes = encoder.encode(text);
  const whole = new Uint8Array(8 + bytes.length);
  whole[0] = stream === "stdout" ? 1 : 2;
  new DataView(whole.buffer).setUint32(4, bytes.length);
  whole.set(bytes, 8);
  return whole;
}
