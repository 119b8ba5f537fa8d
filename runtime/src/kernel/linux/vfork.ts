/**
 * vfork: a child in the memory of its parent.
 *
 * fork(2) copies the page tables of a process, each page that either side then writes to, and
 * leaves the copy with code that it has to warm up again: many milliseconds for an engine that runs
 * JavaScript. A child by CLONE_VM | CLONE_VFORK has none of this. It *is* its parent as far as
 * memory goes, with its own descriptors, namespaces, credentials and signals; its parent waits
 * until it has become another program or is gone. What the child finds out is simply there when the
 * parent goes on.
 *
 * What makes that safe:
 *
 * - The parent's thread sleeps, so one of the two runs at a time.
 * - `main` runs as a callback that returns; execve comes after it, in `contexts.ts`.
 * - Signals are blocked until then, so that none runs the parent's handlers in the child.
 * - Nobody who could attach to the child may look at the parent's memory: it is not dumpable while
 *   the child is there.
 * - A limit on memory, which would strike the parent's memory too, is set right before execve.
 * - The kernel's out-of-memory killer leaves processes alone that are in vfork.
 *
 * A process that joins the PID namespace of others ends with them at any moment, so `main` does not
 * run there. It runs in our own one, and what it has become by then is inherited by a second child,
 * which does nothing but execve:
 *
 * ```
 * new, inherit     parent ─ clone ─▶ child: main, execve
 * a process's      parent ─ clone ─▶ helper: setns(pid), main ─ clone(CLONE_PARENT) ─▶ execve
 * ```
 *
 * One thing of `main` must be done inside: a proc mount shows the PID namespace of the process that
 * mounts it. That one call is made by a child of the helper that knows nothing else.
 *
 * Who kills the child in the few milliseconds of `main` leaves the parent's memory as it was in the
 * middle of a callback: Node-API often finds one scope too many and aborts, and where it does not
 * we end the process. One that must survive that has another one make its children (`foster.ts`),
 * which are its own nevertheless, by CLONE_PARENT.
 *
 * Kernel interface: clone(2), vfork(2), setns(2), pid_namespaces(7), sigprocmask(2).
 * Invariants: none.
 * Left out: a `main` that waits for its parent: it would wait for itself. A helper counts as one
 * more process of the container, so an exec needs room for two in its limits.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import koffi from "koffi";
import type { SpawnOptions } from "../port.ts";
import { createContexts, type CCall, type Contexts } from "./contexts.ts";
import { errnoName } from "./errno.ts";
import { callFs } from "./files.ts";
import { check, type Libc } from "./libc.ts";
import { NAMESPACES } from "./self.ts";

const CLONE_VM = 0x100;
const CLONE_VFORK = 0x4000;
const CLONE_PARENT = 0x8000;
const CLONE_PARENT_SETTID = 0x100000;
const NEW_PID = NAMESPACES.CLONE_NEWPID.bit;
const SIGCHLD = 17;
const SIG_SETMASK = 2;
const MASK_BYTES = 8;
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;

/** Offsets in the word that child and parent share. */
const PID = 0;
const FAILED = 4;

const ERRNO_BYTES = 4;
const STDERR = 2;

/** How a child of whom nothing is left but its exit code says that it threw: EX_SOFTWARE. */
const EXIT_THREW = 70;

/** What runs in a child. @returns what C does after it, execve or _exit at last */
export type Body = (child: {
  readonly hostPid: number;
  /** Whether another process goes on from here: what is not inherited belongs into the calls. */
  readonly isHelper: boolean;
  /**
   * Makes a call in a child, which for a helper is a process of the PID namespace that it joined.
   *
   * @returns the errno that it left, 0 for none
   */
  readonly callInChild: (call: CCall) => number;
}) => readonly CCall[];

/** A child that has become another program; or none, when execve was refused. */
export type Outcome = { readonly hostPid: number } | { readonly execveErrno: string };

/** Makes children. */
export type Vfork = (pidNamespace: SpawnOptions["pidNamespace"], body: Body) => Outcome;

/** What the child leaves for its parent. */
interface Story {
  /** Of the helper's child. */
  errno: number;
  helperPid: number;
  /** Whether `main` has come to its end, one way or the other. */
  isOver: boolean;
  thrown: { readonly error: unknown } | undefined;
}

/**
 * Makes the function that makes children. It throws what `body` threw; then no child is left, as
 * when execve was refused.
 *
 * @param foster makes them children of our own parent, who is told whom it has to wait for
 */
export function createVfork(
  libc: Libc,
  arch: string,
  foster?: { readonly onEnding: (hostPid: number) => void },
): Vfork {
  const parent = foster === undefined ? 0 : CLONE_PARENT;
  const reapEnding = foster?.onEnding ?? ((pid: number) => reap(libc, pid));
  const contexts = createContexts(libc, arch);
  const setcontext = libc.functionAddress("setcontext");
  const nothing = (): void => undefined;
  let run = nothing;
  const callback = libc.callbackAddress(() => run());
  const clone: Clone = (flags, context) => {
    contexts.word.clear();
    const all = CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD | flags;
    const { cloneStack, word } = contexts;
    return libc.clone(setcontext, cloneStack, all, context, word.address);
  };

  const callInChild = createCaller(libc, contexts, clone);
  return (pidNamespace, body) => {
    const target = openTarget(pidNamespace);
    const story: Story = { errno: 0, helperPid: 0, isOver: false, thrown: undefined };
    run = () => {
      inChild(contexts, story, () => {
        const hostPid = contexts.word.read(PID);
        if (target === undefined)
          return afterMain(contexts, body({ hostPid, isHelper: false, callInChild }));
        story.helperPid = hostPid;
        check(libc.setns(target, NEW_PID), "setns", `/proc/${pidNamespace}/ns/pid`);
        const calls = afterMain(contexts, body({ hostPid, isHelper: true, callInChild }));
        check(clone(CLONE_PARENT, contexts.chain(calls)), "clone", `/proc/${pidNamespace}/ns/pid`);
        story.errno = koffi.errno();
        return [{ name: "_exit", args: [0] }];
      });
    };
    const flags = pidNamespace === "new" ? NEW_PID | parent : parent;
    try {
      return guarded(libc, () => {
        contexts.chain([{ name: "_exit", args: [EXIT_THREW] }]);
        const first = check(
          clone(flags, contexts.callback(callback)),
          "clone",
          String(pidNamespace),
        );
        return conclude(reapEnding, contexts, story, first);
      });
    } finally {
      run = nothing;
      if (target !== undefined) fs.closeSync(target);
    }
  };
}

type Clone = (flags: number, context: bigint) => number;

/** How a child makes one call in a child of its own. */
function createCaller(libc: Libc, contexts: Contexts, clone: Clone): (call: CCall) => number {
  return (call) => {
    const errno = libc.errnoAddress();
    const failed = contexts.word.address + BigInt(FAILED);
    const calls: readonly CCall[] = [
      { name: "memset", args: [errno, 0, ERRNO_BYTES] },
      call,
      { name: "memcpy", args: [failed, errno, ERRNO_BYTES] },
      { name: "_exit", args: [0] },
    ];
    check(clone(0, contexts.chain(calls)), "clone", call.name);
    reap(libc, contexts.word.read(PID));
    return contexts.word.read(FAILED);
  };
}

/** The calls of a child behind `main`: a failed execve is written down. */
function afterMain(contexts: Contexts, calls: readonly CCall[]): readonly CCall[] {
  const failed = contexts.word.address + BigInt(FAILED);
  return [
    ...calls,
    { name: "memset", args: [failed, 1, 1] },
    { name: "_exit", args: [EXIT_THREW] },
  ];
}

/** In the child: whatever happens, JavaScript ends here as a function that returns. */
function inChild(contexts: Contexts, story: Story, act: () => readonly CCall[]): void {
  try {
    contexts.chain(act());
  } catch (error) {
    story.thrown = { error };
  }
  story.isOver = true;
}

/** In the parent: what became of the child. Nothing may be called before errno has been read. */
function conclude(
  reapEnding: (hostPid: number) => void,
  contexts: Contexts,
  story: Story,
  first: number,
): Outcome {
  const errno = story.helperPid === 0 ? koffi.errno() : story.errno;
  const { helperPid, thrown } = story;
  if (!story.isOver) endInDisorder();
  if (helperPid !== 0) reapEnding(helperPid);
  if (thrown !== undefined) {
    if (helperPid === 0) reapEnding(first);
    throw thrown.error;
  }
  const hostPid = helperPid === 0 ? first : contexts.word.read(PID);
  if (contexts.word.read(FAILED) === 0) return { hostPid };
  reapEnding(hostPid);
  return { execveErrno: errnoName(errno) };
}

/** The child was killed while it ran our JavaScript: nobody knows what it left half done. */
function endInDisorder(): void {
  fs.writeSync(STDERR, "a child was killed in main: the memory that it shared is in disorder\n");
  process.kill(process.pid, "SIGKILL");
}

function reap(libc: Libc, pid: number): void {
  check(libc.waitpid(pid, new Int32Array(1), 0), "wait", String(pid));
}

/** With all signals blocked, and the memory that child and parent share closed to others. */
function guarded<T>(libc: Libc, act: () => T): T {
  const before = new Uint8Array(MASK_BYTES);
  const all = new Uint8Array(MASK_BYTES).fill(0xff);
  const dumpable = libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  libc.rawMask("rt_sigprocmask", SIG_SETMASK, all, before, MASK_BYTES);
  libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  try {
    return act();
  } finally {
    libc.prctl(PR_SET_DUMPABLE, dumpable === 1 ? 1 : 0, 0, 0, 0);
    libc.rawMask("rt_sigprocmask", SIG_SETMASK, before, null, MASK_BYTES);
  }
}

/** The PID namespace to join, opened; undefined when there is none. */
function openTarget(pidNamespace: SpawnOptions["pidNamespace"]): number | undefined {
  if (typeof pidNamespace === "string") return undefined;
  const path = `/proc/${pidNamespace}/ns/pid`;
  return callFs("setns", path, () => fs.openSync(path, "r"));
}
