/**
 * Indent JSON: a JSON text with each element on its line, every other byte as it came.
 *
 * The daemon's numbers may be larger than a JavaScript number can hold (a limit of 2^63-1 bytes);
 * so what is only shown is never parsed.
 *
 * Kernel interface: none.
 * Specification: Go encoding/json, Indent.
 * Invariants:
 *   indent-keeps-meaning   an indented text parses to the same value as the text itself
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

const PIECE = /"(?:\\.|[^"\\])*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

const OPENING = new Set(["{", "["]);
const CLOSING = new Set(["}", "]"]);

/**
 * Indents a JSON text.
 *
 * @param prefix what every line but the first begins with
 * @example indentJson('{"a":[]}', "") // '{\n    "a": []\n}'
 */
export function indentJson(text: string, prefix: string): string {
  const pieces = text.match(PIECE) ?? [];
  let depth = 0;
  const line = (): string => `\n${prefix}${"    ".repeat(depth)}`;
  return pieces
    .map((piece, index) => {
      const follows = OPENING.has(pieces[index - 1] ?? "");
      if (CLOSING.has(piece)) {
        depth -= 1;
        return follows ? piece : line() + piece;
      }
      const start = follows ? line() : "";
      if (OPENING.has(piece)) depth += 1;
      if (piece === ",") return piece + line();
      return start + (piece === ":" ? ": " : piece);
    })
    .join("");
}
