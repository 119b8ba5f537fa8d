/**
 * Streams: pipes and sockets of a child as the event loop sees them.
 *
 * Each is a `net.Socket` over a descriptor. Node sets the parent's end non-blocking; the two ends
 * of a pipe or socket pair are separate, so the child's stays blocking, as programs expect.
 *
 * Kernel interface: pipe(7), unix(7), epoll(7).
 * Invariants: none.
 * Left out: splice(2): bytes pass through the process, which counts and frames them.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import net from "node:net";
import type { ByteSink, ByteSource } from "../port.ts";
import { callFs } from "./files.ts";

/** A stream of Node that can be read, as a socket or a terminal. */
type Readable = net.Socket;

/**
 * What arrives on a stream. Nothing is lost before `listen`: it waits in the kernel.
 *
 * An error ends the stream like its end does: for a terminal EIO is the end.
 */
export function sourceOf(stream: Readable): ByteSource {
  let paused = false;
  let listening = false;
  stream.on("error", () => undefined);
  return {
    listen: (onData, onEnd) => {
      listening = true;
      if (stream.closed) {
        queueMicrotask(onEnd);
        return;
      }
      stream.on("data", (bytes: Uint8Array) => onData(bytes));
      stream.once("close", onEnd);
      if (paused) stream.pause();
    },
    pause: () => {
      paused = true;
      stream.pause();
    },
    resume: () => {
      paused = false;
      if (listening) stream.resume();
    },
  };
}

/** Where bytes leave. What is written after the reader has gone is dropped. */
export function sinkOf(stream: net.Socket): ByteSink {
  stream.on("error", () => undefined);
  return {
    write: (bytes) => stream.destroyed || stream.writableEnded || stream.write(bytes),
    drained: () =>
      new Promise((resolve) => {
        if (stream.destroyed || !stream.writableNeedDrain) {
          resolve();
          return;
        }
        const done = (): void => {
          stream.off("drain", done);
          stream.off("close", done);
          resolve();
        };
        stream.on("drain", done);
        stream.on("close", done);
      }),
    end: () => {
      stream.end();
    },
  };
}

/** The reading end of a pipe. */
export function openSource(fd: number): ByteSource {
  const stream = new net.Socket({ fd, readable: true, writable: false });
  const path = `/proc/self/fd/${fd}`;
  // Once it is destroyed, the number may be that of another file.
  const link = (): string => (stream.destroyed ? "" : fs.readlinkSync(path));
  return { ...sourceOf(stream), link: () => callFs("readlink", path, link) };
}

/** The writing end of a pipe. */
export function openSink(fd: number): ByteSink {
  return sinkOf(new net.Socket({ fd, readable: false, writable: true }));
}
