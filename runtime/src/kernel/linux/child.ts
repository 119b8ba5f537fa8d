/**
 * Child: another program as its parent sees it.
 *
 * Kernel interface: wait(2), pipe(7), unix(7).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import type { Child, Terminal } from "../port.ts";
import { receiveDescriptor } from "./descriptors.ts";
import type { Libc } from "./libc.ts";
import { openSink, openSource } from "./streams.ts";
import { openMaster } from "./terminal.ts";

/** The parent's ends of what connects it with its child. */
export interface ParentSide {
  readonly stdin: number | undefined;
  readonly stdout: number | undefined;
  readonly stderr: number | undefined;
  /** Where a terminal's master arrives, when there will be one. */
  readonly mail: number | undefined;
}

/** Makes the parent's view of a child. It owns the descriptors of `side` from now on. */
export function createChild(
  libc: Libc,
  hostPid: number,
  side: ParentSide,
): Omit<Child, "exited" | "unmounted"> {
  return {
    hostPid,
    stdin: side.stdin === undefined ? undefined : openSink(side.stdin),
    stdout: side.stdout === undefined ? undefined : openSource(side.stdout),
    stderr: side.stderr === undefined ? undefined : openSource(side.stderr),
    terminal: side.mail === undefined ? undefined : takeTerminal(libc, side.mail),
  };
}

function takeTerminal(libc: Libc, mail: number): Terminal | undefined {
  const masterFd = receiveDescriptor(libc, mail);
  fs.closeSync(mail);
  return masterFd === undefined ? undefined : openMaster(libc, masterFd);
}
