/**
 * Reaping: learning how a child ended.
 *
 * A process that has ended stays in the process table until its parent asks with waitpid(2). The
 * kernel sends SIGCHLD when there is something to ask; several may come as one signal, so each of
 * our children is asked. Only ours: Node's own children (`child_process`) belong to libuv, and
 * waiting for "any" would steal their status.
 *
 * Kernel interface: wait(2), signal(7).
 * Invariants: none.
 * Left out: stopped and continued children (WUNTRACED).
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { isMainThread } from "node:worker_threads";
import type { WaitStatus } from "../port.ts";
import type { Libc } from "./libc.ts";
import { signalName } from "../signals.ts";

const WNOHANG = 1;

/**
 * How often to look without having been told: a safety net, and the only way in a worker thread,
 * which gets no signals.
 */
const LOOK_MS = isMainThread ? 30_000 : 10;

/** Knows the children that are still to be waited for. */
export interface Reaper {
  /** Must be called before the first child, so that no signal is missed. */
  start(): void;
  /**
   * Resolves when the process has ended and is gone from the process table. One that somebody else
   * made for us may have ended before we heard of it.
   */
  watch(pid: number): Promise<WaitStatus>;
}

/** Makes a reaper. While it watches, it keeps the event loop alive. */
export function createReaper(libc: Libc): Reaper {
  const watched = new Map<number, (status: WaitStatus) => void>();
  const status = new Int32Array(1);
  let timer: NodeJS.Timeout | undefined;
  let started = false;
  const endOf = (pid: number): WaitStatus | undefined =>
    libc.waitpid(pid, status, WNOHANG) === pid ? decodeWaitStatus(status[0] ?? 0) : undefined;
  const look = (): void => {
    for (const [pid, resolve] of watched) {
      const end = endOf(pid);
      if (end === undefined) continue;
      watched.delete(pid);
      resolve(end);
    }
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  return {
    start: () => {
      if (started) return;
      started = true;
      if (isMainThread) process.on("SIGCHLD", look);
    },
    watch: (pid) =>
      new Promise((resolve) => {
        const end = endOf(pid);
        if (end !== undefined) return resolve(end);
        watched.set(pid, resolve);
        timer ??= setInterval(look, LOOK_MS);
      }),
  };
}

/**
 * What waitpid(2) packs into one number: the low seven bits are the signal, zero for a normal exit,
 * whose code is in the next byte; bit seven tells of a core dump.
 *
 * @example decodeWaitStatus(0x2a00) // { exitCode: 42 }
 */
export function decodeWaitStatus(status: number): WaitStatus {
  const signal = status & 0x7f;
  if (signal === 0) return { exitCode: (status >> 8) & 0xff };
  return { signal: signalName(signal), coreDumped: (status & 0x80) !== 0 };
}
