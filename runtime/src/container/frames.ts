/**
 * Frames: standard output and standard error through one connection.
 *
 * Without a terminal a process has two outputs, but an attached client has one connection. Docker
 * cuts the outputs into frames, each with a header of eight bytes that says which stream it is and
 * how long it is:
 *
 *      0        1   2   3     4   5   6   7      8 …
 *     ┌────────┬───────────┬────────────────┬─────────────
 *     │ stream │  0  0  0  │ length, big-e. │ payload
 *     └────────┴───────────┴────────────────┴─────────────
 *       0 stdin   1 stdout   2 stderr
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, `POST /containers/{id}/attach`, "Stream format".
 * Invariants:
 *   frames-round-trip   decoding gives back the encoded frames, however the bytes were cut on the
 *     way
 * Left out: nothing.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

/** Which stream a frame belongs to. */
export type StreamName = "stdin" | "stdout" | "stderr";

/** One piece of one stream. */
export interface Frame {
  readonly stream: StreamName;
  readonly payload: Uint8Array;
}

const HEADER_BYTES = 8;
const LENGTH_OFFSET = 4;
const STREAMS: readonly StreamName[] = ["stdin", "stdout", "stderr"];

/**
 * One frame as bytes.
 *
 * @param stream which one
 * @param payload less than 4 GiB; is copied
 * @example encodeFrame("stdout", new Uint8Array([104, 105])).length // 10
 */
export function encodeFrame(stream: StreamName, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  bytes[0] = STREAMS.indexOf(stream);
  new DataView(bytes.buffer).setUint32(LENGTH_OFFSET, payload.length);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** Takes bytes as they come and gives the frames that are complete. */
export interface FrameDecoder {
  /** @throws RangeError when the bytes are no frames */
  push(bytes: Uint8Array): readonly Frame[];
  /** Bytes of a frame that is not complete yet. */
  readonly pendingBytes: number;
}

/**
 * A decoder for one direction of one connection.
 *
 * @example
 * createFrameDecoder().push(encodeFrame("stderr", new Uint8Array(3)))[0]?.stream; // "stderr"
 */
export function createFrameDecoder(): FrameDecoder {
  let pending = new Uint8Array(0);
  return {
    push(bytes) {
      const all = pending.length === 0 ? bytes : concatBytes([pending, bytes]);
      const frames: Frame[] = [];
      let offset = 0;
      while (all.length - offset >= HEADER_BYTES) {
        const view = new DataView(all.buffer, all.byteOffset + offset, HEADER_BYTES);
        const end = offset + HEADER_BYTES + view.getUint32(LENGTH_OFFSET);
        const stream = STREAMS[view.getUint8(0)];
        if (stream === undefined) throw new RangeError(`no stream has number ${view.getUint8(0)}`);
        if (end > all.length) break;
        frames.push({ stream, payload: all.subarray(offset + HEADER_BYTES, end) });
        offset = end;
      }
      pending = new Uint8Array(all.subarray(offset));
      return frames;
    },
    get pendingBytes() {
      return pending.length;
    },
  };
}

/** One array with the bytes of all. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
