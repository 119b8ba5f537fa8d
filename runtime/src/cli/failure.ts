/**
 * Failures: what a command prints when it cannot go on, and the exit code it leaves.
 *
 * Docker's first line comes first, word for word where programs read it. A line of ours may follow
 * it: the remedy. Then, for a mistake in the grammar, the usage line and where to read more.
 *
 * Kernel interface: exit_group(2).
 * Specification: docker run reference, "Exit status" (125, 126, 127, or the container's own).
 * Invariants: none.
 * Left out: translation of messages.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** What a `Failure` is made of. */
export interface FailureParts {
  /** The first line, in Docker's wording. */
  readonly message: string;
  readonly exitCode: number;
  /** One line of ours that follows: what to do about it. */
  readonly hint?: string | undefined;
  /** The usage line of the command, without "Usage:". */
  readonly usage?: string | undefined;
  /** The command line that explains more, for example "drydock run --help". */
  readonly seeAlso?: string | undefined;
  readonly cause?: unknown;
}

/** A command ends here: printed once, by the entry, to standard error. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;
  readonly hint: string | undefined;
  readonly usage: string | undefined;
  readonly seeAlso: string | undefined;

  /** @param parts see `FailureParts` */
  constructor(parts: FailureParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.exitCode = parts.exitCode;
    this.hint = parts.hint;
    this.usage = parts.usage;
    this.seeAlso = parts.seeAlso;
  }
}

/**
 * The lines that a failure prints.
 *
 * @example renderFailure(new Failure({ message: "unknown flag: --foo", exitCode: 125 }))
 */
export function renderFailure(failure: Failure): string {
  const blocks = [failureText(failure)];
  if (failure.usage !== undefined) blocks.push(`Usage:  ${failure.usage}`);
  if (failure.seeAlso !== undefined) {
    blocks.push(`Run '${failure.seeAlso}' for more information`);
  }
  return `${blocks.join("\n\n")}\n`;
}

/** What was thrown, and on a line of its own what to do about it, if that is known. */
export function failureText(thrown: unknown): string {
  const hint = thrown instanceof Failure ? thrown.hint : undefined;
  return hint === undefined ? messageOf(thrown) : `${messageOf(thrown)}\n${hint}`;
}

/** The text of what was thrown; an undo that failed too does not hide the first failure. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const suppressed: unknown = "suppressed" in thrown ? thrown.suppressed : undefined;
  return suppressed instanceof Error ? suppressed.message : thrown.message;
}
