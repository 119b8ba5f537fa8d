/**
 * Real sockets in network namespaces, for asking who reaches whom.
 *
 * A socket belongs to the network namespace that its thread was in when it was made. So this thread
 * enters one, makes a socket, and comes back.
 */
import { closeSync, openSync } from "node:fs";
import koffi from "koffi";
import {
  addressBytes,
  addressOf,
  formatAddress,
  parseAddress,
} from "../runtime/src/kernel/ip-address.ts";
import { errnoName } from "../runtime/src/kernel/linux/errno.ts";
import { openLibc } from "../runtime/src/kernel/linux/libc.ts";

const libc = openLibc(process.arch);
const c = koffi.load(null);
const bind = c.func("int bind(int, uint8_t *, uint32_t)");
const listen = c.func("int listen(int, int)");
const connect = c.func("int connect(int, uint8_t *, uint32_t)");
const accept4 = c.func("int accept4(int, uint8_t *, uint32_t *, int)");
const poll = c.func("int poll(uint8_t *, ulong, int)");
const getsockopt = c.func("int getsockopt(int, int, int, int32_t *, uint32_t *)");

const AF_INET = 2;
const AF_INET6 = 10;
/** SOCK_STREAM, SOCK_NONBLOCK and SOCK_CLOEXEC. */
const STREAM = 1 | 0o4000 | 0o2000000;
const CLONE_NEWNET = 0x40000000;
const POLLIN = 1;
const POLLOUT = 4;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const EINPROGRESS = 115;
const MSG_NOSIGNAL = 0x4000;

/** A socket that waits, and what its test calls it. */
export interface RealListener {
  readonly fd: number;
  readonly name: string;
}

/** One try to connect. */
export interface Probe {
  /** The network namespace, as `/proc/1/ns/net`. */
  readonly path: string;
  readonly address: string;
  readonly port: number;
}

function socketAddress(address: string, port: number): Uint8Array {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new Error(`${address} is no address`);
  const bytes = new Uint8Array(parsed.family === 4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, parsed.family === 4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port, false);
  bytes.set(addressBytes(parsed), parsed.family === 4 ? 4 : 8);
  return bytes;
}

function within<T>(path: string, act: () => T): T {
  const home = openSync("/proc/thread-self/ns/net", "r");
  const there = openSync(path, "r");
  try {
    if (libc.setns(there, CLONE_NEWNET) !== 0) throw new Error(`Cannot enter ${path}`);
    return act();
  } finally {
    libc.setns(home, CLONE_NEWNET);
    closeSync(home);
    closeSync(there);
  }
}

function openSocket(address: string): number {
  const fd = libc.socket(address.includes(":") ? AF_INET6 : AF_INET, STREAM, 0);
  if (fd < 0) throw new Error(`socket: ${errnoName(koffi.errno())}`);
  return fd;
}

/** Waits at an address of a namespace; not where the address is not there. */
export function listenIn(probe: Probe, name: string): RealListener | undefined {
  return within(probe.path, () => {
    const fd = openSocket(probe.address);
    const where = socketAddress(probe.address, probe.port);
    if (bind(fd, where, where.length) !== 0 || listen(fd, 64) !== 0) {
      const errno = errnoName(koffi.errno());
      closeSync(fd);
      if (errno === "EADDRNOTAVAIL") return undefined;
      throw new Error(`bind ${probe.address}: ${errno}`);
    }
    return { fd, name };
  });
}

interface Trying {
  readonly fd: number;
  result: string | undefined;
}

/** Begins to connect. */
function begin({ path, address, port }: Probe): Trying {
  return within(path, () => {
    const fd = openSocket(address);
    const where = socketAddress(address, port);
    const failed = connect(fd, where, where.length) !== 0;
    const errno = failed ? koffi.errno() : 0;
    return { fd, result: errno === 0 || errno === EINPROGRESS ? undefined : errnoName(errno) };
  });
}

/** Which of some descriptors have something to say. */
function pollAll(fds: readonly number[], events: number, timeoutMs: number): readonly number[] {
  const bytes = new Uint8Array(fds.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [at, fd] of fds.entries()) {
    view.setInt32(at * 8, fd, true);
    view.setInt16(at * 8 + 4, events, true);
  }
  poll(bytes, fds.length, timeoutMs);
  return fds.filter((_, at) => view.getInt16(at * 8 + 6, true) !== 0);
}

function finish(trying: Trying, number: number): void {
  const value = new Int32Array(1);
  getsockopt(trying.fd, SOL_SOCKET, SO_ERROR, value, new Uint32Array([4]));
  const [errno = 0] = value;
  trying.result = errno === 0 ? "connected" : errnoName(errno);
  // Whoever took it learns which try it was.
  if (errno === 0) libc.send(trying.fd, Uint8Array.of(number), 1, MSG_NOSIGNAL);
}

/** Takes what has come to a listener. @returns its name and from whom, by the number of the try */
function take(listener: RealListener, found: Map<number, string>): void {
  for (;;) {
    const peer = new Uint8Array(28);
    const fd = accept4(listener.fd, peer, new Uint32Array([28]), STREAM & ~1) as number;
    if (fd < 0) return;
    const isSix = new DataView(peer.buffer).getUint16(0, true) === AF_INET6;
    const from = addressOf(isSix ? peer.slice(8, 24) : peer.slice(4, 8));
    const said = new Uint8Array(1);
    pollAll([fd], POLLIN, 200);
    const isSaid = libc.recv(fd, said, 1, 0) === 1;
    closeSync(fd);
    if (isSaid)
      found.set(said[0] ?? 0, `${listener.name} from ${from ? formatAddress(from) : "?"}`);
  }
}

/**
 * Tries to connect, all at once.
 *
 * @returns for each try who took it, and from which address it seemed to come; or the errno
 */
export function connectAll(
  probes: readonly Probe[],
  listeners: readonly RealListener[],
  patienceMs: number,
): readonly string[] {
  const tries = probes.map(begin);
  const end = performance.now() + patienceMs;
  for (;;) {
    const open = tries.filter(({ result }) => result === undefined);
    const left = Math.ceil(end - performance.now());
    if (open.length === 0 || left <= 0) break;
    const ready = pollAll(
      open.map(({ fd }) => fd),
      POLLOUT,
      left,
    );
    for (const [number, each] of tries.entries()) {
      if (each.result === undefined && ready.includes(each.fd)) finish(each, number);
    }
  }
  const found = new Map<number, string>();
  for (const listener of listeners) take(listener, found);
  for (const { fd } of tries) closeSync(fd);
  return tries.map(({ result }, number) =>
    result === "connected" ? (found.get(number) ?? "nobody") : (result ?? "ETIMEDOUT"),
  );
}
