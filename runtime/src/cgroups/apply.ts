/**
 * Cgroups: carrying plans out, and what else is done to a cgroup that lives.
 *
 * Making, removing, freezing, killing, updating. Nobody is ever moved into a cgroup from outside: a
 * process that writes its own "0" into an opened `tasks` file pays 0.04 ms, somebody who writes the
 * pid of another into `cgroup.procs` waits for an RCU grace period, 5 ms. So init joins by itself,
 * with the files that `joinFiles` names.
 *
 * Kernel interface: cgroups(7); kernel documentation, admin-guide/cgroup-v1/freezer-subsystem.rst,
 *   cgroup-v2.rst, "cgroup.kill", "cgroup.freeze".
 * Invariants:
 *   cgroup-never-leaks     when any kernel call of making a cgroup fails, nothing of it is left
 *   kill-leaves-none       after killing no process of the cgroup lives, not even a frozen one
 *   remove-is-idempotent   removing a cgroup that is gone succeeds
 *   update-is-atomic       an update that fails leaves the limits as they were
 * Left out: cgroup.kill needs Linux 5.14; before, and on version 1, killing is a loop that ends
 *   when no new process appears.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import type { Files, HostPid, Processes } from "../kernel/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { UndoStack } from "../undo/index.ts";
import { parseLimit } from "./arithmetic.ts";
import { readTextOr, words } from "./layout.ts";
import type { CgroupLimits } from "./limits.ts";
import type { Cgroup, CgroupDirectory, CgroupParent, CgroupPlan, CgroupStep } from "./plan.ts";
import { planUpdate } from "./plan.ts";

/**
 * Carries a plan out. Each directory made is registered for removal.
 *
 * @param undo takes the ways back; commit it when the cgroup is to stay
 * @throws RuntimeError `cgroup-unavailable` naming the file and value that the kernel refused
 */
export function applyCgroup(kernel: Files, plan: CgroupPlan, undo: UndoStack): void {
  for (const step of plan.steps) {
    if (step.kind === "mkdir") {
      attempt(`mkdir ${step.path}`, () => kernel.mkdir(step.path, 0o755));
      undo.push(`remove cgroup ${step.path}`, () => void removeDirectory(kernel, step.path));
    } else {
      write(kernel, step);
    }
  }
}

function write(kernel: Files, { path, texts }: CgroupStep & { readonly kind: "write" }): void {
  attempt(`write ${texts.join(", ")} to ${path}`, () => kernel.writeEach(path, texts));
}

/**
 * Removes a cgroup with all cgroups below it. Idempotent.
 *
 * @returns the directories that are still there because processes are in them: kill those and call
 *   again
 */
export function removeCgroup(kernel: Files, cgroup: Cgroup): readonly string[] {
  return cgroup.directories.flatMap(({ path }) => removeDirectory(kernel, path));
}

/** Removes a cgroup directory, children first. @returns what is left */
function removeDirectory(kernel: Files, path: string): readonly string[] {
  if (isRemoved(kernel, path)) return [];
  const left = childrenOf(kernel, path).flatMap((child) => removeDirectory(kernel, child));
  return isRemoved(kernel, path) ? [] : [...left, path];
}

function isRemoved(kernel: Files, path: string): boolean {
  try {
    kernel.rmdir(path);
    return true;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    if (error.errno === "ENOENT") return true;
    if (error.errno === "EBUSY" || error.errno === "ENOTEMPTY") return false;
    throw error;
  }
}

/**
 * The cgroups directly below. The kernel's own files are no directories, so only names without a
 * dot need a look.
 */
function childrenOf(kernel: Files, path: string): readonly string[] {
  try {
    const names = kernel.readdir(path).map((name) => `${path}/${name}`);
    return names.filter((name) => kernel.lstat(name).type === "directory");
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") return [];
    throw error;
  }
}

/**
 * The files that a process opens and writes "0" to in order to join.
 *
 * Version 1 offers `tasks`, which moves one thread: enough for an init that has only one, and much
 * cheaper.
 */
export function joinFiles(cgroup: Cgroup): readonly string[] {
  return cgroup.directories.map(
    ({ version, path }) => `${path}/${version === 1 ? "tasks" : "cgroup.procs"}`,
  );
}

/** The host pids of the processes in a cgroup and below it. Empty when the cgroup is gone. */
export function readCgroupPids(kernel: Files, cgroup: Cgroup): readonly HostPid[] {
  const [home] = cgroup.directories;
  return home === undefined ? [] : readPids(kernel, home.path);
}

function readPids(kernel: Files, path: string): readonly HostPid[] {
  const own = words(readTextOr(kernel, `${path}/cgroup.procs`, "")).map(Number);
  const below = childrenOf(kernel, path).flatMap((child) => readPids(kernel, child));
  return [...own, ...below];
}

/**
 * Kills every process in a cgroup, also those that are forked meanwhile, frozen ones too. Does not
 * wait for their end.
 *
 * @returns the pids that were signalled; empty with version 2, where the kernel does it in one step
 */
export function killCgroup(kernel: Files & Processes, cgroup: Cgroup): readonly HostPid[] {
  const unified = cgroup.directories.find((directory) => directory.version === 2);
  if (unified !== undefined && wroteIfPresent(kernel, `${unified.path}/cgroup.kill`, "1"))
    return [];
  const signalled = new Set<HostPid>();
  for (;;) {
    const fresh = readCgroupPids(kernel, cgroup).filter((pid) => !signalled.has(pid));
    if (fresh.length === 0) break;
    for (const pid of fresh) {
      signalled.add(pid);
      killIfThere(kernel, pid);
    }
  }
  // A frozen process dies only when it runs again.
  thawCgroup(kernel, cgroup);
  return [...signalled];
}

function killIfThere(kernel: Processes, pid: HostPid): void {
  try {
    kernel.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== "ESRCH") throw error;
  }
}

function wroteIfPresent(kernel: Files, path: string, text: string): boolean {
  try {
    kernel.writeFile(path, text, "existing");
    return true;
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") return false;
    throw error;
  }
}

/**
 * How often to look before giving up; each look asks again, which also takes up processes forked
 * meanwhile.
 */
const FREEZE_ATTEMPTS = 500;

/**
 * Stops every process of a cgroup where it stands: docker pause.
 *
 * @throws RuntimeError `cgroup-unavailable` when there is no freezer or some process could not be
 *   frozen; then all run on
 */
export function freezeCgroup(kernel: Files, cgroup: Cgroup): void {
  const freezer = requireFreezer(cgroup);
  for (let attempt = 0; attempt < FREEZE_ATTEMPTS; attempt++) {
    kernel.writeFile(freezer.file, freezer.frozenText, "existing");
    if (isFrozen(kernel, cgroup)) return;
  }
  thawCgroup(kernel, cgroup);
  throw new RuntimeError({
    code: "cgroup-unavailable",
    class: "internal",
    operation: "freeze cgroup",
    subject: freezer.file,
    message: `Cannot freeze "${freezer.file}": some process did not stop`,
    hint: "A process that waits for the disk or the network in the kernel freezes later; try again.",
  });
}

/** Lets every process of a cgroup run on. Does nothing where there is no freezer or no cgroup. */
export function thawCgroup(kernel: Files, cgroup: Cgroup): void {
  const freezer = freezerOf(cgroup);
  if (freezer !== undefined) wroteIfPresent(kernel, freezer.file, freezer.thawedText);
}

/** Whether every process of the cgroup is frozen. */
export function isFrozen(kernel: Files, cgroup: Cgroup): boolean {
  const freezer = freezerOf(cgroup);
  if (freezer === undefined) return false;
  const text = readTextOr(kernel, freezer.stateFile, "");
  return freezer.frozenState.test(text);
}

interface Freezer {
  readonly file: string;
  readonly frozenText: string;
  readonly thawedText: string;
  readonly stateFile: string;
  readonly frozenState: RegExp;
}

function freezerOf(cgroup: Cgroup): Freezer | undefined {
  const v1 = cgroup.directories.find((directory) => directory.controllers.includes("freezer"));
  if (v1 !== undefined) {
    const file = `${v1.path}/freezer.state`;
    const texts = { frozenText: "FROZEN", thawedText: "THAWED" };
    return { file, ...texts, stateFile: file, frozenState: /^FROZEN/ };
  }
  const v2 = cgroup.directories.find((directory) => directory.version === 2);
  if (v2 === undefined) return undefined;
  const texts = { frozenText: "1", thawedText: "0" };
  const stateFile = `${v2.path}/cgroup.events`;
  return { file: `${v2.path}/cgroup.freeze`, ...texts, stateFile, frozenState: /^frozen 1$/m };
}

function requireFreezer(cgroup: Cgroup): Freezer {
  const freezer = freezerOf(cgroup);
  if (freezer !== undefined) return freezer;
  throw new RuntimeError({
    code: "cgroup-unavailable",
    class: "unavailable",
    operation: "freeze cgroup",
    message: "Cannot freeze the container: this machine offers no freezer",
    hint: "Mount the freezer controller, or run on cgroup version 2.",
  });
}

/**
 * Gives a live cgroup new limits. Either all of them hold afterwards or none.
 *
 * @throws RuntimeError `cgroup-unavailable` naming the file and value that the kernel refused
 */
export function updateCgroup(
  kernel: Files,
  parent: CgroupParent,
  cgroup: Cgroup,
  limits: CgroupLimits,
): void {
  const current = readMemoryAndSwap(kernel, cgroup.directories);
  const restores: (() => void)[] = [];
  try {
    for (const step of planUpdate(parent, cgroup, limits, current)) {
      if (step.kind !== "write") continue;
      const before = kernel.readText(step.path).trim();
      write(kernel, step);
      restores.push(() => kernel.writeFile(step.path, before, "existing"));
    }
  } catch (error) {
    for (const restore of restores.toReversed()) restore();
    throw error;
  }
}

function readMemoryAndSwap(kernel: Files, directories: readonly CgroupDirectory[]): number {
  const home = directories.find(
    ({ version, controllers }) => version === 1 && controllers.includes("memory"),
  );
  if (home === undefined) return Number.POSITIVE_INFINITY;
  return parseLimit(readTextOr(kernel, `${home.path}/memory.memsw.limit_in_bytes`, "max"));
}

/** Runs one kernel call and says what it was about when the kernel refuses. */
function attempt(what: string, call: () => void): void {
  try {
    call();
  } catch (cause) {
    if (!(cause instanceof KernelError)) throw cause;
    throw new RuntimeError({
      code: "cgroup-unavailable",
      class: "internal",
      operation: "make cgroup",
      subject: what,
      errno: cause.errno,
      message: `Cannot ${what}: ${cause.errno}`,
      hint: "Look at the file's rules in the kernel's cgroup documentation; the parent cgroup may allow less.",
      cause,
    });
  }
}
