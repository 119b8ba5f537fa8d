/**
 * Inside: the life of a child from its birth to exec.
 *
 * Its stdio is connected, its signals act as in a new program again, `main` runs; then it becomes
 * the program that `main` returned, or ends.
 *
 * Kernel interface: dup(2), signal(2), close_range(2), execve(2), _exit(2).
 * Invariants: none.
 * Left out: a core dump of a child that failed.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import { KernelError, type Program } from "../port.ts";
import { execveCall, type CCall } from "./contexts.ts";
import { check, cPath, type Libc } from "./libc.ts";
import { whyNotExecute, type OwnBinary } from "./own-binary.ts";

const SIGKILL = 9;
const SIGSTOP = 19;
const LAST_SIGNAL = 64;

/** The child's ends of what connects it with its parent; undefined is /dev/null. */
export interface ChildSide {
  readonly stdin: number | undefined;
  readonly stdout: number | undefined;
  readonly stderr: number | undefined;
  /** Where a terminal's master goes, when there will be one. */
  readonly mail: number | undefined;
}

/** Connects stdin, stdout and stderr. */
export function connectStdio(libc: Libc, side: ChildSide): void {
  const nothing = fs.openSync("/dev/null", fs.constants.O_RDWR);
  for (const [fd, from] of [side.stdin, side.stdout, side.stderr].entries()) {
    check(libc.dup2(from ?? nothing, fd), "dup2", String(fd));
  }
  fs.closeSync(nothing);
}

/** Signals act as in a new program; they stay blocked. */
export function resetSignals(libc: Libc): void {
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    if (signal !== SIGKILL && signal !== SIGSTOP) libc.signal(signal, 0);
  }
}

/**
 * The call that makes this process another program.
 *
 * @throws KernelError EACCES when that is our own binary, see `own-binary.ts`; EINVAL when a text
 * holds a NUL
 */
export function prepareExecve(libc: Libc, own: OwnBinary, program: Program): CCall {
  const { path, argv, env } = program;
  for (const text of [path, ...argv, ...env]) cPath("execve", text);
  const why = whyNotExecute(own, path);
  if (why !== undefined) throw new KernelError("execve", why, path);
  return execveCall(libc, program);
}

const CLOSE_RANGE_CLOEXEC = 4;
const FIRST_OTHER_FD = 3;
const LAST_FD = 0xffffffff;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const OLD_KERNEL_FDS = 4096;

/** Node opens everything close-on-exec; this holds also for what was inherited by Node itself. */
export function closeOnExec(libc: Libc): void {
  if (libc.raw("close_range", FIRST_OTHER_FD, LAST_FD, CLOSE_RANGE_CLOEXEC) >= 0) return;
  // Linux before 5.11 cannot mark a range.
  for (let fd = FIRST_OTHER_FD; fd < OLD_KERNEL_FDS; fd++) libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
}
