/**
 * Errors: what happened, to what, and what to do about it.
 *
 * An operational failure is a `RuntimeError`. Its code is one of a closed set, its class decides
 * the HTTP status and the exit code, its hint is one sentence for the person who reads it, its
 * cause is never dropped. A broken invariant is an assertion and a bug, never a `RuntimeError`.
 *
 * Kernel interface: errno(3).
 * Specification: Docker Engine API v1.50, "Errors".
 * Invariants: none.
 * Left out: translation of messages.
 * Docs: docs/concepts/errors.md
 *
 * @module
 */

/** What kind of failure; one table maps it to an HTTP status (`httpStatusOf`). */
export type ErrorClass =
  | "not-found"
  | "conflict"
  | "invalid"
  | "denied"
  | "unavailable"
  | "not-modified"
  | "not-implemented"
  | "internal";

/** Every code there is. Add one here before you throw it. */
export type ErrorCode =
  | "container-not-found"
  | "container-not-running"
  | "container-running"
  | "container-paused"
  | "container-not-paused"
  | "container-already-started"
  | "container-already-stopped"
  | "container-being-removed"
  | "container-name-taken"
  | "container-name-invalid"
  | "container-start-failed"
  | "container-removal-failed"
  | "id-ambiguous"
  | "command-missing"
  | "command-not-found"
  | "command-not-executable"
  | "workdir-invalid"
  | "exec-not-found"
  | "exec-already-started"
  | "image-not-found"
  | "image-pull-failed"
  | "image-invalid"
  | "image-in-use"
  | "layer-invalid"
  | "archive-path-not-found"
  | "archive-refused"
  | "volume-invalid"
  | "volume-unreachable"
  | "volume-not-found"
  | "network-not-found"
  | "network-mode-unsupported"
  | "namespace-target-invalid"
  | "user-not-found"
  | "capability-unknown"
  | "capability-unavailable"
  | "seccomp-profile-invalid"
  | "resource-invalid"
  | "cgroup-unavailable"
  | "signal-unknown"
  | "request-invalid"
  | "json-invalid"
  | "filter-invalid"
  | "reference-invalid"
  | "plugin-not-found"
  | "route-not-found"
  | "api-version-unsupported"
  | "feature-unsupported"
  | "keeper-unavailable"
  | "keeper-failed"
  | "engine-locked"
  | "state-unreadable"
  | "kernel-call-failed";

/** What a `RuntimeError` is made of. */
export interface ErrorParts {
  readonly code: ErrorCode;
  readonly class: ErrorClass;
  /** What a person reads first, in Docker's wording where Docker has one. */
  readonly message: string;
  /** What was being done: "mount overlay". */
  readonly operation?: string | undefined;
  /** The path, id or flag by name. */
  readonly subject?: string | undefined;
  /** Symbolic errno, if the kernel spoke. */
  readonly errno?: string | undefined;
  /** One sentence: what to check or do. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** An operational failure: see the head of this file. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly code: ErrorCode;
  readonly class: ErrorClass;
  readonly operation: string | undefined;
  readonly subject: string | undefined;
  readonly errno: string | undefined;
  readonly hint: string | undefined;

  /** @param parts see `ErrorParts` */
  constructor(parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = parts.code;
    this.class = parts.class;
    this.operation = parts.operation;
    this.subject = parts.subject;
    this.errno = parts.errno;
    this.hint = parts.hint;
  }
}

const HTTP_STATUS: Readonly<Record<ErrorClass, number>> = {
  "not-modified": 304,
  invalid: 400,
  denied: 403,
  "not-found": 404,
  conflict: 409,
  "not-implemented": 501,
  unavailable: 503,
  internal: 500,
};

/**
 * The HTTP status of Docker's API for a class of error.
 *
 * @example httpStatusOf("conflict") // 409
 */
export function httpStatusOf(errorClass: ErrorClass): number {
  return HTTP_STATUS[errorClass];
}
