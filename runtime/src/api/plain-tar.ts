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

import { invalidRequest } from "./failure.ts";

/** An archive that begins as gzip does is unpacked on its way. */
export async function* plainTar(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body === null) return;
  const reader = request.body.getReader();
  const first = await reader.read();
  if (first.done) return;
  const rest = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(new Uint8Array(first.value)),
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel: (reason) => reader.cancel(reason),
  });
  const isGzip = first.value[0] === 0x1f && first.value[1] === 0x8b;
  yield* isGzip ? rest.pipeThrough(new DecompressionStream("gzip")) : rest;
}

/** All of it. @throws RuntimeError request-invalid when its gzip is damaged */
export async function readArchive(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  try {
    for await (const chunk of plainTar(request)) chunks.push(new Uint8Array(chunk));
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw invalidRequest(`cannot unpack the archive: ${cause.message}`);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
