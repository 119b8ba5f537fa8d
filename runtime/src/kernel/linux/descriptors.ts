/**
 * Descriptors: open files on their way from one process to another.
 *
 * A process has its own table of descriptors, so a number that it knows means nothing to another. A
 * message over a unix socket can carry the open files themselves (SCM_RIGHTS): the kernel puts them
 * into the table of whoever receives the message.
 *
 * ```
 * msghdr ─▶ iovec ─▶ bytes
 *    └────▶ cmsghdr │ descriptor │ descriptor │ …
 * ```
 *
 * Kernel interface: sendmsg(2), recvmsg(2), cmsg(3), unix(7).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { check, lastErrno, type Libc } from "./libc.ts";

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** Behind struct msghdr come struct iovec and struct cmsghdr with its descriptors. */
const IOVEC = 56;
const CONTROL = 72;
const DESCRIPTORS = CONTROL + 16;
const MOST_DESCRIPTORS = 4;
const DESCRIPTOR_BYTES = 4;
const HEADER_BYTES = DESCRIPTORS - CONTROL;

/** A message as sendmsg(2) and recvmsg(2) take it, over bytes that somebody else has. */
function createMessage(libc: Libc, bytes: Uint8Array): DataView {
  const view = new DataView(new ArrayBuffer(DESCRIPTORS + MOST_DESCRIPTORS * DESCRIPTOR_BYTES));
  const start = libc.addressOf(new Uint8Array(view.buffer));
  view.setBigUint64(16, start + BigInt(IOVEC), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, start + BigInt(CONTROL), true);
  view.setBigUint64(40, BigInt(HEADER_BYTES + MOST_DESCRIPTORS * DESCRIPTOR_BYTES), true);
  view.setBigUint64(IOVEC, libc.addressOf(bytes), true);
  view.setBigUint64(IOVEC + 8, BigInt(bytes.length), true);
  return view;
}

/** Sends bytes with open files, which stay open here. @returns how many bytes there was room for */
export function sendMessage(
  libc: Libc,
  socket: number,
  bytes: Uint8Array,
  fds: readonly number[],
): number {
  const view = createMessage(libc, bytes);
  const length = HEADER_BYTES + fds.length * DESCRIPTOR_BYTES;
  view.setBigUint64(CONTROL, BigInt(length), true);
  view.setInt32(CONTROL + 8, SOL_SOCKET, true);
  view.setInt32(CONTROL + 12, SCM_RIGHTS, true);
  for (const [at, fd] of fds.entries()) {
    view.setInt32(DESCRIPTORS + at * DESCRIPTOR_BYTES, fd, true);
  }
  view.setBigUint64(40, BigInt(fds.length === 0 ? 0 : length), true);
  const message = new Uint8Array(view.buffer);
  return check(libc.sendmsg(socket, message, MSG_NOSIGNAL), "sendmsg", fds.join(" "));
}

/** What arrived. */
export interface Received {
  /** How many bytes; 0 when the other side has closed. */
  readonly length: number;
  /** Close-on-exec. */
  readonly fds: readonly number[];
}

/** Takes what there is room for, waiting until something arrives. */
export function receiveMessage(libc: Libc, socket: number, room: Uint8Array): Received {
  for (;;) {
    const received = receive(libc, socket, room, MSG_CMSG_CLOEXEC);
    if (received.length >= 0) return received;
    if (lastErrno() !== "EINTR") check(received.length, "recvmsg", String(socket));
  }
}

function receive(libc: Libc, socket: number, room: Uint8Array, flags: number): Received {
  const view = createMessage(libc, room);
  const length = libc.recvmsg(socket, new Uint8Array(view.buffer), flags);
  const hasFiles = length > 0 && view.getBigUint64(40, true) > 0n;
  const controlBytes = hasFiles ? Number(view.getBigUint64(CONTROL, true)) : HEADER_BYTES;
  const count = (controlBytes - HEADER_BYTES) / DESCRIPTOR_BYTES;
  const at = (_: unknown, index: number): number =>
    view.getInt32(DESCRIPTORS + index * DESCRIPTOR_BYTES, true);
  return { length, fds: Array.from({ length: count }, at) };
}

/** Sends an open file. The descriptor stays open here. */
export function sendDescriptor(libc: Libc, socket: number, fd: number): void {
  sendMessage(libc, socket, new Uint8Array(1), [fd]);
}

/** Takes an open file that was sent, close-on-exec; undefined when none was. */
export function receiveDescriptor(libc: Libc, socket: number): number | undefined {
  return receive(libc, socket, new Uint8Array(1), MSG_DONTWAIT | MSG_CMSG_CLOEXEC).fds[0];
}
