/**
 * Processes: spawn, kill and id maps.
 *
 * `spawn` is one synchronous block: pipes, fork, and in the parent the ends as streams. The child's
 * ends are closed in the parent at once, so that the end of a stream means that nobody in the
 * container can write any more.
 *
 * Kernel interface: fork(2), pipe(2), socketpair(2), kill(2), user_namespaces(7).
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
  type Inside,
  type Kernel,
  type Processes,
  type Self,
  type SpawnOptions,
} from "../port.ts";
import { createChild, type ParentSide } from "./child.ts";
import { callFs } from "./files.ts";
import { findForkPlace, fork, type ForkPlace } from "./fork.ts";
import { runInside, type ChildSide } from "./inside.ts";
import { check, type Libc } from "./libc.ts";
import { findOwnBinary } from "./own-binary.ts";
import { createReaper } from "./reaper.ts";
import { linuxSelf } from "./self.ts";
import { signalNumber } from "../signals.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const O_CLOEXEC = 0o2000000;

type Rest = Omit<Kernel, keyof Processes>;

/** The process calls of the port on Linux. @param rest the other calls, for the child's kernel */
export function linuxProcesses(libc: Libc, rest: Rest): Processes {
  const reaper = createReaper(libc);
  let place: ForkPlace | undefined;
  // Made before the fork: a child would have to make it anew each time.
  let childKernel: (Kernel & Self) | undefined;
  const kill: Processes["kill"] = (hostPid, signal) => {
    const number = signalNumber(signal);
    if (number === undefined) throw new KernelError("kill", "EINVAL", signal);
    check(libc.kill(hostPid, number), "kill", String(hostPid));
  };
  const writeIdMap: Processes["writeIdMap"] = (hostPid, kind, map) => {
    const lines = map.map((range) => `${range.containerId} ${range.hostId} ${range.count}\n`);
    rest.writeFile(`/proc/${hostPid}/${kind}_map`, lines.join(""), "existing");
  };
  const spawn = (options: SpawnOptions, main: (inside: Inside) => void): Child => {
    place ??= callFs("fork", "/proc/self", findForkPlace);
    childKernel ??= {
      ...rest,
      kill,
      writeIdMap,
      spawn: refuseSpawn,
      ...linuxSelf(libc, callFs("fork", "/proc/self/exe", findOwnBinary)),
    };
    reaper.start();
    const ends = openEnds(libc, options);
    const pid = forkOrClose(libc, place, ends, options);
    if (pid === 0) runInside(libc, ends.child, childKernel, main);
    closeAll(ends.child);
    return createChild(libc, reaper, pid, ends.parent);
  };
  return { spawn, kill, writeIdMap };
}

function refuseSpawn(): never {
  throw new KernelError("fork", "EOPNOTSUPP", "child");
}

function forkOrClose(libc: Libc, place: ForkPlace, ends: Ends, options: SpawnOptions): number {
  try {
    return fork(libc, place, options.pidNamespace);
  } catch (error) {
    closeAll(ends.child);
    closeAll(ends.parent);
    throw error;
  }
}

interface Ends {
  readonly parent: ParentSide;
  readonly child: ChildSide;
}

type Pair = readonly [number, number];

/** Makes the channel and the pipes; all or none. */
function openEnds(libc: Libc, options: SpawnOptions): Ends {
  const made: Pair[] = [];
  const pipe = (wanted: boolean): Pair | undefined => {
    if (!wanted) return undefined;
    const ends = openPair((fds) => libc.pipe2(fds, O_CLOEXEC), "pipe2");
    made.push(ends);
    return ends;
  };
  const type = SOCK_STREAM | O_CLOEXEC;
  const channel = openPair((fds) => libc.socketpair(AF_UNIX, type, 0, fds), "socketpair");
  made.push(channel);
  try {
    const piped = options.stdio === "pipes";
    const stdin = pipe(piped && options.stdin);
    const stdout = pipe(piped);
    const stderr = pipe(piped);
    return {
      parent: { stdin: stdin?.[1], stdout: stdout?.[0], stderr: stderr?.[0], channel: channel[0] },
      child: { stdin: stdin?.[0], stdout: stdout?.[1], stderr: stderr?.[1], channel: channel[1] },
    };
  } catch (error) {
    for (const fd of made.flat()) fs.closeSync(fd);
    throw error;
  }
}

function openPair(open: (fds: Int32Array) => number, syscall: string): Pair {
  const fds = new Int32Array(2);
  check(open(fds), syscall, "stdio");
  const [first = -1, second = -1] = fds;
  return [first, second];
}

function closeAll(side: ParentSide | ChildSide): void {
  for (const fd of [side.stdin, side.stdout, side.stderr, side.channel]) {
    if (fd !== undefined) fs.closeSync(fd);
  }
}
