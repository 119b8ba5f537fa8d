/**
 * Within: waits for something, but not for ever.
 *
 * Kernel interface: none of its own.
 * Invariants: none.
 * Left out: ending what is late; whoever asked may still hear of it.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Kernel } from "./port.ts";

/** What comes in time; "late" where nothing has come until then. */
export async function within<T>(
  clock: Pick<Kernel, "after">,
  delayMs: number,
  work: Promise<T>,
): Promise<T | "late"> {
  let cancel = (): void => undefined;
  const late = new Promise<"late">((resolve) => {
    cancel = clock.after(delayMs, () => resolve("late"));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}
