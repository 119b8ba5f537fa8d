/**
 * Upgrade: lends a route its connection, so that bytes flow both ways.
 *
 * When a request says `Connection: Upgrade`, Node stops parsing after its headers and hands over
 * the bare socket. The request may still have a body (`exec` sends its options so), which then
 * lies at the head of the socket's bytes and is cut off by its length. A route that takes the
 * connection gets it as a `Line`; for every other answer we go on as if no upgrade had been asked
 * for.
 *
 *      socket ─▶ [headers | body: Content-Length bytes | the line's input … end]
 *
 * Each direction ends alone: the client's end of input leaves its output open (`allowHalfOpen` is
 * on in Node's HTTP servers). When we close, we read on for a moment, since a unix socket that is
 * closed with unread bytes in it resets the other side's last reads.
 *
 * Kernel interface: socket(7), shutdown(2), unix(7).
 * Specification: RFC 9110, 7.8 "Upgrade"; Docker Engine API v1.50, "Hijacking".
 * Invariants: none.
 * Left out: a chunked body on an upgrade, which no client sends; keep-alive after a declined
 *   upgrade.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Api, Line } from "../api/index.ts";
import { HOST_NAME, malformedRequest } from "./malformed-request.ts";

/** No options that come with an upgrade are larger. */
const BODY_LIMIT_BYTES = 1 << 20;
/** How long a client may take to close after us. */
const LINGER_MS = 10_000;

/** An upgrade as Node's server announces it. */
export interface UpgradeEvent {
  readonly incoming: IncomingMessage;
  readonly socket: Socket;
  /** The first bytes after the headers. */
  readonly head: Uint8Array;
}

/** Serves one request that asked for an upgrade. */
export async function serveUpgrade(api: Api, event: UpgradeEvent): Promise<void> {
  const { incoming, socket } = event;
  socket.on("error", () => socket.destroy());
  socket.pause();
  if (event.head.length > 0) socket.unshift(event.head);
  const body = await readBody(incoming, socket);
  // The parser has let go of the request, so the listener finds its body here.
  if (body !== null) Object.assign(incoming, { rawBody: Buffer.from(body.buffer) });
  const outgoing = new ServerResponse(incoming);
  let isTaken = false;
  const hijack = (contentType: string): Line => {
    isTaken = true;
    socket.write(upgradedHead(contentType));
    return lineOf(socket);
  };
  const answer = async (request: Request): Promise<Response> => {
    if (body === null) return refuse();
    const response = await api(request, wantsLine(incoming) ? { hijack } : {});
    // What is written to an answer without a socket is never sent.
    if (!isTaken) lend(socket, outgoing);
    return response;
  };
  const refuse = (): Response => {
    lend(socket, outgoing);
    return malformedRequest();
  };
  const options = { hostname: HOST_NAME, autoCleanupIncoming: false, errorHandler: refuse };
  await getRequestListener(answer, options)(incoming, outgoing);
}

/** Docker's clients ask for `tcp`; other protocols (h2c) are offers that we decline. */
function wantsLine(incoming: IncomingMessage): boolean {
  return incoming.headers.upgrade?.toLowerCase() === "tcp";
}

function upgradedHead(contentType: string): string {
  const lines = [
    "HTTP/1.1 101 UPGRADED",
    `Content-Type: ${contentType}`,
    "Connection: Upgrade",
    "Upgrade: tcp",
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** The body that lies before the line; null when it is none that we can read. */
async function readBody(
  incoming: IncomingMessage,
  socket: Socket,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const length = Number(incoming.headers["content-length"] ?? "0");
  if (incoming.headers["transfer-encoding"] !== undefined || length > BODY_LIMIT_BYTES) return null;
  const body = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const chunk = await nextChunk(socket);
    if (chunk === null) return null;
    const wanted = chunk.subarray(0, length - filled);
    body.set(wanted, filled);
    filled += wanted.length;
    if (wanted.length < chunk.length) socket.unshift(chunk.subarray(wanted.length));
  }
  return body;
}

/** The next bytes of a paused socket; null at its end. */
function nextChunk(socket: Socket): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const settle = (chunk: Uint8Array | null): void => {
      socket.pause();
      socket.off("data", settle).off("end", ended).off("close", ended);
      resolve(chunk);
    };
    const ended = (): void => settle(null);
    socket.on("data", settle).on("end", ended).on("close", ended);
    socket.resume();
  });
}

function lineOf(socket: Socket): Line {
  return {
    input: () => inputOf(socket),
    ignoreInput: () => void socket.resume(),
    write: (bytes) => written(socket, bytes),
    end: () => hangUp(socket),
    abort: () => void socket.destroy(),
  };
}

function inputOf(socket: Socket): ReadableStream<Uint8Array> {
  let open = true;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const finish = (): void => {
        if (open) controller.close();
        open = false;
      };
      socket.on("data", (chunk: Uint8Array) => {
        if (!open) return;
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 0) <= 0) socket.pause();
      });
      socket.on("end", finish);
      socket.on("close", finish);
    },
    pull: () => void socket.resume(),
    // What still comes is dropped: a client types on after the keys that leave a terminal.
    cancel: () => {
      open = false;
      socket.resume();
    },
  });
}

/** Resolves when the socket takes more; rejects when the client is gone. */
function written(socket: Socket, chunk: Uint8Array): Promise<void> | void {
  if (socket.destroyed) throw new Error("The client has gone");
  if (socket.write(chunk)) return;
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off("drain", settle).off("close", settle);
      if (socket.destroyed) reject(new Error("The client has gone"));
      else resolve();
    };
    socket.on("drain", settle).on("close", settle);
  });
}

function hangUp(socket: Socket): void {
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => clearTimeout(timer));
}

/** Lets an ordinary answer go out on the socket, and closes it then. */
function lend(socket: Socket, outgoing: ServerResponse): void {
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(socket);
  outgoing.once("finish", () => {
    outgoing.detachSocket(socket);
    hangUp(socket);
  });
}
