/**
 * Changes: what is new, other, or gone between two snapshots.
 *
 * Parts of a snapshot that did not change are the same objects in the next one, so `===` decides,
 * and nobody looks inside. What is gone is kept for one picture, so that a reader sees it go.
 */

/** How something stands to the snapshot before. */
export type Change = "same" | "new" | "changed" | "gone";

/** A value, its key, and how it stands to the one before. */
export interface Changed<T> {
  readonly key: string;
  readonly value: T;
  readonly change: Change;
}

/**
 * The values of two records, each once; what is only in the first is gone.
 *
 * @param before undefined when there is nothing to compare with: then all is the same
 */
export function changesOf<T>(
  before: Readonly<Record<string, T>> | undefined,
  after: Readonly<Record<string, T>>,
): readonly Changed<T>[] {
  const present = Object.entries(after).map(([key, value]) => {
    if (before === undefined || before[key] === value)
      return { key, value, change: "same" } as const;
    return { key, value, change: Object.hasOwn(before, key) ? "changed" : "new" } as const;
  });
  const gone = Object.entries(before ?? {}).filter(([key]) => !Object.hasOwn(after, key));
  return [...present, ...gone.map(([key, value]) => ({ key, value, change: "gone" as const }))];
}
