/**
 * Exchange: one HTTP exchange as web-standard Request and Response.
 *
 * The API is a function from Request to Response; Node's server speaks in streams and events. The
 * work here is in the ends: a body is read only as fast as it is taken, a response is written
 * only as fast as the client reads, headers of a response that is not complete go out at once
 * (the docker CLI waits for them), and a client that leaves cancels what it asked for.
 *
 * Kernel interface: socket(7), through node:http.
 * Specification: RFC 9112 (HTTP/1.1); Fetch standard, Request and Response.
 * Invariants: none.
 * Left out: trailers.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Api, Platform } from "../api/index.ts";

/** A request for the API; null when its target is no URL. */
export function toRequest(
  incoming: IncomingMessage,
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null,
): Request | null {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headersDistinct)) {
    for (const one of value ?? []) headers.append(name, one);
  }
  const url = urlOf(incoming.url ?? "/");
  if (url === null) return null;
  const method = incoming.method ?? "GET";
  return new Request(
    url,
    body === null ? { method, headers } : { method, headers, body, duplex: "half" },
  );
}

function urlOf(target: string): URL | null {
  try {
    return new URL(target, "http://drydock");
  } catch {
    return null;
  }
}

/** Calls the API; a request that could not be read is refused here. */
export async function callApi(
  api: Api,
  request: Request | null,
  platform: Platform,
): Promise<Response> {
  if (request !== null) return api(request, platform);
  return Response.json({ message: "malformed request target" }, { status: 400 });
}

/** Whether a request announces a body. */
export function hasBody(incoming: IncomingMessage): boolean {
  if (incoming.method === "GET" || incoming.method === "HEAD") return false;
  const length = incoming.headers["content-length"];
  return incoming.headers["transfer-encoding"] !== undefined || (length ?? "0") !== "0";
}

/** A request's body, read from the socket only as it is taken. */
export function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      incoming.pause();
      incoming.on("data", (chunk: Uint8Array) => {
        controller.enqueue(new Uint8Array(chunk));
        if ((controller.desiredSize ?? 0) <= 0) incoming.pause();
      });
      incoming.on("end", () => closeQuietly(controller));
      incoming.on("error", (error) => controller.error(error));
    },
    pull: () => void incoming.resume(),
    cancel: () => void incoming.resume(),
  });
}

function closeQuietly(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close();
  } catch {
    // It was cancelled: nobody waits for the end.
  }
}

/**
 * Writes a response: in one piece when its body is complete, else headers first and the body as
 * it comes. Resolves when everything is written or the client is gone; never rejects.
 */
export async function sendResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.on("error", () => {
    // The client left in the middle of a write; "close" follows.
  });
  outgoing.statusCode = response.status;
  response.headers.forEach((value, name) => outgoing.setHeader(name, value));
  if (response.body === null) {
    outgoing.end();
    return;
  }
  const reader = response.body.getReader();
  outgoing.once("close", () => void reader.cancel().catch(() => {}));
  try {
    await sendBody(reader, outgoing);
  } catch {
    // The body failed after its status was sent: only a broken connection can still say so.
    outgoing.destroy();
  }
}

async function sendBody(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  outgoing: ServerResponse,
): Promise<void> {
  const { chunks, next } = await readWhatIsReady(reader);
  if (next === null) {
    // Headers and body in one write.
    const [first, ...more] = chunks;
    const whole = more.length === 0 ? first : concat(chunks);
    outgoing.setHeader("Content-Length", whole?.length ?? 0);
    outgoing.end(whole);
    return;
  }
  outgoing.flushHeaders();
  for (const chunk of chunks) outgoing.write(chunk);
  let result = await next;
  while (!result.done) {
    if (!outgoing.write(result.value)) await drained(outgoing);
    result = await reader.read();
  }
  outgoing.end();
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** How much of a body is looked at before its headers go out. */
const READY_BYTES = 65_536;

interface Ready {
  readonly chunks: readonly Uint8Array[];
  /** The read under way; null when the body is complete. */
  readonly next: ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]> | null;
}

/** What a body has at once, without waiting for input or output. */
async function readWhatIsReady(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Ready> {
  const chunks: Uint8Array[] = [];
  const nextTurn = new Promise<null>((resolve) => setImmediate(resolve, null));
  let next = reader.read();
  let bytes = 0;
  while (bytes < READY_BYTES) {
    const result = await Promise.race([next, nextTurn]);
    if (result === null) break;
    if (result.done) return { chunks, next: null };
    chunks.push(result.value);
    bytes += result.value.length;
    next = reader.read();
  }
  return { chunks, next };
}

/** Resolves when the client has taken what was written, or has gone. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      outgoing.off("drain", settle);
      outgoing.off("close", settle);
      resolve();
    };
    outgoing.on("drain", settle);
    outgoing.on("close", settle);
  });
}
