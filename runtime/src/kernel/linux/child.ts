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
import type { Child } from "../port.ts";
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

/** The parent's ends of its pipes. They own the descriptors of `side` from now on. */
export function createStreams(side: ParentSide): Pick<Child, "stdin" | "stdout" | "stderr"> {
  return {
    stdin: side.stdin === undefined ? undefined : openSink(side.stdin),
    stdout: side.stdout === undefined ? undefined : openSource(side.stdout),
    stderr: side.stderr === undefined ? undefined : openSource(side.stderr),
  };
}

/** The terminal that the child has opened by now. */
export function takeTerminal(libc: Libc, { mail }: ParentSide): Pick<Child, "terminal"> {
  if (mail === undefined) return { terminal: undefined };
  const masterFd = receiveDescriptor(libc, mail);
  fs.closeSync(mail);
  return { terminal: masterFd === undefined ? undefined : openMaster(libc, masterFd) };
}
