/**
 * Foster: one process makes children, another one is their parent.
 *
 * Whoever makes a child by vfork sleeps while that child prepares itself, and is lost when somebody
 * kills the child meanwhile (see `vfork.ts`). A process that must neither sleep nor be lost leaves
 * this to a bearer, a child of its own. What the bearer makes by CLONE_PARENT are its siblings: the
 * parent waits for them, they die with it, and it holds the other ends of their pipes, which it has
 * made and whose near ends it sent along.
 *
 * ```
 * parent ── order, the child's ends ──▶ bearer ── clone(CLONE_VFORK | CLONE_PARENT) ──▶ child
 *    ▲  ◀─────── its pid ────────────────┘                                               │
 *    └─────────────────────── SIGCHLD, pipes ────────────────────────────────────────────┘
 * ```
 *
 * Kernel interface: clone(2) CLONE_PARENT, unix(7) SCM_RIGHTS, wait(2), proc_pid_task(5) children.
 * Invariants: none; `keeper/starters.test.ts` kills what is on its way, and lets it hang.
 * Left out: nothing.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */
import fs from "node:fs";
import type { Child, HostPid, Kernel, Processes, SpawnOptions } from "../port.ts";
import { createStreams, takeTerminal } from "./child.ts";
import { receiveDescriptor, receiveMessage, sendDescriptor, sendMessage } from "./descriptors.ts";
import { openMounts } from "./held-mounts.ts";
import type { ChildSide } from "./inside.ts";
import type { Libc } from "./libc.ts";
import {
  closeAll,
  createNursery,
  linuxProcessesButSpawn,
  openEnds,
  openMail,
  watchLife,
} from "./processes.ts";
import { createReaper } from "./reaper.ts";

/** A child that somebody else is about to make for us. */
export interface Expected {
  /** The child's ends, in the order in which `Bearer.spawnWith` wants them. */
  readonly ends: readonly number[];
  /** They were sent: our copies are closed. The ends that stay are made into streams meanwhile. */
  sent(): void;
  /** It is there. */
  born(hostPid: HostPid): Child;
  /** It will not come. */
  never(): void;
}

/** What a process needs whose children are made by another one. */
export interface FosterParent {
  /** A line to a bearer, or the way for its mounts: our end, and the one to start it with. */
  openLine(): readonly [ours: number, theirs: number];
  /** Sends what there is room for, with open files. @returns how much that was */
  send(line: number, bytes: Uint8Array, fds: readonly number[]): number;
  /** @param mail our end of the way for its mounts */
  expect(options: SpawnOptions, mail: number): Expected;
  /** Waits for one that has ended or is about to. */
  reap(hostPid: HostPid): void;
  /**
   * Children of ours that nobody waits for and that never became another program: they are called
   * as the bearer that made them.
   *
   * @param bearers are called so, too, and waited for elsewhere
   */
  strays(name: string, bearers: ReadonlySet<HostPid>): readonly HostPid[];
}

/** See `FosterParent`. */
export function linuxFosterParent(libc: Libc): FosterParent {
  const reaper = createReaper(libc);
  reaper.start();
  const known = new Set<HostPid>();
  const watch: Watch = (hostPid, mounts) => {
    known.add(hostPid);
    const life = watchLife(reaper, hostPid, mounts);
    void life.exited.then(() => known.delete(hostPid));
    return life;
  };
  return {
    openLine: () => openMail(libc),
    send: (line, bytes, fds) => sendMessage(libc, line, bytes, fds),
    expect: (options, mail) => expectChild(libc, { options, mail, watch }),
    reap: (hostPid) => void watch(hostPid, undefined),
    strays: (name, bearers) => {
      const list = fs.readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
      const pids = list.split(" ").filter((pid) => pid !== "");
      return pids
        .map(Number)
        .filter((pid) => !known.has(pid) && !bearers.has(pid) && nameOf(pid) === name);
    },
  };
}

type Watch = (hostPid: HostPid, mounts: number | undefined) => ReturnType<typeof watchLife>;

/** Without its arguments; a process that has ended still has it. */
function nameOf(hostPid: HostPid): string {
  try {
    return fs.readFileSync(`/proc/${hostPid}/comm`, "utf8").trimEnd();
  } catch {
    return "";
  }
}

interface Expecting {
  readonly options: SpawnOptions;
  readonly mail: number;
  readonly watch: Watch;
}

function expectChild(libc: Libc, { options, mail, watch }: Expecting): Expected {
  const { parent, child } = openEnds(libc, options);
  let streams: ReturnType<typeof createStreams> | undefined;
  return {
    ends: [child.stdin, child.stdout, child.stderr, child.mail].filter((fd) => fd !== undefined),
    sent: () => {
      closeAll(child);
      streams = createStreams(parent);
    },
    born: (hostPid) => {
      const mounts = receiveDescriptor(libc, mail);
      const terminal = takeTerminal(libc, parent);
      const ends = streams ?? createStreams(parent);
      return { hostPid, ...ends, ...terminal, ...watch(hostPid, mounts) };
    },
    never: () => {
      if (streams === undefined) {
        closeAll(child);
        return closeAll(parent);
      }
      if (parent.mail !== undefined) fs.closeSync(parent.mail);
      streams.stdin?.end();
      // A pipe that is nobody's any more ends at once.
      for (const source of [streams.stdout, streams.stderr]) source?.listen(nothing, nothing);
    },
  };
}

function nothing(): void {
  // Nobody wants to know.
}

/** What arrives on a line, as it came. */
export interface Ordered {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
}

/** A process that makes children for its parent. */
export interface Bearer {
  readonly kernel: Kernel;
  /** Waits for more of the parent's orders; undefined when it is gone. */
  receive(line: number): Ordered | undefined;
  /**
   * Calls what may spawn once, with those ends.
   *
   * @returns whom the parent has to wait for besides, whatever `act` did
   */
  spawnWith(options: SpawnOptions, ends: readonly number[], act: () => void): readonly HostPid[];
}

const ROOM_BYTES = 65_536;

/** See `Bearer`. @param others the calls but those of processes */
export function linuxBearer(
  libc: Libc,
  others: Omit<Kernel, keyof Processes>,
  { arch, mail }: { readonly arch: string; readonly mail: number },
): Bearer {
  let side: ChildSide | undefined;
  let endings: HostPid[] = [];
  const kernel = createKernel(libc, others, arch, {
    onEnding: (hostPid) => void endings.push(hostPid),
    mail,
    sideNow: () => side,
  });
  const room = new Uint8Array(ROOM_BYTES);
  return {
    kernel,
    receive: (line) => {
      const { length, fds } = receiveMessage(libc, line, room);
      return length === 0 ? undefined : { bytes: room.slice(0, length), fds };
    },
    spawnWith: ({ stdio, stdin }, ends, act) => {
      side = sideOf(stdio === "terminal" ? "mail" : stdin ? "all" : "outputs", ends);
      endings = [];
      try {
        act();
      } finally {
        closeAll(side);
        side = undefined;
      }
      return endings;
    },
  };
}

function sideOf(kind: "mail" | "all" | "outputs", ends: readonly number[]): ChildSide {
  const none = { stdin: undefined, stdout: undefined, stderr: undefined, mail: undefined };
  if (kind === "mail") return { ...none, mail: ends[0] };
  if (kind === "all") return { ...none, stdin: ends[0], stdout: ends[1], stderr: ends[2] };
  return { ...none, stdout: ends[0], stderr: ends[1] };
}

/** The child may have ended before its parent could look for them. */
function sendMounts(libc: Libc, mail: number, hostPid: HostPid): void {
  const mounts = openMounts(hostPid);
  if (mounts === undefined) return;
  sendDescriptor(libc, mail, mounts);
  fs.closeSync(mounts);
}

interface Bearing {
  readonly onEnding: (hostPid: HostPid) => void;
  readonly mail: number;
  readonly sideNow: () => ChildSide | undefined;
}

function createKernel(
  libc: Libc,
  others: Omit<Kernel, keyof Processes>,
  arch: string,
  { onEnding, mail, sideNow }: Bearing,
): Kernel {
  const kernel = { ...others, ...linuxProcessesButSpawn(libc, arch) };
  const nursery = createNursery(libc, kernel, arch, { onEnding });
  const spawn: Kernel["spawn"] = (options, main) => {
    const side = sideNow();
    if (side === undefined) throw new Error("bug: a child without ends");
    const hostPid = nursery(options, side, main);
    if (options.outlivedByMounts === true) sendMounts(libc, mail, hostPid);
    const streams = { stdin: undefined, stdout: undefined, stderr: undefined, terminal: undefined };
    // Only its parent learns of its end.
    const never = new Promise<never>(nothing);
    return { hostPid, ...streams, exited: never, unmounted: never };
  };
  return { ...kernel, spawn };
}
