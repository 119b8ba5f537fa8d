/**
 * Plain tar: the archive in a request, whether the client compressed it or not.
 *
 * Kernel interface: none.
 * Specification: RFC 1952 (gzip); Docker Engine API v1.50, PutContainerArchive, ImageCreate.
 * Invariants: none.
 * Left out: archives compressed by bzip2, xz or zstd, which are refused as no tar.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import type { Call } from "./context.ts";
import { invalidRequest } from "./failure.ts";

/** An archive that begins as gzip does is unpacked on its way. */
export async function* plainTar(call: Call): AsyncGenerator<Uint8Array> {
  const body: AsyncIterable<Uint8Array> | null = call.env.body ?? call.req.raw.body;
  if (body === null) return;
  const chunks = body[Symbol.asyncIterator]();
  let next = await chunks.next();
  if (next.done === true) return;
  const isGzip = next.value[0] === 0x1f && next.value[1] === 0x8b;
  if (isGzip) return yield* unpacked(next.value, chunks);
  for (; next.done !== true; next = await chunks.next()) yield next.value;
}

function unpacked(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(new Uint8Array(first)),
    async pull(controller) {
      const { done, value } = await rest.next();
      if (done === true) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel: async () => void (await rest.return?.()),
  });
  return packed.pipeThrough(new DecompressionStream("gzip"));
}

/** All of it. @throws RuntimeError request-invalid when its gzip is damaged */
export async function readArchive(call: Call): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  try {
    for await (const chunk of plainTar(call)) chunks.push(new Uint8Array(chunk));
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw invalidRequest(`cannot unpack the archive: ${cause.message}`);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
