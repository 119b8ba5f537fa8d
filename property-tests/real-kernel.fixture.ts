/**
 * A real kernel for property tests, and children that do one thing on it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Inside, Kernel, SpawnOptions } from "../runtime/src/kernel/index.ts";
import { createLinuxKernel } from "../runtime/src/kernel/linux/index.ts";

/** Why the real kernel cannot be used here, or null. */
export function whyNoRealKernel(): string | null {
  if (process.platform !== "linux") return "this is not Linux";
  if (process.getuid?.() !== 0) return "this needs root";
  return null;
}

/** Whether to skip the tests of the real kernel; says why, once. */
export function skipReal(what: string): boolean {
  const reason = whyNoRealKernel();
  if (reason !== null) console.log(`skipped: ${what}: ${reason}`);
  return reason !== null;
}

/** A directory of a test's own, which goes with all that lies in it, however the test ends. */
export function ownDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "drydock-property-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A program that waits, where `act` has brought it, until this is disposed of. */
export interface Waiting {
  readonly hostPid: number;
  /** What `act` returned. */
  readonly line: string;
  [Symbol.asyncDispose](): Promise<void>;
}

const NO_STDIO = { stdio: "null", stdin: false } as const;

/** Runs `act` in a child, which then waits. @throws what `act` throws */
export function spawnWaiting(
  kernel: Kernel,
  pidNamespace: SpawnOptions["pidNamespace"],
  act: (inside: Inside) => string,
): Waiting {
  let line = "";
  const child = kernel.spawn({ ...NO_STDIO, pidNamespace }, (inside) => {
    line = act(inside);
    return inside.kernel.execve("/bin/sleep", ["sleep", "1000"], []);
  });
  const end = async () => {
    kernel.kill(child.hostPid, "SIGKILL");
    await child.exited;
  };
  return { hostPid: child.hostPid, line, [Symbol.asyncDispose]: end };
}

/** Runs `act` in a child and gives back what it returned, or the errno that it met. */
export async function runInChild(kernel: Kernel, act: (inside: Inside) => string): Promise<string> {
  let line = "";
  try {
    const child = kernel.spawn({ ...NO_STDIO, pidNamespace: "inherit" }, (inside) => {
      line = act(inside);
      return undefined;
    });
    await child.exited;
    return line;
  } catch (error) {
    return error instanceof Error && "errno" in error ? String(error.errno) : String(error);
  }
}

/** Runs `prepare` in a child, becomes a program and gives back what that prints. */
export async function outputOf(
  kernel: Kernel,
  argv: readonly [string, ...string[]],
  prepare: (inside: Inside) => void,
): Promise<string> {
  const options = { pidNamespace: "inherit", stdio: "pipes", stdin: false } as const;
  const child = kernel.spawn(options, (inside) => {
    prepare(inside);
    return inside.kernel.execve(argv[0], argv, []);
  });
  const decoder = new TextDecoder();
  let output = "";
  child.stderr?.listen(
    () => {},
    () => {},
  );
  await new Promise<void>((resolve) => {
    child.stdout?.listen((bytes) => (output += decoder.decode(bytes, { stream: true })), resolve);
  });
  await child.exited;
  return output;
}

/** The kernel under test. */
export function openRealKernel(): Kernel {
  return createLinuxKernel();
}
