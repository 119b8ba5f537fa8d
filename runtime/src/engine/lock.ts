/**
 * Lock: one operation at a time for each container.
 *
 * Starting, stopping and removing the same container must not interleave, while two containers need
 * not wait for each other. A promise for each name is enough: who comes later waits for the one
 * before. In one process on one thread nothing else is needed, no mutex and no owner.
 *
 * Kernel interface: none.
 * Invariants:
 *   operations-are-serial   operations on one container never overlap, and run in the order they
 *       came
 * Left out: time limits; an operation that never ends blocks the later ones on its container.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

/** A queue for each name: see the head of this file. */
export class Locks {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Runs `work` when everything asked for earlier under this name is done.
   *
   * @returns what `work` returns; its failure is the caller's and does not stop the queue
   * @example await new Locks().run("web", async () => 1) // 1
   */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name);
    const result = before === undefined ? work() : before.then(work);
    const tail = result.then(nothing, nothing);
    this.#tails.set(name, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
    }
  }

  /** Resolves when everything asked for so far is done. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}

function nothing(): void {}
