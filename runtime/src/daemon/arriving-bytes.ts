/**
 * Arriving bytes: a request's body, piece by piece.
 *
 * Node's own iterator over a stream spends more time on each piece than it takes to copy it, and an
 * archive comes in thousands.
 *
 * Kernel interface: none of its own.
 * Specification: none.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import type { Readable } from "node:stream";
import { finished } from "node:stream";

/** So much may wait for the reader: what arrives while a file's bytes are written. */
const HIGH_WATER_BYTES = 256 * 1024;

/**
 * What arrives on a stream, which is not touched before the first piece is asked for.
 *
 * @throws what the stream ended with, if the sender left in the middle
 */
export async function* arrivingBytes(stream: Readable): AsyncGenerator<Uint8Array> {
  let arrived: Uint8Array[] = [];
  let arrivedBytes = 0;
  let isOver = false;
  let failure: Error | null | undefined;
  let wake = (): void => undefined;
  const onData = (piece: Uint8Array): void => {
    arrived.push(piece);
    arrivedBytes += piece.length;
    if (arrivedBytes >= HIGH_WATER_BYTES) stream.pause();
    wake();
  };
  const stopListening = finished(stream, { writable: false }, (error) => {
    isOver = true;
    failure = error;
    wake();
  });
  stream.on("data", onData);
  try {
    while (arrived.length > 0 || !isOver) {
      if (arrived.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      const pieces = arrived;
      arrived = [];
      arrivedBytes = 0;
      if (stream.isPaused()) stream.resume();
      yield* pieces;
    }
  } finally {
    stopListening();
    // Whoever sends more than was wanted hears of it when he has sent it.
    stream.off("data", onData).resume();
  }
  if (failure) throw failure;
}
