/**
 * Self: what a child does to itself before it becomes another program.
 *
 * Kernel interface: unshare(2), setns(2), prctl(2), seccomp(2), prlimit(2), setsid(2), execve(2),
 * ioctl_tty(2).
 * Invariants: none.
 * Left out: time namespaces' offsets, scheduling and io priorities. A limit on memory that the
 * kernel refuses although it looked possible is not set.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import {
  KernelError,
  type BpfInstruction,
  type HostPid,
  type NamespaceFlag,
  type ResourceLimit,
  type Self,
} from "../port.ts";
import { packInstructions, packProgram } from "./bpf.ts";
import { linuxCredentials } from "./credentials.ts";
import { callFs } from "./files.ts";
import type { CCall } from "./contexts.ts";
import { check, cPath, lastErrno, type Libc } from "./libc.ts";
import { packLimit, resourceNumber } from "./resource-limits.ts";
import { requireSignal } from "../signals.ts";
import { openTerminal, TIOCSCTTY } from "./terminal.ts";

/** Flags of clone(2), with the name of the file in /proc/PID/ns. */
export const NAMESPACES: Readonly<
  Record<NamespaceFlag, { readonly bit: number; readonly file: string }>
> = {
  CLONE_NEWUSER: { bit: 0x10000000, file: "user" },
  CLONE_NEWCGROUP: { bit: 0x02000000, file: "cgroup" },
  CLONE_NEWUTS: { bit: 0x04000000, file: "uts" },
  CLONE_NEWIPC: { bit: 0x08000000, file: "ipc" },
  CLONE_NEWPID: { bit: 0x20000000, file: "pid" },
  CLONE_NEWNET: { bit: 0x40000000, file: "net" },
  CLONE_NEWTIME: { bit: 0x00000080, file: "time" },
  CLONE_NEWNS: { bit: 0x00020000, file: "mnt" },
};

const STDIN = 0;
/** Major 1, minor 3. */
const NULL_DEVICE = 0x103;
const PR_SET_PDEATHSIG = 1;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;

/** What a child does to itself, and what of it waits until `main` is over. */
export interface LateSelf {
  readonly self: Omit<Self, "execve">;
  /** The calls to be made right before execve(2); asked once, by the same child. */
  takeLateCalls(): readonly CCall[];
}

/**
 * What a child does to itself on Linux.
 *
 * @param isHelper whether another process goes on from here (see `vfork.ts`). A session, a
 * controlling terminal and the parent-death signal are not inherited: they wait for that one
 */
export function linuxSelf(libc: Libc, isHelper: boolean): LateSelf {
  let late: CCall[] = [];
  const addLate = (call: CCall): void => void late.push(call);
  return {
    self: {
      ...namespaces(libc),
      ...surroundings(libc),
      ...restrictions(libc, addLate),
      ...linuxCredentials(libc),
      ...(isHelper ? inheritor(libc, addLate) : {}),
    },
    takeLateCalls: () => {
      const taken = late;
      late = [];
      return taken;
    },
  };
}

function namespaces(
  libc: Libc,
): Pick<Self, "unshare" | "joinNamespaces" | "joinNamespacePath" | "joinUserNamespace"> {
  return {
    unshare: (flags) => {
      const bits = flags.reduce((sum, flag) => sum | NAMESPACES[flag].bit, 0);
      check(libc.unshare(bits), "unshare", flags.join("|"));
    },
    joinNamespaces: (hostPid, flags) => joinNamespaces(libc, hostPid, flags),
    joinUserNamespace: (handle) => {
      check(libc.setns(handle, NAMESPACES.CLONE_NEWUSER.bit), "setns", `user ${handle}`);
    },
    joinNamespacePath: (path, flag) => {
      const fd = callFs("setns", path, () => fs.openSync(path, "r"));
      try {
        check(libc.setns(fd, NAMESPACES[flag].bit), "setns", path);
      } finally {
        fs.closeSync(fd);
      }
    },
  };
}

/**
 * All are opened before the first is entered: in the new mount namespace /proc may be another one.
 * A pidfd would do for all at once, but pidfd_open(2) takes pids of the caller's PID namespace,
 * which may no longer be the host's.
 *
 * Entering a user namespace takes away the caller's power over what that namespace does not own,
 * and gives it power over what it does own. So the others are tried first, and those that were
 * refused again behind it.
 */
function joinNamespaces(libc: Libc, hostPid: HostPid, flags: readonly NamespaceFlag[]): void {
  const opened: { readonly fd: number; readonly bit: number; readonly path: string }[] = [];
  try {
    for (const [flag, { bit, file }] of Object.entries(NAMESPACES)) {
      if (!flags.some((one) => one === flag)) continue;
      const path = `/proc/${hostPid}/ns/${file}`;
      opened.push({ fd: callFs("setns", path, () => fs.openSync(path, "r")), bit, path });
    }
    const others = opened.filter(({ bit }) => bit !== NAMESPACES.CLONE_NEWUSER.bit);
    const user = opened.filter(({ bit }) => bit === NAMESPACES.CLONE_NEWUSER.bit);
    const refused = others.filter(({ fd, bit, path }) => {
      if (libc.setns(fd, bit) === 0) return false;
      if (user.length === 0 || lastErrno() !== "EPERM") check(-1, "setns", path);
      return true;
    });
    for (const { fd, bit, path } of [...user, ...refused]) {
      check(libc.setns(fd, bit), "setns", path);
    }
  } finally {
    for (const { fd } of opened) fs.closeSync(fd);
  }
}

function surroundings(
  libc: Libc,
): Pick<
  Self,
  | "openCgroups"
  | "joinCgroups"
  | "chdir"
  | "umask"
  | "setHostname"
  | "setDomainname"
  | "setSession"
  | "openTerminal"
  | "ownStdio"
> {
  return {
    openCgroups: (paths) =>
      paths.map((path) => callFs("open", path, () => fs.openSync(path, fs.constants.O_WRONLY))),
    joinCgroups: (handles) => {
      for (const handle of handles) {
        callFs("write", `cgroup ${handle}`, () => fs.writeSync(handle, "0"));
      }
    },
    chdir: (path) => {
      check(libc.chdir(cPath("chdir", path)), "chdir", path);
    },
    umask: (mask) => {
      libc.umask(mask);
    },
    setHostname: (name) => {
      const length = new TextEncoder().encode(name).length;
      check(libc.sethostname(name, length), "sethostname", name);
    },
    setDomainname: (name) => {
      const length = new TextEncoder().encode(name).length;
      check(libc.setdomainname(name, length), "setdomainname", name);
    },
    setSession: () => {
      check(libc.setsid(), "setsid", "");
    },
    openTerminal: (ptmxPath) => {
      const { slavePath, masterFd } = openTerminal(libc, ptmxPath);
      check(libc.ioctlNumber(STDIN, TIOCSCTTY, 0), "openpty", slavePath);
      return { slavePath, masterFd };
    },
    ownStdio: (uid, gid) => {
      // A stream that leads to /dev/null leads to the host's: that one stays as it is.
      for (const fd of [0, 1, 2]) {
        callFs("fchown", String(fd), () => {
          if (fs.fstatSync(fd).rdev !== NULL_DEVICE) fs.fchownSync(fd, uid, gid);
        });
      }
    },
  };
}

/** These would strike the memory that a child shares with its parent. */
const MEMORY_LIMITS: readonly string[] = ["RLIMIT_AS", "RLIMIT_DATA", "RLIMIT_STACK"];

function restrictions(
  libc: Libc,
  addLate: (call: CCall) => void,
): Pick<
  Self,
  "setResourceLimit" | "setNoNewPrivileges" | "installSeccomp" | "setParentDeathSignal"
> {
  const packed = new WeakMap<readonly BpfInstruction[], Uint8Array>();
  return {
    setResourceLimit: ({ name, soft, hard }) => {
      const resource = resourceNumber(name);
      if (resource === undefined) throw new KernelError("prlimit", "EINVAL", name);
      const limit = packLimit(soft, hard);
      if (MEMORY_LIMITS.includes(name)) {
        assertMayLimit(libc, resource, { name, soft, hard });
        const args = [0, resource, libc.addressOf(new Uint8Array(limit.buffer)), 0];
        addLate({ name: "prlimit", args, memory: limit });
        return;
      }
      check(libc.rawBytes("prlimit64", 0, resource, limit, null), "prlimit", name);
    },
    setNoNewPrivileges: () => {
      check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl", "PR_SET_NO_NEW_PRIVS");
    },
    installSeccomp: (program) => {
      // Programs are hundreds of instructions, and nearly always the same few.
      const instructions = packed.get(program) ?? packInstructions(program);
      packed.set(program, instructions);
      const pointer = packProgram(program.length, libc.addressOf(instructions));
      const result = libc.rawBytes("seccomp", SECCOMP_SET_MODE_FILTER, 0, pointer, null);
      check(result, "seccomp", `${program.length} instructions`);
    },
    setParentDeathSignal: (signal) => {
      const number = requireSignal("prctl", signal);
      check(libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0), "prctl", "PR_SET_PDEATHSIG");
    },
  };
}

/** What prlimit(2) would say, had it been asked now. */
function assertMayLimit(libc: Libc, resource: number, { name, soft, hard }: ResourceLimit): void {
  const current = new BigUint64Array(2);
  check(libc.rawBytes("prlimit64", 0, resource, null, current), "prlimit", name);
  if (soft > hard) throw new KernelError("prlimit", "EINVAL", name);
  const [wanted = 0n] = packLimit(hard, hard);
  const isRaise = wanted > (current[1] ?? 0n);
  if (!isRaise || linuxCredentials(libc).getCapabilities().effective.includes("CAP_SYS_RESOURCE"))
    return;
  throw new KernelError("prlimit", "EPERM", name);
}

/** What the process that goes on must do itself. None of it can fail in a process just born. */
function inheritor(
  libc: Libc,
  addLate: (call: CCall) => void,
): Pick<Self, "setSession" | "openTerminal" | "setParentDeathSignal"> {
  return {
    setSession: () => addLate({ name: "setsid", args: [] }),
    openTerminal: (ptmxPath) => {
      const terminal = openTerminal(libc, ptmxPath);
      addLate({ name: "ioctl", args: [STDIN, TIOCSCTTY, 0] });
      return terminal;
    },
    setParentDeathSignal: (signal) => {
      const number = requireSignal("prctl", signal);
      addLate({ name: "prctl", args: [PR_SET_PDEATHSIG, number, 0, 0, 0] });
    },
  };
}
