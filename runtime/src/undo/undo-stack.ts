/**
 * Undo: whoever acquires registers the way back on the next line.
 *
 * `await using undo = new UndoStack()` at the top of an operation, `undo.push(…)` after each step
 * that leaves something behind, `undo.commit()` as the last act of success. Without the commit,
 * leaving the block by any way runs the steps in reverse order, each once, all of them even when
 * one fails.
 *
 * Kernel interface: none.
 * Invariants:
 *   undo-reverses   without commit every pushed step runs exactly once, in reverse order, also when
 *                   some of them fail
 * Left out: Node 20 has no AsyncDisposableStack; this is the part of it that we use.
 * Docs: docs/concepts/undo.md
 *
 * @module
 */

/** A list of ways back: see the head of this file. */
export class UndoStack implements AsyncDisposable {
  #steps: { readonly what: string; readonly undo: () => void | Promise<void> }[] = [];

  /**
   * Registers how to take the last step back.
   *
   * @param what names the step for error messages: "remove cgroup"
   * @param undo must succeed when there is nothing left to undo
   */
  push(what: string, undo: () => void | Promise<void>): void {
    this.#steps.push({ what, undo });
  }

  /** Success: forget all steps. */
  commit(): void {
    this.#steps = [];
  }

  /**
   * Runs what is left, last step first.
   * @throws AggregateError when steps failed, after all of them ran
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: Error[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (cause) {
        failures.push(new Error(`Cannot undo: ${step.what}`, { cause }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "Cannot undo every step");
  }
}

/**
 * The error a caller should report when a body and its undo both failed.
 *
 * The lowered `await using` throws a `SuppressedError` whose `suppressed` is the original error:
 * report that one first.
 *
 * @example originalErrorOf(new Error("x")).message // "x"
 */
export function originalErrorOf(error: unknown): unknown {
  let current = error;
  while (current instanceof Error && "suppressed" in current && current.suppressed !== undefined) {
    current = current.suppressed;
  }
  return current;
}
