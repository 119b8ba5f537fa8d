/**
 * Rehearsal: walking a plan without doing anything, so that the real walks are fast.
 *
 * A JavaScript engine compiles a function when it is first called and learns how to run it fast while it runs. What init
 * runs, it runs in a forked child, and whatever the child's copy of the engine learned is lost at execve: each container
 * would pay for the same lessons again. So the keeper walks the first plan that it was given a few times itself, against a
 * kernel that says yes to everything and does nothing; its children inherit what was learned there.
 *
 * Kernel interface: none.
 * Specification: none.
 * Invariants:
 *   rehearsal-does-nothing   a rehearsal makes no call on the kernel it was given, whatever the plan
 * Left out: what only the calls themselves teach, below the port.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import { CALLS, createJournal, traceKernel } from "../kernel/index.ts";
import type { CallName, FileStat, Inside, Kernel, Self, TraceOptions } from "../kernel/index.ts";
import { runInit } from "./init.ts";
import type { InitPlan } from "./init-plan.ts";

/** After this many walks the engine has learned what it can. */
const WALKS = 10;

const JOURNAL_LIMIT = 2000;

const DIRECTORY: FileStat = {
  type: "directory",
  mode: 0o755,
  hostUid: 0,
  hostGid: 0,
  sizeBytes: 0,
  mtimeMs: 0,
  inode: 1,
  device: 1,
  links: 1,
  rdevMajor: 0,
  rdevMinor: 0,
};

/** What the mute kernel answers where an answer is needed. */
const ANSWERS: Partial<Record<CallName, unknown>> = {
  stat: DIRECTORY,
  lstat: DIRECTORY,
  readText: "",
  readdir: [],
  openCgroup: 0,
  monotonicUs: 0,
};

/**
 * Walks a plan a few times without any effect.
 *
 * @param plan as in `StartRequest`
 * @param trace how the keeper traces: the tracer's part is rehearsed too
 */
export function rehearse(plan: InitPlan, trace: TraceOptions): void {
  const kernel = traceKernel(createMuteKernel(), createJournal(JOURNAL_LIMIT), trace);
  for (let walk = 0; walk < WALKS; walk++) {
    kernel.spawn({ pidNamespace: "inherit", stdio: "null", stdin: false }, (inside) => {
      runInit(inside, plan);
    });
  }
}

/** Every call of the port, done by nobody; `spawn` runs `main` at once, in this process. */
function createMuteKernel(): Kernel {
  const names = Object.keys(CALLS) as CallName[]; // The keys of CALLS are exactly the names.
  const calls = names.map((name) => [name, () => ANSWERS[name]] as const);
  // Has every name; what init needs to be told is in ANSWERS.
  const mute = Object.fromEntries(calls) as unknown as Kernel & Self;
  const inside: Inside = {
    kernel: mute,
    report: () => undefined,
    ask: () => "ok",
    handOver: () => undefined,
  };
  const spawn: Kernel["spawn"] = (_, main) => {
    main(inside);
    return {
      hostPid: 0,
      stdin: undefined,
      stdout: undefined,
      stderr: undefined,
      terminal: new Promise(() => undefined),
      onReport: (_, onEnd) => onEnd(),
      answer: () => undefined,
      exited: Promise.resolve({ exitCode: 0 }),
    };
  };
  return { ...mute, spawn };
}
