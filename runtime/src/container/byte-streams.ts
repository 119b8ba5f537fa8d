/**
 * Byte streams: from what the kernel port offers to what the web offers, and back.
 *
 * The port speaks of sources that can be paused and sinks that say when they are full; clients of
 * the engine get the web's `ReadableStream`. Both carry back-pressure, so nothing is collected in
 * between.
 *
 * Kernel interface: none.
 * Invariants: none; `byte-streams.test.ts` shows the back-pressure.
 * Left out: byte streams with a reader's own buffer (BYOB).
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import type { ByteSink, ByteSource } from "../kernel/index.ts";

/** How much may wait for a reader before the source is paused. */
const HIGH_WATER_BYTES = 64 * 1024;

function countingBytes(): QueuingStrategy<Uint8Array> {
  return { highWaterMark: HIGH_WATER_BYTES, size: (chunk) => chunk.length };
}

/**
 * A source as a stream.
 *
 * @param source is listened to from now on, and paused while the reader does not keep up
 * @param onCancel is called when the reader gives up
 */
export function streamOfSource(
  source: ByteSource,
  onCancel: () => void,
): ReadableStream<Uint8Array> {
  let open = true;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        source.listen(
          (bytes) => {
            if (!open) return;
            controller.enqueue(bytes);
            if ((controller.desiredSize ?? 1) <= 0) source.pause();
          },
          () => {
            if (open) controller.close();
            open = false;
          },
        );
      },
      pull() {
        source.resume();
      },
      cancel() {
        open = false;
        source.resume();
        onCancel();
      },
    },
    countingBytes(),
  );
}

/** A sink whose bytes come out of a stream. */
export interface StreamedSink {
  readonly sink: ByteSink;
  /** Called when the reader gives up; what is written afterwards is dropped. */
  readonly onCancel: (listener: () => void) => void;
  readonly stream: ReadableStream<Uint8Array>;
}

/** A sink and the stream that its bytes come out of. */
export function createStreamedSink(): StreamedSink {
  let open = true;
  const cancelListeners: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const wake = (): void => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  const controllers: ReadableStreamDefaultController<Uint8Array>[] = [];
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (controller) => void controllers.push(controller),
      pull: wake,
      cancel() {
        open = false;
        wake();
        for (const listener of cancelListeners) listener();
      },
    },
    countingBytes(),
  );
  const isFull = (): boolean => open && (controllers[0]?.desiredSize ?? 1) <= 0;
  const sink: ByteSink = {
    write(bytes) {
      if (open) controllers[0]?.enqueue(bytes);
      return !isFull();
    },
    drained: () =>
      new Promise((resolve) => {
        if (isFull()) waiting.push(resolve);
        else resolve();
      }),
    end() {
      if (open) controllers[0]?.close();
      open = false;
      wake();
    },
  };
  return { sink, stream, onCancel: (listener) => void cancelListeners.push(listener) };
}

/** A stream that ended before it began. */
export function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
}
