/**
 * Frames: standard output and standard error through one connection.
 *
 * Without a terminal a process has two outputs, but an attached client has one connection. Docker
 * cuts the outputs into frames, each with a header of eight bytes that says which stream it is and
 * how long it is. They arrive cut anywhere, also inside a header:
 *
 *      0        1   2   3     4   5   6   7      8 …
 *     ┌────────┬───────────┬────────────────┬─────────────
 *     │ stream │  0  0  0  │ length, big-e. │ payload
 *     └────────┴───────────┴────────────────┴─────────────
 *       0 stdin   1 stdout   2 stderr   3 an error of the daemon's own
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, `POST /containers/{id}/attach`, "Stream format".
 * Invariants:
 *   frames-round-trip   reading gives back what was written, however the bytes were cut on the way
 * Left out: nothing.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

/** Which stream a frame belongs to. */
export type StreamName = "stdin" | "stdout" | "stderr" | "system";

/** One piece of one stream. */
export interface Frame {
  readonly stream: StreamName;
  readonly payload: Uint8Array;
}

/** How long a header is. */
export const FRAME_HEADER_BYTES = 8;
const LENGTH_OFFSET = 4;
const STREAMS: readonly StreamName[] = ["stdin", "stdout", "stderr", "system"];

/**
 * One frame as bytes.
 *
 * @param stream which one
 * @param payload less than 4 GiB; is copied
 * @example encodeFrame("stdout", new Uint8Array([104, 105])).length // 10
 */
export function encodeFrame(stream: StreamName, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(bytes, 0, { stream, length: payload.length });
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** What stands before the payload of a frame. */
export function frameHeader(stream: StreamName, length: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES);
  writeFrameHeader(bytes, 0, { stream, length });
  return bytes;
}

/**
 * Writes the header of a frame into bytes that are zero there.
 *
 * @param at where it begins; `length` bytes of payload follow it
 */
export function writeFrameHeader(
  bytes: Uint8Array,
  at: number,
  { stream, length }: { readonly stream: StreamName; readonly length: number },
): void {
  bytes[at] = STREAMS.indexOf(stream);
  for (let i = 0; i < 4; i++) bytes[at + LENGTH_OFFSET + i] = length >>> (24 - 8 * i);
}

/** Takes bytes as they come and gives what they hold. */
export interface FrameReader {
  /**
   * A frame that comes in several chunks is given in as many pieces, none of them empty; an empty
   * frame is given as it is.
   *
   * @throws RangeError when the bytes are no frames
   */
  push(chunk: Uint8Array): readonly Frame[];
  /** Whether a frame has begun and not ended. */
  isInside(): boolean;
}

/**
 * A reader for one direction of one connection. It keeps nothing but a header that was cut.
 *
 * @example
 * createFrameReader().push(encodeFrame("stderr", new Uint8Array(3)))[0]?.stream; // "stderr"
 */
export function createFrameReader(): FrameReader {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  let headerFilled = 0;
  let stream: StreamName = "stdout";
  let remaining = 0;

  /** @returns where in the chunk the payload begins */
  const fillHeader = (chunk: Uint8Array, at: number): number => {
    if (headerFilled === FRAME_HEADER_BYTES) return at;
    const part = chunk.subarray(at, at + FRAME_HEADER_BYTES - headerFilled);
    header.set(part, headerFilled);
    headerFilled += part.length;
    if (headerFilled === FRAME_HEADER_BYTES) {
      stream = streamOf(header);
      remaining = new DataView(header.buffer).getUint32(LENGTH_OFFSET);
    }
    return at + part.length;
  };

  return {
    push: (chunk) => {
      const frames: Frame[] = [];
      let at = 0;
      while (at < chunk.length) {
        at = fillHeader(chunk, at);
        const payload = chunk.subarray(at, at + remaining);
        if (headerFilled < FRAME_HEADER_BYTES || (payload.length === 0 && remaining > 0)) break;
        frames.push({ stream, payload });
        at += payload.length;
        remaining -= payload.length;
        if (remaining === 0) headerFilled = 0;
      }
      return frames;
    },
    isInside: () => headerFilled > 0,
  };
}

function streamOf([number = 0]: Uint8Array): StreamName {
  const stream = STREAMS[number];
  if (stream === undefined) throw new RangeError(`Unrecognized input header: ${number}`);
  return stream;
}
