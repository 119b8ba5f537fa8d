/**
 * Terminals: a pair of devices, the slave for the program, the master for us.
 *
 * The slave is opened through the master (TIOCGPTPEER), never by its path: the path lies in the
 * container's own devpts, where its processes could have put something else. The master is read by
 * the event loop; writing goes straight to the descriptor, because Node's terminal streams would
 * wait for a program that does not read, and everybody with it.
 *
 * ```
 * program ── slave (0, 1, 2) ═══ line discipline ═══ master ── Terminal: listen, write, resize
 * ```
 *
 * When the last process has closed the slave, reading the master fails with EIO: that is how a
 * terminal ends.
 *
 * Kernel interface: pty(7), ioctl_tty(2), devpts.
 * Invariants: none.
 * Left out: termios(3) settings; the program inside sets its own.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import tty from "node:tty";
import type { Terminal } from "../port.ts";
import { callFs } from "./files.ts";
import { check, type Libc } from "./libc.ts";
import { sourceOf } from "./streams.ts";

const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;
const TIOCGPTPEER = 0x5441;
/** Makes a terminal the controlling one of the calling session. */
export const TIOCSCTTY = 0x540e;
const TIOCSWINSZ = 0x5414;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;

/** How long to wait before offering bytes again to a terminal whose program does not read. */
const RETRY_MS = 5;

/** In the child: `Self.openTerminal` of port.ts, but for the controlling terminal. */
export function openTerminal(
  libc: Libc,
  ptmxPath: string,
): { readonly slavePath: string; readonly masterFd: number } {
  const { O_RDWR, O_NOCTTY } = fs.constants;
  const masterFd = callFs("openpty", ptmxPath, () => fs.openSync(ptmxPath, O_RDWR | O_NOCTTY));
  const locked = new Int32Array([0]);
  check(libc.ioctl(masterFd, TIOCSPTLCK, locked), "openpty", ptmxPath);
  const number = new Int32Array(1);
  check(libc.ioctl(masterFd, TIOCGPTN, number), "openpty", ptmxPath);
  const flags = O_RDWR | O_NOCTTY;
  const slaveFd = check(libc.ioctlNumber(masterFd, TIOCGPTPEER, flags), "openpty", ptmxPath);
  const slavePath = `/dev/pts/${number[0] ?? 0}`;
  for (const fd of [0, 1, 2]) check(libc.dup2(slaveFd, fd), "openpty", slavePath);
  fs.closeSync(slaveFd);
  return { slavePath, masterFd };
}

/** In the parent: the master as a stream. The descriptor belongs to the stream from now on. */
export function openMaster(libc: Libc, masterFd: number): Terminal {
  const flags = check(libc.fcntl(masterFd, F_GETFL, 0), "fcntl", String(masterFd));
  const nonBlocking = flags | fs.constants.O_NONBLOCK;
  check(libc.fcntl(masterFd, F_SETFL, nonBlocking), "fcntl", String(masterFd));
  const spareFd = check(libc.fcntl(masterFd, F_DUPFD_CLOEXEC, 0), "fcntl", String(masterFd));
  const stream = new tty.ReadStream(masterFd);
  const rest: Uint8Array[] = [];
  stream.once("close", () => {
    rest.push(...readRest(spareFd));
    fs.closeSync(spareFd);
  });
  const source = sourceOf(stream);
  const writer = createWriter(masterFd, () => stream.destroyed);
  return {
    ...source,
    ...writer,
    listen: (onData, onEnd) =>
      source.listen(onData, () => {
        rest.forEach(onData);
        onEnd();
      }),
    end: () => stream.destroy(),
    resize: (rows, columns) => {
      if (stream.destroyed) return;
      const size = new Uint8Array(new Uint16Array([rows, columns, 0, 0]).buffer);
      check(libc.ioctl(masterFd, TIOCSWINSZ, size), "ioctl", `${rows}x${columns}`);
    },
  };
}

/**
 * What a terminal still holds after its end was seen. The event loop takes a hang-up that comes
 * with a short read for the end, although the last words of the program may be on their way.
 */
function readRest(fd: number): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const buffer = new Uint8Array(4096);
  try {
    for (let read = fs.readSync(fd, buffer); read > 0; read = fs.readSync(fd, buffer)) {
      pieces.push(buffer.slice(0, read));
    }
  } catch {
    // EIO: nobody has the slave any more. EAGAIN: we left before the program did.
  }
  return pieces;
}

/** Writes what fits and keeps the rest, in order, until the program reads. */
function createWriter(
  fd: number,
  isClosed: () => boolean,
): { write(bytes: Uint8Array): boolean; drained(): Promise<void> } {
  const queue: Uint8Array[] = [];
  const waiting: (() => void)[] = [];
  const flush = (): void => {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const written = isClosed() ? first.length : writeSome(fd, first);
      if (written < first.length) {
        queue[0] = first.subarray(written);
        setTimeout(flush, RETRY_MS);
        return;
      }
      queue.shift();
    }
    for (const resolve of waiting.splice(0)) resolve();
  };
  return {
    write: (bytes) => {
      if (queue.push(bytes) === 1) flush();
      return queue.length === 0;
    },
    drained: () =>
      new Promise((resolve) => {
        if (queue.length === 0) resolve();
        else waiting.push(resolve);
      }),
  };
}

/**
 * How many bytes the terminal took: none when it is full, all when there is no one left to read
 * them.
 */
function writeSome(fd: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return 0;
  try {
    return fs.writeSync(fd, bytes);
  } catch (error) {
    const isFull = error instanceof Error && "code" in error && error.code === "EAGAIN";
    return isFull ? 0 : bytes.length;
  }
}
