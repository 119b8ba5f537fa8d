/**
 * Conformance cases: what they are made of.
 *
 * A case gets a kernel and an empty directory, does something, and says what must have come of it.
 * It knows nothing of a test framework, so that the same cases run on Linux, on the model, and in
 * the reader's page.
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { KernelError, type Inside, type Kernel, type SpawnOptions } from "../port.ts";

/** What a case needs beyond an ordinary user. */
export type Need = "nothing" | "root" | "programs";

/** Where a case runs. */
export interface Place {
  readonly kernel: Kernel;
  /** An empty directory, absolute, on a file system with extended attributes. */
  readonly scratch: string;
}

/** One thing that must hold on every kernel. */
export interface Case {
  /** A sentence that begins with the method. */
  readonly name: string;
  readonly need: Need;
  run(place: Place): void | Promise<void>;
}

/** Fails the case unless two plain values are equal. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const left = JSON.stringify(actual);
  const right = JSON.stringify(expected);
  if (left !== right) throw new Error(`${what}: expected ${right}, got ${left}`);
}

/** Plain data, whose keys are in one order: that of the kernel that made it says nothing. */
export function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, ordered(each)]));
}

/** The errno with which a call fails, or `"OK"`. */
export function errnoOf(call: () => unknown): string {
  try {
    call();
    return "OK";
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
}

/** Waits for what the kernel does in its own time. */
export async function eventually(
  kernel: Kernel,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await holds()) return;
    await new Promise<void>((resolve) => void kernel.after(20, resolve));
  }
  throw new Error("It has not come to pass in two seconds");
}

const decoder = new TextDecoder();

/** A child that neither has stdio nor a PID namespace of its own. */
export const PLAIN: SpawnOptions = { pidNamespace: "inherit", stdio: "null", stdin: false };

/** PID 1 of a new PID namespace. */
export const FIRST: SpawnOptions = { ...PLAIN, pidNamespace: "new" };

/** Runs a function in a child and returns what it returned. */
export async function inChild<T>(
  kernel: Kernel,
  options: SpawnOptions,
  body: (kernel: Inside["kernel"], inside: Inside) => T,
): Promise<T | undefined> {
  let result: T | undefined;
  const child = kernel.spawn(options, (inside) => {
    result = body(inside.kernel, inside);
    return undefined;
  });
  equal(await child.exited, { exitCode: 0 }, "a child whose main returns nothing");
  return result;
}

/** Everything that a stream brings until it ends. */
export function collect(
  source: { listen(onData: (bytes: Uint8Array) => void, onEnd: () => void): void } | undefined,
): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    if (source === undefined) resolve("");
    else
      source.listen(
        (bytes) => {
          text += decoder.decode(bytes);
        },
        () => resolve(text),
      );
  });
}

/** A private mount namespace, so that nothing of what a case mounts is seen outside. */
export function unshareMounts(kernel: Inside["kernel"]): void {
  kernel.unshare(["CLONE_NEWNS"]);
  const flags = ["MS_REC", "MS_PRIVATE"] as const;
  kernel.mount({ source: "none", target: "/", fstype: "", flags, data: "" });
}
