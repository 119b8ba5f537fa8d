/**
 * The channel: how a forked child and its parent talk until the child becomes another program.
 *
 * A socket pair, close-on-exec: when the child execs or dies, the parent sees the end. Lines of
 * UTF-8 text; the first character says what the child wants:
 *
 * ```
 * child → parent   r<text>    report: no answer
 *                  a<text>    ask: waits for a line
 *                  t<fd>      take the terminal's master, my descriptor <fd>: waits for a line
 * parent → child   <text>     to a
 *                  +          to t: taken
 *                  !<errno>   to t: it could not be taken
 * ```
 *
 * The child reads and writes synchronously, the parent on its event loop.
 *
 * Kernel interface: socketpair(2), unix(7).
 * Invariants: none.
 * Left out: messages with more than one line: callers send JSON.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import net from "node:net";
import { KernelError } from "../port.ts";
import { callFs } from "./files.ts";

const READ_BYTES = 64 * 1024;

/** The child's end: synchronous. */
export interface ChildEnd {
  send(kind: "r" | "a" | "t", text: string): void;
  /** Blocks until the parent has sent a line. @throws KernelError EPIPE when the parent is gone */
  receive(): string;
}

/** Makes the child's end of a channel. */
export function openChildEnd(fd: number): ChildEnd {
  let pending = "";
  const decoder = new TextDecoder();
  return {
    send: (kind, text) => {
      if (text.includes("\n")) throw new KernelError("write", "EINVAL", text.slice(0, 100));
      let rest = new TextEncoder().encode(`${kind}${text}\n`);
      while (rest.length > 0) {
        rest = rest.subarray(callFs("write", "channel", () => fs.writeSync(fd, rest)));
      }
    },
    receive: () => {
      const buffer = new Uint8Array(READ_BYTES);
      while (!pending.includes("\n")) {
        const count = callFs("read", "channel", () => fs.readSync(fd, buffer));
        if (count === 0) throw new KernelError("read", "EPIPE", "channel");
        pending += decoder.decode(buffer.subarray(0, count), { stream: true });
      }
      const end = pending.indexOf("\n");
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      return line;
    },
  };
}

/** The parent's end: events. */
export interface ParentEnd {
  send(line: string): void;
}

/** What the parent does with what the child sends. */
export interface ChannelEvents {
  onLine(line: string): void;
  /** The child has become another program, or is gone. */
  onEnd(): void;
}

/** Makes the parent's end of a channel. */
export function openParentEnd(fd: number, events: ChannelEvents): ParentEnd {
  const socket = new net.Socket({ fd, readable: true, writable: true });
  const decoder = new TextDecoder();
  let pending = "";
  socket.on("error", () => undefined);
  socket.on("data", (bytes: Uint8Array) => {
    const lines = (pending + decoder.decode(bytes, { stream: true })).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) events.onLine(line);
  });
  socket.once("close", () => events.onEnd());
  return {
    send: (line) => {
      if (!socket.destroyed) socket.write(`${line}\n`);
    },
  };
}
