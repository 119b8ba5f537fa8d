/**
 * Machine: what runs here, and who we are.
 *
 * Kernel interface: uname(2), getpid(2), geteuid(2).
 * Invariants: none.
 * Left out: /etc/os-release and the like, which are files and read as such.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import os from "node:os";
import type { Machine } from "../port.ts";
import type { Libc } from "./libc.ts";

/** The machine calls of the port on Linux. */
export function linuxMachine(libc: Libc): Machine {
  return {
    uname: () => ({
      sysname: os.type(),
      release: os.release(),
      version: os.version(),
      machine: os.machine(),
      nodename: os.hostname(),
    }),
    // Not process.pid: Node remembers it, and in a child it would be the parent's.
    identity: () => ({ hostPid: libc.getpid(), effectiveUid: process.geteuid?.() ?? 0 }),
  };
}
