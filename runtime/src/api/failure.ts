/**
 * Failure: an error as HTTP says it.
 *
 * The class of a `RuntimeError` is the status, its message is the `message` of the JSON body, and
 * its hint follows on a line of its own. Clients read the first line by machine (the docker CLI
 * derives exit codes from its words), people read both. What is not a `RuntimeError` is a bug of
 * ours: 500 with its message, and never a stack.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "Errors".
 * Invariants: none.
 * Left out: nothing known.
 * Docs: docs/concepts/errors.md
 *
 * @module
 */

import { RuntimeError, httpStatusOf, type ErrorCode } from "../errors/index.ts";
import { originalErrorOf } from "../undo/index.ts";

/** Clients that were written for Docker find `message`; the rest is for ours. */
interface FailureBody {
  readonly message: string;
  readonly code?: string;
}

/**
 * What a person reads of an error: its message, and on a second line its hint.
 *
 * @example messageOf(new Error("no space")) // "no space"
 */
export function messageOf(error: unknown): string {
  const original = originalErrorOf(error);
  if (original instanceof RuntimeError) {
    return original.hint === undefined ? original.message : `${original.message}\n${original.hint}`;
  }
  return original instanceof Error ? original.message || original.name : String(original);
}

/** Whether an error is a bug of ours rather than an answer, so that somebody should look at it. */
export function isUnexpected(error: unknown): boolean {
  return !(originalErrorOf(error) instanceof RuntimeError);
}

/** The response for an error: see the head of this file. A 304 has no body. */
export function failureResponse(error: unknown): Response {
  const original = originalErrorOf(error);
  const known = original instanceof RuntimeError;
  const status = known ? httpStatusOf(original.class) : 500;
  if (status === 304) return new Response(null, { status });
  const body: FailureBody = known
    ? { message: messageOf(original), code: original.code }
    : { message: messageOf(original) };
  return Response.json(body, { status });
}

/** A request that is wrong in itself. */
export function invalidRequest(message: string, hint?: string): RuntimeError {
  return new RuntimeError({ code: "request-invalid", class: "invalid", message, hint });
}

/** Something Docker does and we do not. */
export function notImplemented(message: string, hint?: string): RuntimeError {
  return new RuntimeError({
    code: "feature-unsupported",
    class: "not-implemented",
    message,
    hint,
  });
}

/** A named thing that is not here, in Docker's words. */
export function notFound(code: ErrorCode, message: string): RuntimeError {
  return new RuntimeError({ code, class: "not-found", message });
}
