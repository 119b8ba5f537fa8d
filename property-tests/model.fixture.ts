/**
 * Two kernels for one program: the model, and the real one in a child with a mount namespace of its
 * own. What they answer is compared as text, step by step.
 */
import { fc } from "@fast-check/vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Child,
  type FileStat,
  type Kernel,
  KernelError,
  type Self,
} from "../runtime/src/kernel/index.ts";
import {
  createModelKernel,
  type ModelKernel,
  programFile,
} from "../runtime/src/kernel/model/index.ts";
import { describeStat } from "./file-operations.fixture.ts";
import { openRealKernel, runInChild } from "./real-kernel.fixture.ts";

/** How many programs: more with DRYDOCK_MODEL_RUNS. */
export function runs(usual: number): number {
  return Number(process.env["DRYDOCK_MODEL_RUNS"] ?? usual);
}

/** Whether small programs are all to be tried, and not a part of them. */
export const IS_EXHAUSTIVE = process.env["DRYDOCK_MODEL_EXHAUSTIVE"] === "1";

/** The calls that both kernels are asked for. */
export type Machine = ModelKernel;

/** The two kernels of one case, each with an empty directory at the same path. */
export interface Pair {
  readonly real: Kernel & Self;
  readonly model: Machine;
  readonly directory: string;
}

/** What a kernel answers to one call: a text, or an errno. */
export function answer(call: () => string): string {
  try {
    return call();
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
}

/** Makes the same call on both. @throws Error naming the step when the answers differ */
export function same(pair: Pair, step: string, act: (kernel: Machine) => string): void {
  // The child's kernel has all that the model has; only spawn is declared differently.
  const real = answer(() => act(pair.real));
  const model = answer(() => act(pair.model));
  if (real !== model) throw new Error(`${step}: the model says ${model}, Linux says ${real}`);
}

/** A new file system to stand on. */
export const EMPTY_ROOT = { source: "none", fstype: "tmpfs", flags: [], data: "mode=755" } as const;

/** Makes an empty file system the root, so that no `..` of a program leads to the machine. */
export function enterEmptyRoot(kernel: Machine, home: string): void {
  const everything = { source: "", target: "/", fstype: "", data: "" };
  kernel.mount({ ...everything, flags: ["MS_REC", "MS_PRIVATE"] });
  kernel.mount({ ...EMPTY_ROOT, target: home });
  // The old root comes to lie over the new one, and is taken away.
  kernel.pivotRoot(home, home);
  kernel.umount("/", "detach");
  kernel.mkdir("/proc", 0o555);
  kernel.mount({ source: "proc", target: "/proc", fstype: "proc", flags: [], data: "" });
}

function prepare(kernel: Machine, directory: string): void {
  kernel.mkdir(directory, 0o755);
  kernel.mount({ ...EMPTY_ROOT, target: directory });
}

function checkOnBoth<T>(
  real: Kernel & Self,
  check: (pair: Pair, program: T) => void,
  program: T,
): void {
  const directory = "/case";
  const model = createModelKernel({ clock: real });
  enterEmptyRoot(model, "/tmp");
  prepare(model, directory);
  prepare(real, directory);
  try {
    check({ real, model, directory }, program);
  } finally {
    real.chdir("/");
    cleanRoot(real);
  }
}

/** A program may have gone up and left its marks on the root. */
function cleanRoot(kernel: Kernel): void {
  const lines = kernel.readText("/proc/self/mountinfo").trimEnd().split("\n");
  const paths = lines.map((line) => line.split(" ")[4] ?? "");
  for (const path of paths.toReversed()) {
    if (path !== "/" && path !== "/proc") answer(() => String(kernel.umount(path, "detach")));
  }
  removeTree(kernel, "/");
  kernel.lchown("/", 0, 0);
  kernel.chmod("/", 0o755);
  kernel.lutimes("/", kernel.nowMs());
  for (const name of kernel.listXattr("/")) kernel.removeXattr("/", name);
}

function removeTree(kernel: Kernel, path: string): void {
  for (const name of kernel.readdir(path)) {
    const below = `${path}/${name}`;
    if (below === "//proc") continue;
    if (kernel.lstat(below).type !== "directory") kernel.unlink(below);
    else {
      removeTree(kernel, below);
      kernel.rmdir(below);
    }
  }
}

/**
 * Checks a property of both kernels with random programs, all in one child.
 *
 * @returns "held", or fast-check's report
 */
export async function compareKernels<T>(
  programs: fc.Arbitrary<T>,
  check: (pair: Pair, program: T) => void,
  parameters: { readonly numRuns: number; readonly examples?: [T][] },
): Promise<string> {
  return inOwnRoot((kernel) => {
    const property = fc.property(programs, (program) => checkOnBoth(kernel, check, program));
    const details = fc.check(property, parameters);
    if (!details.failed) return "held";
    return `${String(details.errorInstance)} ${fc.defaultReportMessage(details) ?? ""}`;
  });
}

/**
 * Checks a property of both kernels with each of some programs, all in one child.
 *
 * @returns "held N", N being their number; or the first that did not hold, and why
 */
export async function compareOnEach<T>(
  programs: Iterable<T>,
  check: (pair: Pair, program: T) => void,
): Promise<string> {
  return inOwnRoot((kernel) => {
    let count = 0;
    for (const program of programs) {
      try {
        checkOnBoth(kernel, check, program);
      } catch (error) {
        return `${JSON.stringify(program)}: ${String(error)}`;
      }
      count += 1;
    }
    return `held ${count}`;
  });
}

/** Acts in a child whose root is an empty file system. */
async function inOwnRoot(act: (kernel: Kernel & Self) => string): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), "drydock-model-"));
  try {
    return await runInChild(openRealKernel(), ({ kernel }) => {
      kernel.unshare(["CLONE_NEWNS"]);
      enterEmptyRoot(kernel, home);
      kernel.chdir("/");
      // A line to the parent has a limit, and a shrunk counterexample stands at the beginning.
      return act(kernel).replaceAll("\n", "\\n").slice(0, 3000);
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

const NO_STDIO = { pidNamespace: "inherit", stdio: "null", stdin: false } as const;
const EVERYTHING = { source: "", target: "/", fstype: "", data: "" };

function isolate(own: Machine): void {
  own.unshare(["CLONE_NEWNS"]);
  own.mount({ ...EVERYTHING, flags: ["MS_REC", "MS_PRIVATE"] });
}

/** Acts in a child with a mount table of its own, which is gone behind it. */
export function inOwnMounts(kernel: Kernel, act: (own: Machine) => void): void {
  kernel.spawn(NO_STDIO, ({ kernel: own }) => {
    isolate(own);
    act(own);
    return undefined;
  });
}

/** A process that waits in a mount table of its own. */
export function holdMounts(kernel: Kernel, prepare: (own: Machine) => void): Child {
  return kernel.spawn(NO_STDIO, ({ kernel: own }) => {
    isolate(own);
    prepare(own);
    return own.execve("/bin/sleep", ["sleep", "1000"], []);
  });
}

/** A process that waits, born in the mount table of another. */
export function joinMounts(kernel: Kernel, holder: Child, act: (own: Machine) => void): Child {
  return kernel.spawn(NO_STDIO, ({ kernel: own }) => {
    own.joinNamespaces(holder.hostPid, ["CLONE_NEWNS"]);
    act(own);
    return own.execve("/bin/sleep", ["sleep", "1000"], []);
  });
}

/** Acts in the mount table of another process, with no more power than that one. */
export function inMountsOf(
  kernel: Kernel,
  { hostPid }: Child,
  how: { readonly inUser: boolean },
  act: (own: Machine) => void,
): void {
  const flags = how.inUser
    ? (["CLONE_NEWUSER", "CLONE_NEWNS"] as const)
    : (["CLONE_NEWNS"] as const);
  kernel.spawn(NO_STDIO, ({ kernel: own }) => {
    own.joinNamespaces(hostPid, flags);
    act(own);
    return undefined;
  });
}

/** A model with a directory at a path, and a program that waits. */
export function createModel(home: string): Kernel {
  const model = createModelKernel({
    clock: openRealKernel(),
    cgroups: "hybrid",
    programs: { sleep: () => new Promise(() => undefined) },
  });
  model.writeFile("/bin/sleep", programFile("sleep"), "create", 0o755);
  const parts = home.split("/").slice(1);
  for (const [depth] of parts.entries()) {
    const path = `/${parts.slice(0, depth + 1).join("/")}`;
    if (path !== "/tmp") model.mkdir(path, 0o755);
  }
  return model;
}

/** @throws Error naming the first line that differs */
export function sameLines(is: readonly string[], should: readonly string[]): void {
  for (const [index, line] of is.entries()) {
    if (should[index] === line) continue;
    const before = is.slice(Math.max(0, index - 3), index).join("\n");
    throw new Error(`${before}\nthe model says\n${should[index]}\nLinux says\n${line}`);
  }
}

/** Everything in a tree, one line for each name, with what is one file by a common number. */
export function treeText(kernel: Machine, root: string): string {
  const lines: string[] = [];
  const numbers = new Map<number, number>();
  const visit = (path: string): void => {
    const at = `${root}${path}`;
    const stat = kernel.lstat(at);
    const links = linksText(stat, numbers);
    const text = contentText(kernel, at, stat);
    lines.push([path, describeStat(stat), links, text, xattrText(kernel, at)].join(" | "));
    if (stat.type !== "directory") return;
    for (const name of kernel.readdir(at)) visit(`${path}/${name}`);
  };
  visit("");
  return lines.join("\n");
}

/** Which names are one file. Linux makes all whiteouts of a mount one, the model does not. */
function linksText(stat: FileStat, numbers: Map<number, number>): string {
  if (stat.type === "directory") return `links ${stat.links}`;
  if (stat.type === "char" && stat.rdevMajor === 0) return "whiteout";
  const number = numbers.get(stat.inode) ?? numbers.size;
  numbers.set(stat.inode, number);
  return `#${number} links ${stat.links}`;
}

function contentText(kernel: Machine, at: string, stat: FileStat): string {
  if (stat.type === "file") return new TextDecoder().decode(kernel.readFile(at));
  return stat.type === "symlink" ? `-> ${kernel.readlink(at)}` : "";
}

function xattrText(kernel: Machine, at: string): string {
  return kernel
    .listXattr(at)
    .filter((name) => name !== "trusted.overlay.uuid")
    .map((name) => `${name}=${xattrValue(kernel, at, name)}`)
    .join(" ");
}

/**
 * The value as text; but where a copy came from is known only to the kernel that wrote it. The
 * model has no number for a mount either (`uuid`), which nobody sees through the mount.
 */
function xattrValue(kernel: Machine, at: string, name: string): string {
  const value = kernel.getXattr(at, name);
  return name.endsWith("overlay.origin") ? "…" : new TextDecoder().decode(value);
}
