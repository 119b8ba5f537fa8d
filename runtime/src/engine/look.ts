/**
 * Look: asking the machine for what may not be there.
 *
 * Processes end and files go while somebody looks at them, and not everything may be seen. Where
 * that is no failure, what the kernel says no to counts as not there.
 *
 * Kernel interface: none of its own.
 * Specification: none.
 * Invariants: none.
 * Left out: telling apart why it said no; who has to know catches the error himself.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { KernelError } from "../kernel/index.ts";
import type { Files } from "../kernel/index.ts";

/** What a look gives; something else where the kernel says no. */
export function lookOr<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (error instanceof KernelError) return otherwise;
    throw error;
  }
}

/** The text of a file; empty where there is none. */
export function textOr(kernel: Pick<Files, "readText">, path: string): string {
  return lookOr(() => kernel.readText(path), "");
}
