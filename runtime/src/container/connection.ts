/**
 * Connection: bytes both ways, whatever carries them.
 *
 * The keeper's protocol needs no more of a unix socket than this. A line reader takes the first
 * line of a connection, or all of them, and leaves what follows to somebody else.
 *
 * Kernel interface: unix(7), behind the entries.
 * Invariants:
 *   lines-ignore-chunking   the lines and the rest that a reader gives do not depend on how the
 *     bytes arrived
 * Left out: nothing.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import { concatBytes, type ByteSink, type ByteSource } from "../kernel/index.ts";
import { encodeFrame } from "../wire/index.ts";
import type { StreamName } from "../wire/index.ts";

/** A sink that takes frames, too. */
export interface FrameSink extends ByteSink {
  /** Writes a frame. Its payload may not be copied: nobody changes it afterwards. */
  writeFrame(stream: StreamName, payload: Uint8Array): boolean;
}

/** Any sink as one that takes frames. */
export function framing(sink: ByteSink): FrameSink {
  return {
    ...sink,
    writeFrame: (stream, payload) => sink.write(encodeFrame(stream, payload)),
  };
}

/** Two directions; ending the output is not the end of the input. */
export interface Connection {
  readonly input: ByteSource;
  readonly output: FrameSink;
  /** Both directions, at once. */
  close(): void;
}

/** Makes a connection to the keeper. @throws RuntimeError keeper-unavailable */
export type Connect = () => Promise<Connection>;

const NEWLINE = 0x0a;

/**
 * Takes bytes as they come and gives the lines, without newline; `rest` takes what is behind the
 * last one.
 */
export interface LineReader {
  push(bytes: Uint8Array): readonly string[];
  /** At most one line. */
  pushForOne(bytes: Uint8Array): string | undefined;
  /** Bytes that belong to no line yet. The reader is empty afterwards. */
  rest(): Uint8Array;
}

/** A line reader for one direction of one connection. */
export function createLineReader(): LineReader {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let parts: Uint8Array[] = [];
  /** Only the newest part can have a newline in it: a line of many parts is searched once. */
  const takeLine = (): string | undefined => {
    const last = parts.at(-1);
    const end = last?.indexOf(NEWLINE) ?? -1;
    if (last === undefined || end === -1) return undefined;
    const line = concatBytes([...parts.slice(0, -1), last.subarray(0, end)]);
    parts = end + 1 < last.length ? [last.subarray(end + 1)] : [];
    return decoder.decode(line);
  };
  const pushForOne = (bytes: Uint8Array): string | undefined => {
    if (bytes.length > 0) parts.push(bytes);
    return takeLine();
  };
  return {
    pushForOne,
    push(bytes) {
      const lines: string[] = [];
      let line = pushForOne(bytes);
      while (line !== undefined) {
        lines.push(line);
        line = takeLine();
      }
      return lines;
    },
    rest() {
      const bytes = concatBytes(parts);
      parts = [];
      return bytes;
    },
  };
}

/** An object as a line of JSON. */
export function encodeLine(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}
