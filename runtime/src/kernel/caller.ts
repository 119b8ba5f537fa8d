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

/** The place from which `entry` was called, one frame of the stack, put into words when asked. */
export function callerOf(entry: Passing["entry"]): (() => string | undefined) | undefined {
  const capture = Error as StackCapture;
  if (capture.captureStackTrace === undefined) return undefined;
  const limit = capture.stackTraceLimit;
  const holder: { stack?: string } = {};
  capture.stackTraceLimit = 1;
  capture.captureStackTrace(holder, entry);
  if (limit !== undefined) capture.stackTraceLimit = limit;
  return () => FRAME.exec(holder.stack ?? "")?.[1];
}
