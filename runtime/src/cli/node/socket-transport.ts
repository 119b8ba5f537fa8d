/**
 * Socket transport: HTTP over a unix socket, or over TCP with or without encryption.
 *
 * One connection for each request: on a unix socket a connection costs less than keeping track of
 * one. Reading stops while nobody takes what was read, so that a long log does not fill the memory.
 *
 * Kernel interface: socket(2), connect(2), shutdown(2).
 * Specification: Docker Engine API v1.50, "Attach to a container".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { connect as connectSocket, isIP } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import { ConnectionError, createAnswerReader, encodeRequest } from "../index.ts";
import type { ApiRequest, ApiResponse, Connection } from "../index.ts";
import type { ClientTls, Endpoint, HttpEvent, Transport } from "../index.ts";

/** The name that requests over a unix socket give their server; it is not looked at. */
const NO_HOST = "api.drydock";

/** Above this many bytes that nobody has taken, reading pauses. */
const READ_AHEAD = 1 << 20;

/**
 * Opens a transport to a daemon.
 *
 * @param endpoint its host is "unix:///path", "tcp://name:port", "http://name:port" or
 *   "ssh://user@name"
 */
export function connect(endpoint: Endpoint): Transport {
  return {
    request: async (wanted) => responseOf(await send(endpoint, wanted, false)),
    hijack: async (wanted) => {
      const answer = await send(endpoint, wanted, true);
      if (answer.status !== 101) return { response: responseOf(answer) };
      return { connection: connectionOf(answer), mediaType: answer.headers["content-type"] };
    },
    dial: async () => {
      const socket = await open(endpoint);
      const body = createBody(socket);
      socket.on("data", (chunk: Uint8Array) => body.push(chunk));
      socket.on("end", () => body.end());
      socket.on("error", (cause) => body.fail(connectionError(cause)));
      socket.on("close", () => body.end());
      return connectionOf({ socket, body });
    },
  };
}

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

/** The ports that are registered for Docker, without and with encryption. */
const [PLAIN_PORT, TLS_PORT] = [2375, 2376];

function placeOf({ host, tls }: Endpoint): Place {
  if (host.startsWith("unix://")) return { path: host.slice("unix://".length) };
  if (host.startsWith("/")) return { path: host };
  const form = /^(?:tcp|https?):\/\/([^:/]+|\[[^\]]+\])(?::(\d+))?\/?$/;
  const [, name, port] = form.exec(host) ?? [];
  if (name === undefined) throw new Error(`unable to parse docker host \`${host}\``);
  const standard = tls === undefined ? PLAIN_PORT : TLS_PORT;
  return { host: name.replace(/^\[|\]$/g, ""), port: Number(port ?? standard) };
}

/** A socket that is connecting. What a client has no more to say does not end the answer. */
async function open(endpoint: Endpoint): Promise<Duplex> {
  if (endpoint.host.startsWith("ssh://")) {
    return (await import("./ssh-dial.ts")).dialSsh(endpoint.host);
  }
  const place = placeOf(endpoint);
  if (endpoint.tls === undefined || "path" in place) {
    return connectSocket({ ...place, allowHalfOpen: true });
  }
  const { connect: connectTls } = await import("node:tls");
  const options = { ...place, ...tlsOptions(endpoint.tls), allowHalfOpen: true };
  // Names are sent so that a server can choose its certificate; an address is no name.
  return connectTls(isIP(place.host) === 0 ? { ...options, servername: place.host } : options);
}

function tlsOptions({ ca, cert, key, verify }: ClientTls): ConnectionOptions {
  return { ca, cert, key, rejectUnauthorized: verify, minVersion: "TLSv1.2" };
}

/** An answer whose head is there and whose body is still coming. */
interface Answer {
  readonly status: number;
  readonly headers: ApiResponse["headers"];
  readonly socket: Duplex;
  readonly body: Body;
}

/** Sends a request and resolves with the head of its answer. */
async function send(endpoint: Endpoint, wanted: ApiRequest, upgrade: boolean): Promise<Answer> {
  const socket = await open(endpoint);
  wanted.signal?.addEventListener("abort", () => socket.destroy(), { once: true });
  return new Promise((resolve, reject) => {
    const reader = createAnswerReader(wanted.method);
    const body = createBody(socket);
    let isAnswered = false;
    const take = (read: () => readonly HttpEvent[]): void => {
      try {
        for (const event of read()) {
          isAnswered = true;
          if (event.kind === "head") resolve({ ...event, socket, body });
          else if (event.kind === "body") body.push(event.bytes);
          else endAnswer();
        }
      } catch (cause) {
        fail(cause);
      }
    };
    const endAnswer = (): void => {
      body.end();
      socket.destroy();
    };
    const fail = (cause: unknown): void => {
      const error = connectionError(cause);
      reject(error);
      body.fail(error);
      socket.destroy();
    };
    socket.on("data", (chunk) => take(() => reader.push(chunk)));
    socket.on("end", () => {
      if (isAnswered) take(() => reader.close());
      else fail(new ConnectionError("ECONNRESET", "the connection was closed without an answer"));
    });
    socket.on("error", fail);
    socket.on("close", () => {
      // Closed by us: whoever was reading is done.
      body.end();
      reject(new ConnectionError("ECONNRESET", "the connection was closed"));
    });
    socket.write(encodeRequest(wanted, wanted.headers["host"] ?? NO_HOST, upgrade));
    if (wanted.upload !== undefined) void upload(socket, wanted.upload).catch(fail);
  });
}

/** Sends a body in chunks, as fast as the daemon takes them. */
async function upload(socket: Duplex, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) {
    // An answer before the end of the body is a refusal: the rest is not wanted.
    if (socket.destroyed) return;
    if (piece.length === 0) continue;
    socket.write(`${piece.length.toString(16)}\r\n`);
    socket.write(piece);
    if (!socket.write("\r\n")) await drained(socket);
  }
  socket.write("0\r\n\r\n");
}

function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.once("drain", done);
    socket.once("close", done);
  });
}

function responseOf({ status, headers, body }: Answer): ApiResponse {
  return { status, headers, body };
}

function connectionOf({ socket, body }: Pick<Answer, "socket" | "body">): Connection {
  return {
    output: body,
    write: (bytes) =>
      new Promise((resolve) => {
        socket.write(bytes, () => resolve());
      }),
    closeWrite: () => socket.end(),
    close: () => socket.destroy(),
  };
}

/** Bytes on their way from the socket to whoever iterates. */
interface Body extends AsyncIterable<Uint8Array> {
  push(bytes: Uint8Array): void;
  end(): void;
  fail(cause: Error): void;
}

function createBody(socket: Duplex): Body {
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let ended = false;
  let failure: Error | undefined;
  let wake = (): void => undefined;
  const finish = (): void => {
    ended = true;
    wake();
  };
  return {
    push: (bytes) => {
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (waitingBytes > READ_AHEAD) socket.pause();
      wake();
    },
    end: finish,
    fail: (cause) => {
      failure ??= ended ? undefined : cause;
      finish();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const bytes = waiting.shift();
        if (bytes !== undefined) {
          waitingBytes -= bytes.length;
          if (waitingBytes <= READ_AHEAD) socket.resume();
          yield bytes;
        } else if (failure !== undefined) {
          throw failure;
        } else if (ended) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
  };
}

function connectionError(cause: unknown): Error {
  if (!(cause instanceof Error)) return new Error(String(cause));
  if (!("code" in cause)) return cause;
  // OpenSSL's messages are lines of its source; its reason is the part for people.
  const message = "reason" in cause ? String(cause.reason) : cause.message;
  return new ConnectionError(String(cause.code), message, { cause });
}
