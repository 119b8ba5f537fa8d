/**
 * Processes: who sees what.
 *
 * Processes that share all eight namespaces have the same view of the machine, so they are drawn
 * in one box. A box hangs in that of the parent of its first process, and says which namespaces it
 * does not share with it: for a container, nearly all.
 */
import type { ProcessSnapshot, Snapshot } from "../../../../runtime/src/kernel/model/index.ts";
import { changesOf, type Change, type Changed } from "./changes.ts";

/** The kinds, in the order of namespaces(7) that is easiest to explain. */
export const KINDS = ["mnt", "pid", "uts", "net", "ipc", "user", "cgroup", "time"] as const;

/** A process, in its box. */
export interface ProcessRow {
  readonly hostPid: number;
  /** Its number in its own PID namespace. */
  readonly pid: number;
  readonly comm: string;
  readonly uid: number;
  readonly capabilities: readonly string[];
  readonly namespaces: ProcessSnapshot["namespaces"];
  readonly parent: number | undefined;
  readonly memoryBytes: number;
  readonly change: Change;
}

/** Processes with one view of the machine. */
export interface ViewBox {
  readonly key: string;
  readonly hostname: string;
  /** The namespaces that it does not share with the box around it. */
  readonly own: readonly { readonly kind: string; readonly inode: number }[];
  readonly processes: readonly ProcessRow[];
  readonly inside: readonly ViewBox[];
  readonly change: Change;
}

/** The processes of a snapshot and those that ended since `before`, by their host number. */
export function processRows(after: Snapshot, before?: Snapshot): readonly ProcessRow[] {
  return changesOf(before?.processes, after.processes)
    .map(toRow)
    .toSorted((a, b) => a.hostPid - b.hostPid);
}

function toRow({ value, change }: Changed<ProcessSnapshot>): ProcessRow {
  const { hostPid, parent, comm, uid, effective, memoryBytes, namespaces, pids } = value;
  const pid = pids[String(namespaces["pid"])] ?? hostPid;
  const capabilities = effective;
  return { hostPid, pid, comm, uid, capabilities, namespaces, parent, memoryBytes, change };
}

/** The boxes of a snapshot; the machine's own is the first. */
export function viewBoxes(after: Snapshot, before?: Snapshot): readonly ViewBox[] {
  const rows = processRows(after, before);
  const groups = new Map<string, ProcessRow[]>();
  for (const row of rows) {
    const group = groups.get(viewKey(row)) ?? [];
    groups.set(viewKey(row), [...group, row]);
  }
  const known = new Set(Object.values(before?.processes ?? {}).map(viewKey));
  const parents = new Map([...groups].map(([key, group]) => [key, keyAround(group, rows)]));
  const boxOf = (key: string): ViewBox => {
    const processes = groups.get(key) ?? [];
    const [first] = processes;
    const around = groups.get(parents.get(key) ?? "")?.[0]?.namespaces;
    const isGone = processes.every(({ change }) => change === "gone");
    const isNew = before !== undefined && !known.has(key);
    const seen = isGone && before !== undefined ? before : after;
    return {
      key,
      hostname: first === undefined ? "" : hostnameOf(first.namespaces, seen),
      own: first === undefined ? [] : ownNamespaces(first.namespaces, around),
      processes,
      inside: [...groups.keys()].filter((each) => parents.get(each) === key).map(boxOf),
      change: boxChange(isGone, isNew),
    };
  };
  return [...groups.keys()].filter((key) => parents.get(key) === undefined).map(boxOf);
}

function boxChange(isGone: boolean, isNew: boolean): Change {
  if (isGone) return "gone";
  return isNew ? "new" : "same";
}

type NamespaceInodes = ProcessSnapshot["namespaces"];

/** Those that are others than those around. */
function ownNamespaces(namespaces: NamespaceInodes, around: NamespaceInodes = {}): ViewBox["own"] {
  return KINDS.flatMap((kind) => {
    const inode = namespaces[kind];
    return inode === undefined || inode === around[kind] ? [] : [{ kind, inode }];
  });
}

/** What processes with the same view have in common. */
function viewKey({ namespaces }: Pick<ProcessSnapshot, "namespaces">): string {
  return KINDS.map((kind) => namespaces[kind]).join(" ");
}

/** The view of the nearest ancestor of a group's first process that has another one. */
function keyAround(
  [first]: readonly ProcessRow[],
  rows: readonly ProcessRow[],
): string | undefined {
  if (first === undefined) return undefined;
  let row: ProcessRow | undefined = first;
  // A parent has a smaller number than its child, so this ends.
  while (row !== undefined && viewKey(row) === viewKey(first)) {
    const { parent }: ProcessRow = row;
    row = rows.find(({ hostPid }) => hostPid === parent);
  }
  return row === undefined ? undefined : viewKey(row);
}

/** The machine name that processes of these namespaces see. */
export function hostnameOf(namespaces: ProcessSnapshot["namespaces"], snapshot: Snapshot): string {
  const name = snapshot.namespaces[String(namespaces["uts"])]?.["hostname"];
  return typeof name === "string" ? name : "";
}
