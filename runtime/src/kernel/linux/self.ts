/**
 * Self: what a forked child does to itself before it becomes another program.
 *
 * Kernel interface: unshare(2), setns(2), prctl(2), seccomp(2), prlimit(2), setsid(2), execve(2),
 * ioctl_tty(2).
 * Invariants: none.
 * Left out: time namespaces' offsets, scheduling and io priorities.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import { KernelError, type HostPid, type NamespaceFlag, type Self } from "../port.ts";
import { packInstructions, packProgram } from "./bpf.ts";
import { linuxCredentials } from "./credentials.ts";
import { callFs } from "./files.ts";
import { check, cPath, lastErrno, type Libc } from "./libc.ts";
import { leadsToOwnBinary, type OwnBinary } from "./own-binary.ts";
import { packLimit, resourceNumber } from "./resource-limits.ts";
import { signalNumber } from "../signals.ts";
import { openTerminal } from "./terminal.ts";

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

/** Major 1, minor 3. */
const NULL_DEVICE = 0x103;
const PR_SET_PDEATHSIG = 1;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const CLOSE_RANGE_CLOEXEC = 4;
const FIRST_OTHER_FD = 3;
const LAST_FD = 0xffffffff;

/** What a child does to itself on Linux. @param own the file that execve must not run */
export function linuxSelf(libc: Libc, own: OwnBinary): Self {
  return {
    ...namespaces(libc),
    ...surroundings(libc),
    ...restrictions(libc),
    ...linuxCredentials(libc),
    execve: (path, argv, env) => execute(libc, own, { path, argv, env }),
  };
}

function namespaces(libc: Libc): Pick<Self, "unshare" | "joinNamespaces" | "joinNamespacePath"> {
  return {
    unshare: (flags) => {
      const bits = flags.reduce((sum, flag) => sum | NAMESPACES[flag].bit, 0);
      check(libc.unshare(bits), "unshare", flags.join("|"));
    },
    joinNamespaces: (hostPid, flags) => joinNamespaces(libc, hostPid, flags),
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
  | "openCgroup"
  | "joinCgroup"
  | "chdir"
  | "umask"
  | "setHostname"
  | "setDomainname"
  | "setSession"
  | "openTerminal"
  | "ownStdio"
> {
  return {
    openCgroup: (path) => callFs("open", path, () => fs.openSync(path, fs.constants.O_WRONLY)),
    joinCgroup: (handle) => {
      callFs("write", `cgroup ${handle}`, () => fs.writeSync(handle, "0"));
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
    openTerminal: (ptmxPath) => openTerminal(libc, ptmxPath),
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

function restrictions(
  libc: Libc,
): Pick<
  Self,
  "setResourceLimit" | "setNoNewPrivileges" | "installSeccomp" | "setParentDeathSignal"
> {
  return {
    setResourceLimit: ({ name, soft, hard }) => {
      const resource = resourceNumber(name);
      if (resource === undefined) throw new KernelError("prlimit", "EINVAL", name);
      const limit = packLimit(soft, hard);
      check(libc.rawBytes("prlimit64", 0, resource, limit, null), "prlimit", name);
    },
    setNoNewPrivileges: () => {
      check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl", "PR_SET_NO_NEW_PRIVS");
    },
    installSeccomp: (program) => {
      const instructions = packInstructions(program);
      const pointer = packProgram(program.length, libc.addressOf(instructions));
      const result = libc.rawBytes("seccomp", SECCOMP_SET_MODE_FILTER, 0, pointer, null);
      check(result, "seccomp", `${program.length} instructions`);
    },
    setParentDeathSignal: (signal) => {
      const number = signalNumber(signal);
      if (number === undefined) throw new KernelError("prctl", "EINVAL", signal);
      check(libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0), "prctl", "PR_SET_PDEATHSIG");
    },
  };
}

interface Program {
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
}

function execute(libc: Libc, own: OwnBinary, program: Program): never {
  const { path, argv, env } = program;
  for (const text of [path, ...argv, ...env]) cPath("execve", text);
  if (isOwn(own, path)) throw new KernelError("execve", "EACCES", path);
  // Node opens everything close-on-exec; this holds also for what was inherited by Node itself.
  const range = [FIRST_OTHER_FD, LAST_FD, CLOSE_RANGE_CLOEXEC] as const;
  if (libc.raw("close_range", ...range) < 0) closeOnExecOneByOne(libc);
  libc.execve(path, [...argv, null], [...env, null]);
  throw new KernelError("execve", lastErrno(), path);
}

function isOwn(own: OwnBinary, path: string): boolean {
  try {
    return leadsToOwnBinary(own, path);
  } catch {
    // What cannot be looked at is left to execve(2), which has the better errno.
    return false;
  }
}

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const OLD_KERNEL_FDS = 4096;

/** For Linux before 5.11, whose close_range(2) cannot mark. */
function closeOnExecOneByOne(libc: Libc): void {
  for (let fd = FIRST_OTHER_FD; fd < OLD_KERNEL_FDS; fd++) libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
}
