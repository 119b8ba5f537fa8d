/**
 * Decorating a kernel: the same port, with something around every call.
 *
 * A decorated kernel is a kernel, so decorators stack. `spawn` is a special case for each of them,
 * since what happens in the child happens on the other side of a fork: a decorator wraps the
 * child's kernel too, and sends home what it must know as lines with a mark of its own, which it
 * takes out again before the caller sees them.
 *
 * ```
 * child                                                  parent
 * inside.report(MARK + "…")  ─────── the channel ──────▶ taken by the decorator
 * inside.report("ready")     ─────── the channel ──────▶ onReport of the caller
 * ```
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { CALLS, type CallName } from "./calls.ts";
import type { Child } from "./port.ts";

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

/** Lines that wait for somebody to listen, and then pass at once. */
export interface LineBox {
  push(line: string): void;
  end(): void;
  readonly listen: Child["onReport"];
}

/** Makes an empty line box. */
export function createLineBox(): LineBox {
  const waiting: string[] = [];
  let ended = false;
  let listener: { onLine(line: string): void; onEnd(): void } | undefined;
  return {
    push: (line) => {
      if (listener === undefined) waiting.push(line);
      else listener.onLine(line);
    },
    end: () => {
      ended = true;
      listener?.onEnd();
      listener = undefined;
    },
    listen: (onLine, onEnd) => {
      for (const line of waiting.splice(0)) onLine(line);
      if (ended) onEnd();
      else listener = { onLine, onEnd };
    },
  };
}

/** What a decorator does with the lines that its part in the child sends. */
export interface Interception {
  /** What the decorator's lines begin with. */
  readonly mark: string;
  /** Gets such a line without its mark; returns what the caller gets of it, if anything. */
  onMarked(text: string): string | undefined;
  onEnd(): void;
}

/** A child whose marked lines go to a decorator, and all others to the caller. */
export function interceptReports(child: Child, by: Interception): Child {
  const lines = createLineBox();
  child.onReport(
    (line) => {
      const passed = line.startsWith(by.mark) ? by.onMarked(line.slice(by.mark.length)) : line;
      if (passed !== undefined) lines.push(passed);
    },
    () => {
      by.onEnd();
      lines.end();
    },
  );
  return { ...child, onReport: lines.listen };
}
