/**
 * Ended execs: how the execs of running containers went.
 *
 * A client that started one may ask for its exit code when it likes, and the daemon that it asks
 * may be another one than it was then. So the keeper remembers the last hundred of each container,
 * for as long as the container runs.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, ExecInspect.
 * Invariants:
 *   exec-ends-are-remembered   the last hundred ends of each running container are known, in their
 *     order; of others none
 * Left out: an exec whose container ended too, while no daemon was there.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import type { WaitStatus } from "../kernel/index.ts";
import type { Kept } from "./keeper.ts";

const KEPT = 100;

/** See the head of this file. */
export class EndedExecs {
  readonly #byContainer = new Map<string, Kept[]>();

  /** An exec of a container that runs has ended. */
  add(kept: Kept, ended: WaitStatus): void {
    if (kept.note?.isEndKept !== true) return;
    const { containerId } = kept.note;
    const others = this.#byContainer.get(containerId) ?? [];
    others.push({ ...kept, ended });
    if (others.length > KEPT) others.shift();
    this.#byContainer.set(containerId, others);
  }

  /** The container has ended. */
  forget(containerId: string): void {
    this.#byContainer.delete(containerId);
  }

  /** All, the oldest of each container first. */
  all(): readonly Kept[] {
    return [...this.#byContainer.values()].flat();
  }
}
