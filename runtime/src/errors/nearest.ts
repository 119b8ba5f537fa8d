/**
 * Nearest: what somebody who mistyped a word probably meant.
 *
 * Kernel interface: none.
 * Specification: none.
 * Invariants: none.
 * Left out: keys that lie side by side on a keyboard.
 * Docs: docs/concepts/errors.md
 *
 * @module
 */

/**
 * The candidate that differs from a word by the fewest edits, if it is near enough to be meant.
 *
 * @example nearest("containr", ["container", "image"]) // "container"
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: { name: string; edits: number } | undefined;
  for (const name of candidates) {
    const edits = editDistance(word, name);
    if (edits <= limit && (best === undefined || edits < best.edits)) best = { name, edits };
  }
  return best?.name;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(left: string, right: string): number {
  const table: number[][] = [];
  const at = (row: number, column: number): number => table[row]?.[column] ?? row + column;
  const isSwap = (row: number, column: number): boolean =>
    row > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
  for (let row = 1; row <= left.length; row += 1) {
    const line: number[] = [row];
    table[row] = line;
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      line.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (same ? 0 : 1),
          isSwap(row, column) ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return at(left.length, right.length);
}
