/**
 * Child: a forked process as its parent sees it.
 *
 * Kernel interface: pidfd_open(2), pidfd_getfd(2), wait(2).
 * Invariants: none.
 * Left out: passing descriptors by SCM_RIGHTS, for kernels before 5.6.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import { KernelError, type Child, type Terminal } from "../port.ts";
import { createLineBox } from "../decorate.ts";
import { openParentEnd, type ParentEnd } from "./channel.ts";
import { check, type Libc } from "./libc.ts";
import type { Reaper } from "./reaper.ts";
import { openSink, openSource } from "./streams.ts";
import { openMaster } from "./terminal.ts";

/** The parent's ends of what connects it with its child. */
export interface ParentSide {
  readonly stdin: number | undefined;
  readonly stdout: number | undefined;
  readonly stderr: number | undefined;
  readonly channel: number;
}

/** A promise and its key. */
function createLater<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  const keys: ((value: T) => void)[] = [];
  const promise = new Promise<T>((resolve) => {
    keys.push(resolve);
  });
  return { promise, resolve: (value) => keys.forEach((key) => key(value)) };
}

/** Makes the parent's view of a child. It owns the descriptors of `side` from now on. */
export function createChild(libc: Libc, reaper: Reaper, hostPid: number, side: ParentSide): Child {
  const lines = createLineBox();
  const terminal = createLater<Terminal>();
  let end: ParentEnd | undefined;
  const channelEnded = new Promise<void>((resolve) => {
    end = openParentEnd(side.channel, {
      onLine: (line) => {
        if (!line.startsWith("t")) lines.push(line.slice(1));
        else end?.send(tryTakeTerminal(libc, hostPid, Number(line.slice(1)), terminal.resolve));
      },
      onEnd: () => {
        lines.end();
        resolve();
      },
    });
  });
  const reaped = reaper.watch(hostPid);
  return {
    hostPid,
    stdin: side.stdin === undefined ? undefined : openSink(side.stdin),
    stdout: side.stdout === undefined ? undefined : openSource(side.stdout),
    stderr: side.stderr === undefined ? undefined : openSource(side.stderr),
    terminal: terminal.promise,
    onReport: (onLine, onEnd) => lines.listen(onLine, onEnd),
    answer: (line) => end?.send(line),
    // What it reported comes first: a caller who learns of the exit has seen every line.
    exited: channelEnded.then(() => reaped),
  };
}

/** Takes the terminal's master out of the child. @returns the line to answer with */
function tryTakeTerminal(
  libc: Libc,
  pid: number,
  fd: number,
  give: (terminal: Terminal) => void,
): string {
  try {
    give(openMaster(libc, takeDescriptor(libc, pid, fd)));
    return "+";
  } catch (error) {
    return `!${error instanceof KernelError ? error.errno : "EIO"}`;
  }
}

/** A copy of another process's descriptor, close-on-exec. */
function takeDescriptor(libc: Libc, pid: number, fd: number): number {
  const pidfd = check(libc.raw("pidfd_open", pid, 0), "pidfd_open", String(pid));
  try {
    return check(libc.raw("pidfd_getfd", pidfd, fd, 0), "pidfd_getfd", String(pid));
  } finally {
    fs.closeSync(pidfd);
  }
}
