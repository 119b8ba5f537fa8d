/**
 * Cgroups: lists of CPUs and memory nodes, such as `0-2,4`.
 *
 * Kernel interface: cpuset(7), "FORMATS", list format.
 * Invariants:
 *   id-list-round-trip   printing a parsed list and parsing it again gives the same set
 * Left out: the stride form `0-8:2/4`, which Docker refuses too.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */

/** Docker's own limit: a machine has no more CPUs than this. */
const HIGHEST_ID = 8192;

/**
 * Parses a list. The empty text is the empty list.
 *
 * @returns the ids in rising order, without repetition, or undefined when the text is no list
 * @example parseIdList("0-2,4") // [0, 1, 2, 4]
 */
export function parseIdList(text: string): readonly number[] | undefined {
  if (text.trim() === "") return [];
  const ids = new Set<number>();
  for (const part of text.trim().split(",")) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last > HIGHEST_ID) return undefined;
    for (let id = first; id <= last; id++) ids.add(id);
  }
  return [...ids].toSorted((a, b) => a - b);
}

/**
 * Prints a list in its shortest form.
 *
 * @example formatIdList([0, 1, 2, 4]) // "0-2,4"
 */
export function formatIdList(ids: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const id of [...new Set(ids)].toSorted((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && run.last === id - 1) run.last = id;
    else runs.push({ first: id, last: id });
  }
  return runs
    .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
    .join(",");
}
