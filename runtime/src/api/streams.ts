/**
 * Streams: a container's bytes on their way to a client, and the client's on their way back.
 *
 * Without a terminal, stdout and stderr share one line as frames (one byte that says which, three
 * zeros, four bytes of length, then the bytes); a terminal's line is raw. The content type tells
 * which, since version 1.42. The two directions of a line end separately: a client that has no more
 * to send still wants to read. A client that goes away detaches, and the container goes on.
 *
 *      client ──input──▶ [detach keys] ──▶ write … endInput     (end of input: a pipe's reader
 *      client ◀─output──────────────────── frames or raw         sees EOF, a terminal goes on)
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "ContainerAttach", "Stream format".
 * Invariants: none.
 * Left out: a client that dies without a word is noticed at the next byte of output; its half of
 *   the connection looks no different from one that has no more to send.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import type { ProcessLine } from "../engine/index.ts";
import { detachFilter } from "../wire/index.ts";
import type { Line, Platform } from "./platform.ts";
import { compareVersions } from "./versions.ts";

const RAW = "application/vnd.docker.raw-stream";
const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";

/** How a stream is announced to a client of this version. */
export function streamType(version: string, raw: boolean): string {
  return raw || compareVersions(version, "1.42") < 0 ? RAW : MULTIPLEXED;
}

/** How to serve an attached process. */
export interface ServeOptions {
  readonly version: string;
  /** Whether the client's bytes go to the process. */
  readonly stdin: boolean;
  /** Bytes that leave a terminal, from `parseDetachKeys`. */
  readonly detachKeys: readonly number[];
}

/** The body of a Response that is never sent, because the connection was handed over. */
function handedOver(): Response {
  return new Response(null, { status: 200 });
}

/**
 * Connects a client to an attached process: by taking the connection over when it asked for that,
 * else with the output as the body of a 200, where input is the request's body if it has one.
 */
export function serveAttached(
  request: Request,
  platform: Platform,
  attached: ProcessLine,
  options: ServeOptions,
): Response {
  if (platform.hijack !== undefined) {
    const line = platform.hijack(streamType(options.version, attached.raw));
    if (options.stdin) void feed(line.input(), attached, options).catch(() => attached.detach());
    else line.ignoreInput();
    void deliver(line, attached);
    return handedOver();
  }
  if (options.stdin && !request.bodyUsed && request.body !== null) {
    void feed(request.body, attached, options).catch(() => attached.detach());
  }
  return new Response(
    whenCancelled(attached.output, () => attached.detach()),
    {
      headers: { "Content-Type": RAW },
    },
  );
}

/** Gives a client's bytes to the process until they end or the detach keys were typed. */
async function feed(
  input: ReadableStream<Uint8Array>,
  attached: ProcessLine,
  { detachKeys }: ServeOptions,
): Promise<void> {
  const filter = detachFilter(detachKeys);
  for await (const chunk of input) {
    const { bytes, detached } = attached.raw ? filter(chunk) : { bytes: chunk, detached: false };
    if (bytes.length > 0) await attached.write(bytes);
    if (detached) return attached.detachByKeys();
  }
  // A terminal has no end of input but what is typed into it, so that a client can leave it.
  if (!attached.raw) attached.endInput();
}

async function deliver(line: Line, attached: ProcessLine): Promise<void> {
  const reader = attached.output.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      await line.write(next.value);
    }
    line.end();
  } catch (error) {
    attached.detach();
    line.abort();
    await reader.cancel(error).catch(() => undefined);
  }
}

/** The same stream, which tells when its reader goes away. */
function whenCancelled(
  stream: ReadableStream<Uint8Array>,
  onCancel: () => void,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      onCancel();
      await reader.cancel(reason);
    },
  });
}
