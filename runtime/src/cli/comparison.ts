/**
 * Comparison: two tables side by side.
 *
 * Kernel interface: none.
 * Specification: none.
 * Invariants:
 *   comparison-is-whole   each name of either side stands in exactly one part, and comparing the
 *       other way round swaps the sides
 * Left out: nothing.
 * Docs: docs/concepts/compare.md
 *
 * @module
 */

/** Words by name. */
export type Table = Readonly<Record<string, string>>;

/** What two tables have in common, and what not; names in order. */
export interface Comparison {
  readonly same: Table;
  readonly different: Readonly<Record<string, readonly [left: string, right: string]>>;
  readonly onlyLeft: Table;
  readonly onlyRight: Table;
}

/**
 * Compares two tables. Pure.
 *
 * @example compareTables({ a: "1", b: "2" }, { a: "1", b: "3" }).different // { b: ["2", "3"] }
 */
export function compareTables(left: Table, right: Table): Comparison {
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].toSorted(byText);
  const parts = {
    same: new Map<string, string>(),
    different: new Map<string, readonly [string, string]>(),
    onlyLeft: new Map<string, string>(),
    onlyRight: new Map<string, string>(),
  };
  for (const name of names) {
    const [one, other] = [valueOf(left, name), valueOf(right, name)];
    if (one === undefined) parts.onlyRight.set(name, other ?? "");
    else if (other === undefined) parts.onlyLeft.set(name, one);
    else if (one === other) parts.same.set(name, one);
    else parts.different.set(name, [one, other]);
  }
  return {
    same: Object.fromEntries(parts.same),
    different: Object.fromEntries(parts.different),
    onlyLeft: Object.fromEntries(parts.onlyLeft),
    onlyRight: Object.fromEntries(parts.onlyRight),
  };
}

function byText(left: string, right: string): number {
  return left < right ? -1 : 1;
}

function valueOf(table: Table, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
