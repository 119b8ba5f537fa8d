/**
 * Descriptors: open files on their way from one process to another.
 *
 * A child has its own table of descriptors, so a number that it knows means nothing to its parent.
 * A message over a unix socket can carry the open file itself (SCM_RIGHTS): the kernel puts it into
 * the table of whoever receives the message.
 *
 * Kernel interface: sendmsg(2), recvmsg(2), cmsg(3), unix(7).
 * Invariants: none.
 * Left out: several descriptors in one message.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { check, type Libc } from "./libc.ts";

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** struct msghdr, struct iovec, one byte of data, and struct cmsghdr with one descriptor. */
const IOVEC = 56;
const DATA = 72;
const CONTROL = 80;
const CONTROL_BYTES = 24;
const CMSG_LENGTH = 20;
const DESCRIPTOR = CONTROL + 16;

/** A message of one byte with room for one descriptor, as sendmsg(2) and recvmsg(2) take it. */
function createMessage(libc: Libc): { readonly bytes: Uint8Array; readonly view: DataView } {
  const bytes = new Uint8Array(CONTROL + CONTROL_BYTES);
  const view = new DataView(bytes.buffer);
  const start = libc.addressOf(bytes);
  view.setBigUint64(16, start + BigInt(IOVEC), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, start + BigInt(CONTROL), true);
  view.setBigUint64(40, BigInt(CONTROL_BYTES), true);
  view.setBigUint64(IOVEC, start + BigInt(DATA), true);
  view.setBigUint64(IOVEC + 8, 1n, true);
  return { bytes, view };
}

/** Sends an open file. The descriptor stays open here. */
export function sendDescriptor(libc: Libc, socket: number, fd: number): void {
  const { bytes, view } = createMessage(libc);
  view.setBigUint64(CONTROL, BigInt(CMSG_LENGTH), true);
  view.setInt32(CONTROL + 8, SOL_SOCKET, true);
  view.setInt32(CONTROL + 12, SCM_RIGHTS, true);
  view.setInt32(DESCRIPTOR, fd, true);
  check(libc.sendmsg(socket, bytes, 0), "sendmsg", String(fd));
}

/** Takes an open file that was sent, close-on-exec; undefined when none was. */
export function receiveDescriptor(libc: Libc, socket: number): number | undefined {
  const { bytes, view } = createMessage(libc);
  if (libc.recvmsg(socket, bytes, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0) return undefined;
  const isDescriptor = view.getBigUint64(CONTROL, true) === BigInt(CMSG_LENGTH);
  return isDescriptor ? view.getInt32(DESCRIPTOR, true) : undefined;
}
