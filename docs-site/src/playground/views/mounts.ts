/**
 * Mounts: the mount table of one process, as the tree that it is.
 */
import type { MountSnapshot, Snapshot } from "../../../../runtime/src/kernel/model/index.ts";
import { changesOf, type Change } from "./changes.ts";

/** A line of the table. */
export interface MountRow {
  readonly id: number;
  /** How many mounts it hangs below. */
  readonly depth: number;
  readonly path: string;
  readonly type: string;
  readonly source: string;
  readonly readOnly: boolean;
  /** In words: `private`, `shared with group 3`, `follows group 3`. */
  readonly propagation: string;
  readonly change: Change;
}

/** The mount table of a process, each mount below the one that it hangs on. */
export function mountRows(
  hostPid: number,
  after: Snapshot,
  before?: Snapshot,
): readonly MountRow[] {
  const changes = changesOf(tableOf(hostPid, before), tableOf(hostPid, after) ?? {});
  const ids = new Set(changes.map(({ value }) => value.id));
  const below = (parent: number | undefined, depth: number): readonly MountRow[] =>
    changes
      .filter(({ value }) => (ids.has(value.parent ?? -1) ? value.parent : undefined) === parent)
      .flatMap(({ value, change }) => [
        { ...toRow(value), depth, change },
        ...below(value.id, depth + 1),
      ]);
  return below(undefined, 0);
}

/** By id; undefined when there is no such process. */
function tableOf(
  hostPid: number,
  snapshot: Snapshot | undefined,
): Readonly<Record<string, MountSnapshot>> | undefined {
  const process = snapshot?.processes[String(hostPid)];
  if (snapshot === undefined || process === undefined) return undefined;
  const table = snapshot.mounts[String(process.namespaces["mnt"])] ?? [];
  return Object.fromEntries(table.map((mount) => [String(mount.id), mount]));
}

function toRow(mount: MountSnapshot): Omit<MountRow, "depth" | "change"> {
  const { id, path = "(cannot be reached)", type, source, readOnly, shared, master } = mount;
  const words = [
    ...(shared === undefined ? [] : [`shared with group ${shared}`]),
    ...(master === undefined ? [] : [`follows group ${master}`]),
  ];
  const propagation = words.length === 0 ? "private" : words.join(", ");
  return { id, path, type, source, readOnly, propagation };
}
