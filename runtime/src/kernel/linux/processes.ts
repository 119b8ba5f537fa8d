/**
 * Processes: spawn, kill and user namespaces.
 *
 * `spawn` is one synchronous block: pipes, a child that runs `main` and becomes a program, and in
 * the parent the ends as streams. The child's ends are closed in the parent at once, so that the
 * end of a stream means that nobody in the container can write any more.
 *
 * Kernel interface: clone(2), pipe(2), fcntl(2), socketpair(2), kill(2), user_namespaces(7).
 * Invariants: none.
 * Left out: spawning from inside a child: only the process with the event loop spawns.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import {
  KernelError,
  type Child,
  type HostPid,
  type Inside,
  type Kernel,
  type Processes,
  type Program,
  type Self,
  type SpawnOptions,
} from "../port.ts";
import { createStreams, takeTerminal, type ParentSide } from "./child.ts";
import { textCall, type CCall } from "./contexts.ts";
import { sendDescriptor } from "./descriptors.ts";
import { errnoName } from "./errno.ts";
import { callFs } from "./files.ts";
import {
  closeOnExec,
  connectStdio,
  prepareExecve,
  resetSignals,
  type ChildSide,
} from "./inside.ts";
import { holdMounts, holdRoot, openMounts } from "./held-mounts.ts";
import { check, type Libc } from "./libc.ts";
import { findOwnBinary } from "./own-binary.ts";
import { mountArguments } from "./mounts.ts";
import { createReaper, type Reaper } from "./reaper.ts";
import { linuxSelf } from "./self.ts";
import { requireSignal } from "../signals.ts";
import { createUserNamespace } from "./user-namespace.ts";
import { createVfork, type Body } from "./vfork.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const O_CLOEXEC = 0o2000000;

type Rest = Omit<Kernel, keyof Processes>;
type Main = (inside: Inside) => Program | undefined;

/** The process calls of the port on Linux. @param rest the other calls, for the child's kernel */
export function linuxProcesses(libc: Libc, rest: Rest, arch: string): Processes {
  const reaper = createReaper(libc);
  const processes = linuxProcessesButSpawn(libc, arch);
  let nursery: Nursery | undefined;
  const spawn: Processes["spawn"] = (options, main): Child => {
    nursery ??= createNursery(libc, { ...rest, ...processes }, arch);
    reaper.start();
    const ends = openEnds(libc, options);
    let hostPid: HostPid;
    try {
      hostPid = nursery(options, ends.child, main);
    } catch (error) {
      closeAll(ends.parent);
      throw error;
    } finally {
      closeAll(ends.child);
    }
    const mounts = options.outlivedByMounts === true ? openMounts(hostPid) : undefined;
    const life = watchLife(reaper, hostPid, mounts);
    return { hostPid, ...createStreams(ends.parent), ...takeTerminal(libc, ends.parent), ...life };
  };
  return { spawn, ...processes };
}

/** What a process can do to others, and what it needs to make some. */
export function linuxProcessesButSpawn(libc: Libc, arch: string): Omit<Processes, "spawn"> {
  return {
    kill: (hostPid, signal) => {
      check(libc.kill(hostPid, requireSignal("kill", signal)), "kill", String(hostPid));
    },
    holdRoot,
    createUserNamespace: (maps) => createUserNamespace(libc, arch, maps),
    closeUserNamespace: (handle) => fs.closeSync(handle),
  };
}

/** How a child of ours ends. @param mounts its mount namespace, if that is held */
export function watchLife(
  reaper: Reaper,
  hostPid: HostPid,
  mounts: number | undefined,
): Pick<Child, "exited" | "unmounted"> {
  const exited = reaper.watch(hostPid);
  return { exited, unmounted: holdMounts(mounts, exited) };
}

/** Makes a child that has this side of its stdio. @returns its pid */
export type Nursery = (options: SpawnOptions, side: ChildSide, main: Main) => HostPid;

/** What is made once for all children. @param foster see `createVfork` */
export function createNursery(
  libc: Libc,
  others: Omit<Kernel, "spawn">,
  arch: string,
  foster?: Parameters<typeof createVfork>[2],
): Nursery {
  const kernel: Kernel = { ...others, spawn: refuseSpawn };
  const vfork = createVfork(libc, arch, foster);
  const own = callFs("stat", "/proc/self/exe", findOwnBinary);
  const selves = { child: linuxSelf(libc, false), helper: linuxSelf(libc, true) };
  let prepared: CCall | undefined;
  const execve: Self["execve"] = (path, argv, env) => {
    const program = { path, argv, env };
    prepared = prepareExecve(libc, own, program);
    return program;
  };
  let callInChild: Parameters<Body>[0]["callInChild"] | undefined;
  const mountInside: Kernel["mount"] = (call) => {
    if (call.fstype !== "proc" || callInChild === undefined) return kernel.mount(call);
    const errno = callInChild(textCall(libc, "mount", mountArguments(call)));
    if (errno !== 0) throw new KernelError("mount", errnoName(errno), call.target);
  };
  const kernels = {
    child: { ...kernel, ...selves.child.self, execve },
    helper: { ...kernel, ...selves.helper.self, mount: mountInside, execve },
  };
  return ({ pidNamespace }, side, main) => {
    let path = "";
    const body: Body = ({ hostPid, isHelper, ...child }) => {
      const role = isHelper ? "helper" : "child";
      ({ callInChild } = child);
      connectStdio(libc, side);
      const handOver = (masterFd: number): void => handOverTerminal(libc, side, masterFd);
      const program = main({ kernel: kernels[role], hostPid, handOver });
      resetSignals(libc);
      const late = selves[role].takeLateCalls();
      if (program === undefined || prepared === undefined) return [...late, EXIT];
      ({ path } = program);
      closeOnExec(libc);
      return [...late, prepared];
    };
    try {
      const outcome = vfork(pidNamespace, body);
      if ("hostPid" in outcome) return outcome.hostPid;
      throw new KernelError("execve", outcome.execveErrno, path);
    } finally {
      prepared = undefined;
      for (const self of Object.values(selves)) self.takeLateCalls();
    }
  };
}

const EXIT: CCall = { name: "_exit", args: [0] };

function handOverTerminal(libc: Libc, { mail }: ChildSide, masterFd: number): void {
  if (mail === undefined) throw new KernelError("sendmsg", "ENOTCONN", String(masterFd));
  sendDescriptor(libc, mail, masterFd);
  fs.closeSync(masterFd);
}

function refuseSpawn(): never {
  throw new KernelError("clone", "EOPNOTSUPP", "child");
}

/** Both sides of what connects a child with its parent. */
export interface Ends {
  readonly parent: ParentSide;
  readonly child: ChildSide;
}

/** Two ends. */
export type Pair = readonly [number, number];

const F_SETPIPE_SZ = 1031;
/**
 * As much as anybody may have: with 64 KiB both sides wait for each other most of the time. Where
 * the kernel refuses it, that is what it stays at.
 */
const WIDE_PIPE_BYTES = 1024 * 1024;

/** Makes the pipes, and the way for a terminal; all or none. */
export function openEnds(libc: Libc, { stdio, stdin }: SpawnOptions): Ends {
  const made: Pair[] = [];
  const make = (wanted: boolean, kind: "pipe" | "wide pipe" | "mail"): Pair | readonly [] => {
    if (!wanted) return [];
    const ends = kind === "mail" ? openMail(libc) : openPipe(libc);
    if (kind === "wide pipe") libc.fcntl(ends[0], F_SETPIPE_SZ, WIDE_PIPE_BYTES);
    made.push(ends);
    return ends;
  };
  try {
    const isPiped = stdio === "pipes";
    const [childInput, parentInput] = make(isPiped && stdin, "wide pipe");
    const [parentOutput, childOutput] = make(isPiped, "wide pipe");
    const [parentErrors, childErrors] = make(isPiped, "pipe");
    const [parentMail, childMail] = make(stdio === "terminal", "mail");
    return {
      parent: { stdin: parentInput, stdout: parentOutput, stderr: parentErrors, mail: parentMail },
      child: { stdin: childInput, stdout: childOutput, stderr: childErrors, mail: childMail },
    };
  } catch (error) {
    for (const fd of made.flat()) fs.closeSync(fd);
    throw error;
  }
}

function openPipe(libc: Libc): Pair {
  return openPair((fds) => libc.pipe2(fds, O_CLOEXEC), "pipe2");
}

/** A way for a message with an open file. */
export function openMail(libc: Libc): Pair {
  const type = SOCK_STREAM | O_CLOEXEC;
  return openPair((fds) => libc.socketpair(AF_UNIX, type, 0, fds), "socketpair");
}

function openPair(open: (fds: Int32Array) => number, syscall: string): Pair {
  const fds = new Int32Array(2);
  check(open(fds), syscall, "stdio");
  const [first = -1, second = -1] = fds;
  return [first, second];
}

/** Closes one side. */
export function closeAll(side: ParentSide | ChildSide): void {
  for (const fd of [side.stdin, side.stdout, side.stderr, side.mail]) {
    if (fd !== undefined) fs.closeSync(fd);
  }
}
