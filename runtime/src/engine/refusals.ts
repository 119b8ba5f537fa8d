/**
 * Refusals: what the kernel refuses leaves the engine as an error with a code.
 *
 * Whoever knows what a refusal means says so where it happens: no such command, no space. The rest
 * is caught at the door of the engine, so that a client reads which operation failed, at which call
 * and with which errno, and nobody takes a full disk for a bug of ours.
 *
 * Kernel interface: errno(3).
 * Invariants: none.
 * Left out: hints for each errno.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import { originalErrorOf } from "../undo/index.ts";
import type { Engine } from "./engine.ts";

/** The same engine, whose methods throw a `RuntimeError` where the kernel refused something. */
export function withRefusals(engine: Engine): Engine {
  const methods = Object.entries(engine).map(([name, method]) => {
    // Every property of an engine is a method; it gets what it was called with.
    const call = method as (...given: readonly unknown[]) => unknown;
    const operation = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return [name, (...given: readonly unknown[]) => refusing(operation, () => call(...given))];
  });
  return Object.fromEntries(methods) as Engine;
}

function refusing(operation: string, call: () => unknown): unknown {
  const refuse = (error: unknown): never => {
    throw refusalOf(operation, error);
  };
  try {
    const result = call();
    return result instanceof Promise ? result.catch(refuse) : result;
  } catch (error) {
    return refuse(error);
  }
}

/** What an operation throws: a `RuntimeError` for a call that the kernel refused, else the same. */
export function refusalOf(operation: string, error: unknown): unknown {
  const original = originalErrorOf(error);
  if (!(original instanceof KernelError)) return error;
  const { syscall, subject, errno } = original;
  return new RuntimeError({
    code: "kernel-call-failed",
    class: "internal",
    message: `Cannot ${operation}: ${syscall} "${subject}": ${errno}`,
    operation,
    subject,
    errno,
    hint: "The kernel refused this call: see its man page for what the errno means.",
    cause: error,
  });
}
