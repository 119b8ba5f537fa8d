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
import { CALLS, type CallKind, type CallName } from "./calls.ts";

/** One call on its way through a decorator. */
export interface Passing {
  readonly name: CallName;
  readonly args: readonly unknown[];
  /** Makes the call. @param other arguments than those that were given */
  readonly proceed: (other?: readonly unknown[]) => unknown;
  /** The function that the caller called: the top of the part of the stack that is ours. */
  readonly entry: (...args: never[]) => unknown;
}

/** What a decorator does around each call. It returns what the caller gets. */
export type Around = (passing: Passing) => unknown;

/** A kernel, or a kernel with `Self`: an object whose properties are functions. */
export type Callable = Partial<Record<CallName, unknown>>;

const INNER = Symbol("inner");
const AROUND = Symbol("around");

interface Decorated {
  readonly [INNER]: Callable;
  readonly [AROUND]: Around;
}

/**
 * The methods of decorated kernels. They are made once: each operation makes several views of a
 * kernel, and a function for each call of each of them would cost more than many a call.
 */
const METHODS = methods(["change", "look"]);
const CHANGES = methods(["change"]);

/** A method for each call, with something around those of these kinds. */
function methods(kinds: readonly CallKind["kind"][]): object {
  return Object.fromEntries(
    Object.entries(CALLS).map(([key, { kind }]) => {
      const name = key as CallName; // The keys of CALLS are exactly the names.
      const isDecorated = kinds.includes(kind) && name !== "spawn";
      return [name, isDecorated ? surround(name) : passOn(name)];
    }),
  );
}

function passOn(name: CallName): (this: Decorated, ...args: readonly unknown[]) => unknown {
  return function (...args) {
    return call(this[INNER], name, args);
  };
}

function surround(name: CallName): (this: Decorated, ...args: readonly unknown[]) => unknown {
  return function entry(...args) {
    const proceed: Passing["proceed"] = (given = args) => call(this[INNER], name, given);
    return this[AROUND]({ name, args, proceed, entry });
  };
}

function call(kernel: Callable, name: CallName, args: readonly unknown[]): unknown {
  // Whoever calls has a kernel that has this method, with these parameters.
  return (kernel[name] as (...given: readonly unknown[]) => unknown)(...args);
}

/** What `decorate` is told beside the kernel and what to do. */
export interface DecorateOptions {
  /** Methods of its own, instead of those. */
  readonly own?: object;
  /** Whether calls that only look are left alone. */
  readonly changesOnly?: boolean;
}

/**
 * A kernel that does what another does, with `around` around every call but `spawn` and those of
 * kind `own`.
 *
 * @param kernel stays as it is
 */
export function decorate<K extends Callable>(
  kernel: K,
  around: Around,
  { own = {}, changesOnly = false }: DecorateOptions = {},
): K {
  const made: Decorated = { [INNER]: kernel, [AROUND]: around };
  // It has a method for each of K's, with the same parameters and result.
  return Object.assign(Object.create(changesOnly ? CHANGES : METHODS), made, own) as K;
}
