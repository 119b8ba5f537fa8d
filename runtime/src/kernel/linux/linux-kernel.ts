/**
 * The Linux kernel port: every method of `Kernel` as the system call of its name.
 *
 * Each file of this folder implements one part of the port; this one puts them together. Nothing
 * here decides anything: what the kernel says is what the caller gets, with the errno by name.
 *
 * What a process needs: Linux on x86_64 or arm64, with the GNU C library.
 *
 * Kernel interface: syscalls(2).
 * Invariants: none; `kernel/conformance.ts` says what every implementation must do.
 * Left out: other architectures and C libraries.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Kernel, Processes } from "../port.ts";
import { linuxClock } from "./clock.ts";
import { linuxFiles } from "./files.ts";
import { linuxBearer, linuxFosterParent, type Bearer, type FosterParent } from "./foster.ts";
import { openLibc, type Libc } from "./libc.ts";
import { linuxMachine } from "./machine.ts";
import { linuxMounts } from "./mounts.ts";
import { linuxNetwork } from "./network.ts";
import { linuxProcesses } from "./processes.ts";

/**
 * Opens the door to the Linux kernel.
 *
 * Make one for a process and pass it down. It holds a listener for SIGCHLD as soon as `spawn` is
 * used.
 *
 * @throws Error on an architecture whose system call numbers are not known
 * @example const kernel = createLinuxKernel(); kernel.readText("/proc/self/comm");
 */
export function createLinuxKernel(): Kernel {
  const libc = openLibc(process.arch);
  return createKernel(libc);
}

/** The same for a process whose children are made by another one. */
export function createFosteringKernel(): {
  readonly kernel: Kernel;
  readonly foster: FosterParent;
} {
  const libc = openLibc(process.arch);
  return { kernel: createKernel(libc), foster: linuxFosterParent(libc) };
}

/** The same for that other one. @param mail its end of the way for mounts */
export function createBearer(mail: number): Bearer {
  const libc = openLibc(process.arch);
  return linuxBearer(libc, withoutProcesses(libc), { arch: process.arch, mail });
}

function createKernel(libc: Libc): Kernel {
  const others = withoutProcesses(libc);
  return { ...others, ...linuxProcesses(libc, others, process.arch) };
}

function withoutProcesses(libc: Libc): Omit<Kernel, keyof Processes> {
  return {
    ...linuxFiles(libc),
    ...linuxMounts(libc),
    ...linuxNetwork(libc),
    ...linuxClock(libc),
    ...linuxMachine(libc),
  };
}
