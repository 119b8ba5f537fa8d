/**
 * If there: a call for a name that need not be there.
 *
 * Kernel interface: none of its own.
 * Invariants: none.
 * Left out: names below what is no directory (ENOTDIR), which are as little there.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { KernelError } from "./port.ts";

/** What a call gives; undefined where it says that there is no such name. */
export function ifThere<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") return undefined;
    throw error;
  }
}
