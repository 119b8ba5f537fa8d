/**
 * Decorating a kernel: the same port, with something around every call.
 *
 * A decorated kernel is a kernel, so decorators stack. `spawn` is a special case for each of them:
 * they decorate the child's kernel too. Its calls are made in the parent's memory, so they see them
 * as they see all others.
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { CALLS, type CallName } from "./calls.ts";

/** One call on its way through a decorator. */
export interface Passing {
  readonly name: CallName;
  readonly args: readonly unknown[];
  /** Makes the call. */
  readonly proceed: () => unknown;
  /** The function that the caller called: the top of the part of the stack that is ours. */
  readonly entry: (...args: never[]) => unknown;
}

/** What a decorator does around each call. It returns what the caller gets. */
export type Around = (passing: Passing) => unknown;

/** A kernel, or a kernel with `Self`: an object whose properties are functions. */
export type Callable = Partial<Record<CallName, unknown>>;

/**
 * A copy of a kernel with `around` around every call but `spawn` and those of kind `own`.
 *
 * @param kernel stays as it is
 */
export function decorate<K extends Callable>(kernel: K, around: Around): K {
  const decorated: Record<string, unknown> = { ...kernel };
  for (const [key, { kind }] of Object.entries(CALLS)) {
    const name = key as CallName; // The keys of CALLS are exactly the names.
    const method = kernel[name];
    if (typeof method !== "function" || kind === "own" || name === "spawn") continue;
    const entry = (...args: readonly unknown[]): unknown =>
      around({ name, args, proceed: () => method(...args), entry });
    decorated[name] = entry;
  }
  // Every property of K is there, functions with the same parameters and result.
  return decorated as K;
}
