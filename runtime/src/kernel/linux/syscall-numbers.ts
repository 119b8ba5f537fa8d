/**
 * System call numbers: for the calls that glibc has no function for.
 *
 * A system call is a number in a register. Each architecture has its own numbering; arm64 uses the
 * generic one, and from 424 on all agree. Calls that glibc wraps (mount, setns, prctl…) are not
 * here: `libc.ts` binds the wrapper.
 *
 * setgroups, setresuid and setresgid are here although glibc has them: its versions would try to
 * change every thread of the process, while the kernel's change the calling one, and a child of
 * ours has only one.
 *
 * Kernel interface: syscall(2), syscalls(2).
 * Invariants: none.
 * Left out: 32-bit architectures, riscv64 (has arm64's numbers) and others.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */

/** The calls made by number. */
export type RawSyscall =
  | "pivot_root"
  | "mknodat"
  | "setgroups"
  | "setresuid"
  | "setresgid"
  | "capget"
  | "capset"
  | "seccomp"
  | "rt_sigprocmask"
  | "prlimit64"
  | "close_range"
  | "openat2";

/** Node's name of an architecture (`process.arch`) that this kernel implementation knows. */
export type Architecture = "x64" | "arm64";

/** Numbers by architecture: `arch/x86/entry/syscalls/syscall_64.tbl` and `asm-generic/unistd.h`. */
export const SYSCALL_NUMBERS: Readonly<Record<Architecture, Readonly<Record<RawSyscall, number>>>> =
  {
    x64: {
      pivot_root: 155,
      mknodat: 259,
      setgroups: 116,
      setresuid: 117,
      setresgid: 119,
      capget: 125,
      capset: 126,
      seccomp: 317,
      rt_sigprocmask: 14,
      prlimit64: 302,
      close_range: 436,
      openat2: 437,
    },
    arm64: {
      pivot_root: 41,
      mknodat: 33,
      setgroups: 159,
      setresuid: 147,
      setresgid: 149,
      capget: 90,
      capset: 91,
      seccomp: 277,
      rt_sigprocmask: 135,
      prlimit64: 261,
      close_range: 436,
      openat2: 437,
    },
  };

/**
 * The table for an architecture.
 *
 * @throws Error for an architecture that is not in the table: nothing can work there
 */
export function syscallNumbersOf(arch: string): Readonly<Record<RawSyscall, number>> {
  if (arch === "x64" || arch === "arm64") return SYSCALL_NUMBERS[arch];
  throw new Error(`No system call numbers for the architecture ${arch}`);
}
