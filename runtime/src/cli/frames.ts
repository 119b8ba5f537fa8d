/**
 * Frames: two output streams in one connection.
 *
 * Without a terminal the daemon sends stdout and stderr over one connection. Each piece has a head
 * of eight bytes: the stream (1 stdout, 2 stderr, 3 the daemon's own error), three zeros, and the
 * length as four bytes, the biggest first. Pieces arrive cut anywhere, also inside a head.
 *
 *     01 00 00 00 00 00 00 03 68 69 0a     "hi\n" on stdout
 *
 * Kernel interface: read(2).
 * Specification: Docker Engine API v1.50, "Attach to a container", "Stream format".
 * Invariants:
 *   frames-any-chunking   how the bytes are cut on the way does not change what comes out
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** The daemon's name for a stream of a frame. */
export type FrameStream = "stdin" | "stdout" | "stderr" | "system";

/** A piece of one stream. */
export interface Frame {
  readonly stream: FrameStream;
  readonly bytes: Uint8Array;
}

const HEAD_LENGTH = 8;
const STREAMS: readonly FrameStream[] = ["stdin", "stdout", "stderr", "system"];

/** Takes chunks as they come and gives the pieces that they hold. */
export interface FrameReader {
  /** @throws Error when the bytes are no frames */
  push(chunk: Uint8Array): readonly Frame[];
  /** Whether a frame has begun and not ended. */
  isInside(): boolean;
}

/**
 * Makes a reader of frames. Long frames are handed on piece by piece, never gathered.
 *
 * @example createFrameReader().push(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 1, 104))
 */
export function createFrameReader(): FrameReader {
  const head = new Uint8Array(HEAD_LENGTH);
  let headFilled = 0;
  let stream: FrameStream = "stdout";
  let remaining = 0;

  const readHead = (chunk: Uint8Array, at: number): number => {
    const part = chunk.subarray(at, at + HEAD_LENGTH - headFilled);
    head.set(part, headFilled);
    headFilled += part.length;
    if (headFilled === HEAD_LENGTH) {
      const name = STREAMS[head[0] ?? 0xff];
      if (name === undefined) throw new Error(`Unrecognized input header: ${head[0] ?? 0}`);
      stream = name;
      remaining = new DataView(head.buffer).getUint32(4);
      if (remaining === 0) headFilled = 0;
    }
    return at + part.length;
  };

  return {
    push: (chunk) => {
      const frames: Frame[] = [];
      let at = 0;
      while (at < chunk.length) {
        if (headFilled < HEAD_LENGTH) {
          at = readHead(chunk, at);
          continue;
        }
        const bytes = chunk.subarray(at, at + remaining);
        frames.push({ stream, bytes });
        at += bytes.length;
        remaining -= bytes.length;
        if (remaining === 0) headFilled = 0;
      }
      return frames;
    },
    isInside: () => headFilled > 0,
  };
}
