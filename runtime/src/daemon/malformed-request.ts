/**
 * Malformed request: what is answered when nobody can say what was asked.
 *
 * Kernel interface: none.
 * Specification: RFC 9112, 3 "Request Line".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

/** Who is asked, where a request does not say it: only the path behind it counts. */
export const HOST_NAME = "drydock";

/** The answer to a request whose target is no URL, or whose body cannot be found. */
export function malformedRequest(): Response {
  return Response.json({ message: "malformed request target" }, { status: 400 });
}
