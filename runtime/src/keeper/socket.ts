/**
 * Sockets: a unix socket of Node as the `Connection` that the keeper's protocol runs over.
 *
 * @module
 */

import { closeSync, openSync } from "node:fs";
import net from "node:net";
import { basename, dirname } from "node:path";
import type { Connection } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { frameHeader } from "../wire/index.ts";

/** A socket as a connection. It must not have been read from before. */
export function connectionOf(socket: net.Socket): Connection {
  socket.on("error", () => undefined);
  return {
    input: {
      listen(onData, onEnd) {
        let ended = false;
        const end = (): void => {
          if (ended) return;
          ended = true;
          onEnd();
          // Whoever waits for the end goes first: taking a socket apart takes its time.
          setImmediate(() => socket.end());
        };
        socket.on("data", onData);
        socket.once("end", end);
        socket.once("close", end);
      },
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
    },
    output: {
      // Whoever has left takes everything: it goes nowhere.
      write: (bytes) => socket.destroyed || socket.writableEnded || socket.write(bytes),
      writeFrame: (stream, payload) => {
        if (socket.destroyed || socket.writableEnded) return true;
        // One writev(2) for both.
        socket.cork();
        socket.write(frameHeader(stream, payload.length));
        const isReady = socket.write(payload);
        socket.uncork();
        return isReady;
      },
      drained: () => drained(socket),
      end: () => void socket.end(),
    },
    close: () => void socket.destroy(),
  };
}

function drained(socket: net.Socket): Promise<void> {
  if (socket.destroyed || !socket.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

/** The longest path that fits into a socket address with its final zero byte. */
const PATH_LIMIT_BYTES = 107;

/**
 * Calls `use` with a path for a socket address: the path itself or, where that is too long, a short
 * one that leads there through an open descriptor of its directory.
 *
 * @param use must have made its system call when it returns
 */
export function withShortPath<T>(path: string, use: (path: string) => T): T {
  if (Buffer.byteLength(path) <= PATH_LIMIT_BYTES) return use(path);
  const fd = openSync(dirname(path), "r");
  try {
    return use(`/proc/self/fd/${fd}/${basename(path)}`);
  } finally {
    closeSync(fd);
  }
}

/**
 * Connects to a listening unix socket.
 *
 * @throws RuntimeError keeper-unavailable when nobody listens there
 */
export function connectSocket(path: string): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = withShortPath(path, (short) =>
      net.createConnection({ path: short, allowHalfOpen: true }),
    );
    const refused = (cause: Error & { readonly code?: string }): void => {
      reject(
        new RuntimeError({
          code: "keeper-unavailable",
          class: "unavailable",
          message: `Cannot reach the keeper at ${path}: ${cause.code ?? cause.message}`,
          operation: "connect to the keeper",
          subject: path,
          errno: cause.code,
          hint: "It is not running; the daemon starts one when it needs it.",
          cause,
        }),
      );
    };
    socket.once("error", refused);
    socket.once("connect", () => {
      socket.off("error", refused);
      resolve(connectionOf(socket));
    });
  });
}
