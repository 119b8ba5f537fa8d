/**
 * fork into a user namespace: how a child is born as PID 1 of a namespace that its own user
 * namespace owns.
 *
 * Who owns a PID namespace decides who may mount a proc of it. Were it made by the parent, as
 * `fork.ts` does, the root of the new user namespace could not. So the two are made together, by a
 * process that has one thread, which the parent has not: a helper that is forked for it, makes
 * both, clones itself once more, tells the pid and is gone. With CLONE_PARENT the clone is not the
 * helper's child but its sibling, so that the parent can wait for it like for any other.
 *
 * ```
 * parent ── fork ──▶ helper ── unshare(CLONE_NEWUSER | CLONE_NEWPID)
 *    │                  ├────── clone(CLONE_PARENT) ──▶ child, PID 1
 *    │◀──── pid ────────┘                                 │
 *    └──────────────── is the parent of ──────────────────┘
 * ```
 *
 * Kernel interface: clone(2), unshare(2), user_namespaces(7), pid_namespaces(7).
 * Invariants: none.
 * Left out: joining a PID namespace from a new user namespace, which the kernel refuses.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import { KernelError, type SpawnOptions } from "../port.ts";
import { errnoName, errnoNumber } from "./errno.ts";
import { allowCopying, fork, type ForkPlace } from "./fork.ts";
import { check, lastErrno, type Libc } from "./libc.ts";

const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWPID = 0x20000000;
const CLONE_PARENT = 0x00008000;
const SIGCHLD = 17;
const O_CLOEXEC = 0o2000000;

/**
 * Makes a copy of this process in a new user namespace, whose id maps are still to be written.
 *
 * @returns as `fork`
 * @throws KernelError when a namespace or a process cannot be made
 */
export function forkInUserNamespace(
  libc: Libc,
  place: ForkPlace,
  pidNamespace: SpawnOptions["pidNamespace"],
): number {
  if (typeof pidNamespace === "number") {
    throw new KernelError("unshare", "EINVAL", String(pidNamespace));
  }
  const ends = new Int32Array(2);
  check(libc.pipe2(ends, O_CLOEXEC), "pipe2", "fork");
  const [readEnd = -1, writeEnd = -1] = ends;
  try {
    const helper = fork(libc, place, "inherit");
    if (helper === 0) return helperLife(libc, place, pidNamespace, writeEnd);
    const answer = new Int32Array(1);
    fs.readSync(readEnd, new Uint8Array(answer.buffer));
    libc.waitpid(helper, new Int32Array(1), 0);
    const [pid = 0] = answer;
    if (pid <= 0)
      throw new KernelError("unshare", pid === 0 ? "EIO" : errnoName(-pid), "CLONE_NEWUSER");
    return pid;
  } finally {
    fs.closeSync(readEnd);
    fs.closeSync(writeEnd);
  }
}

/** In the helper. Only the child that it makes returns, with 0. */
function helperLife(
  libc: Libc,
  place: ForkPlace,
  pidNamespace: "inherit" | "new",
  writeEnd: number,
): number {
  const pidFlag = pidNamespace === "new" ? CLONE_NEWPID : 0;
  let pid = libc.unshare(CLONE_NEWUSER | pidFlag);
  if (pid === 0) {
    allowCopying(libc, place);
    pid = libc.raw("clone", CLONE_PARENT | SIGCHLD);
    if (pid === 0) return 0;
  }
  const answer = pid > 0 ? pid : -(errnoNumber(lastErrno()) ?? 1);
  fs.writeSync(writeEnd, new Uint8Array(new Int32Array([answer]).buffer));
  return libc._exit(0);
}
