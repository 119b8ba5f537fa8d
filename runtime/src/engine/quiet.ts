/**
 * Quiet: a moment for work that nobody waits for.
 *
 * What a removed container leaves behind has to go, but not while fifty are being removed: each
 * would wait for the rubbish of the one before; and so with the journals of fifty that are started.
 * Such work begins when no more of it has come for a while, one piece after the other with room for
 * requests between them. Under a load without a pause each piece is done when it is old enough.
 *
 * Kernel interface: none of its own.
 * Specification: none.
 * Invariants: none; `quiet.test.ts` shows the order.
 * Left out: what leaves no such work behind does not count as noise.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import type { Kernel } from "../kernel/index.ts";

/** When nobody has asked for so long, it is quiet. */
export const QUIET_MS = 50;
/** Nothing waits longer. */
const LATEST_MS = 1000;
/** Between two pieces of work. */
const BETWEEN_MS = 1;

/** See the head of this file. */
export class Quiet {
  readonly #kernel: Pick<Kernel, "after">;
  /** Those who wait, the oldest first. */
  readonly #waiting = new Set<() => void>();
  #cancel = (): void => undefined;
  #isOver = false;

  /** @param kernel whose time it is */
  constructor(kernel: Pick<Kernel, "after">) {
    this.#kernel = kernel;
  }

  /** Resolves when it is quiet and this caller's turn. Asking makes noise. */
  moment(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const turn = (): void => {
        this.#waiting.delete(turn);
        cancelLatest();
        resolve();
      };
      const cancelLatest = this.#kernel.after(LATEST_MS, turn);
      this.#waiting.add(turn);
      this.#arm(QUIET_MS);
    });
  }

  /** From now on nothing is put off: the engine closes. */
  end(): void {
    this.#isOver = true;
    this.#cancel();
    for (const turn of this.#waiting) turn();
  }

  #arm(delayMs: number): void {
    this.#cancel();
    this.#cancel = this.#kernel.after(delayMs, () => {
      const [turn] = this.#waiting;
      turn?.();
      if (this.#waiting.size > 0) this.#arm(BETWEEN_MS);
    });
  }
}
