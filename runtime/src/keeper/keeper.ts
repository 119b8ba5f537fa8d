/**
 * Keeper process: listens on <root>/keeper.sock until there is nothing left to keep.
 *
 * It outlives the daemon that started it, and leaves by itself: at once when it was asked to and is
 * idle, else when it has been idle and alone for a while. Idle means that it keeps no process,
 * alone that nobody is connected.
 *
 * One keeper for each root: a lock on <root>/keeper.lock, held as long as the process lives, makes
 * sure of it, also when two daemons start at the same instant. A socket file without a listener is
 * a dead keeper's and is replaced.
 *
 * @module
 */

import { chmodSync, unlinkSync } from "node:fs";
import net from "node:net";
import { KeeperServer, Lessons, serveConnection } from "../container/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { Kernel, Lock } from "../kernel/index.ts";
import { connectionOf, withShortPath } from "./socket.ts";
import type { ClosableStarter } from "./choice.ts";

/** How long a keeper waits, idle and alone, for a daemon that comes back. */
const ALONE_MS = 10_000;

const BACKLOG = 512;
const LOCK_TRIES = 50;
const LOCK_RETRY_MS = 10;
/** One errno with two names. */
const HELD = ["EWOULDBLOCK", "EAGAIN"];

/** How plans are journaled. */
export const TRACE = { sources: true } as const;

/** Where the keeper of a root listens. */
export function socketPathOf(root: string): string {
  return `${root}/keeper.sock`;
}

/** What a keeper is made of. */
export interface KeeperParts {
  readonly kernel: Kernel;
  readonly root: string;
  /** Makes its processes. */
  readonly starter: ClosableStarter;
  /** Called once clients can connect. */
  readonly onListening: () => void;
}

/**
 * Keeps processes until it may leave.
 *
 * @returns resolves when the keeper has nothing to keep and its socket is gone
 * @throws Error when the root has a keeper already, or the socket cannot be made
 */
export async function runKeeper({
  kernel,
  root,
  starter,
  onListening,
}: KeeperParts): Promise<void> {
  const lock = await takeLock(kernel, root);
  const path = socketPathOf(root);
  const server = new KeeperServer({ kernel, trace: TRACE, starter });
  const listener = net.createServer();
  const leave = whenToLeave(server, listener);
  await listen(listener, path);
  onListening();
  await leave;
  // Nobody can connect any more, and whoever tries starts the next keeper.
  unlinkSync(path);
  listener.close();
  starter.close();
  lock.release();
}

/** Waits a moment for a keeper that is just leaving. */
async function takeLock(kernel: Kernel, root: string): Promise<Lock> {
  const path = `${root}/keeper.lock`;
  for (let tries = 1; ; tries++) {
    try {
      return kernel.lockFile(path);
    } catch (error) {
      const isHeld = error instanceof KernelError && HELD.includes(error.errno);
      if (!isHeld) throw error;
      if (tries === LOCK_TRIES) throw new Error(`another keeper holds ${path}`, { cause: error });
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  }
}

async function listen(listener: net.Server, path: string): Promise<void> {
  // We hold the lock, so a socket that is there has no listener.
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    withShortPath(path, (short) => listener.listen({ path: short, backlog: BACKLOG }, resolve));
  });
  chmodSync(path, 0o600);
}

/** Serves every connection; resolves when the keeper may leave. */
function whenToLeave(server: KeeperServer, listener: net.Server): Promise<void> {
  return new Promise((resolve) => {
    const lessons = new Lessons();
    let connections = 0;
    let retires = false;
    let timer: NodeJS.Timeout | undefined;
    const consider = (): void => {
      clearTimeout(timer);
      timer = undefined;
      if (connections > 0 || server.size > 0) return;
      if (retires) resolve();
      else timer = setTimeout(resolve, ALONE_MS);
    };
    listener.on("connection", (socket) => {
      connections++;
      retires = false;
      consider();
      serveConnection(server, connectionOf(socket), {
        lessons,
        onRetire: () => {
          retires = true;
        },
        onEnd: () => {
          connections--;
          consider();
        },
      });
    });
    server.onExit(consider);
    consider();
  });
}
