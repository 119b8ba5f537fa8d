/**
 * Shell words: words as one line that a shell reads as the same words.
 *
 * Kernel interface: none.
 * Specification: POSIX.1-2017, Shell Command Language, "Quoting".
 * Invariants:
 *   shell-line-round-trip   a shell reads a printed line as the same words
 * Left out: words that are easier to read with a backslash.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/**
 * Words as a shell would have to read them.
 *
 * @example shellLine(["echo", "it's"]) // "echo 'it'\\''s'"
 */
export function shellLine(words: readonly string[]): string {
  return words
    .map((word) =>
      /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`,
    )
    .join(" ");
}
