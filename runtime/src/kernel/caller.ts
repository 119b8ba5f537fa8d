/**
 * Caller: the line of the running program that made a call.
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: engines other than V8, whose journals have no lines.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Passing } from "./decorate.ts";

/** The part of V8's Error that the language does not have; other engines lack it. */
interface StackCapture {
  stackTraceLimit?: number;
  captureStackTrace?(holder: { stack?: string }, entry: unknown): void;
}

const FRAME = /\(?([^()\s]+:\d+:\d+)\)?$/;

/** The place of a call, not yet put into words. */
export interface Caller {
  readonly stack?: string;
}

/** The place from which `entry` was called: one frame of the stack. */
export function callerOf(entry: Passing["entry"]): Caller | undefined {
  const capture = Error as StackCapture;
  if (capture.captureStackTrace === undefined) return undefined;
  const limit = capture.stackTraceLimit;
  const caller: { stack?: string } = {};
  capture.stackTraceLimit = 1;
  capture.captureStackTrace(caller, entry);
  if (limit !== undefined) capture.stackTraceLimit = limit;
  return caller;
}

/** A caller as `file:line:column`. */
export function placeOf({ stack }: Caller): string | undefined {
  return FRAME.exec(stack ?? "")?.[1];
}
