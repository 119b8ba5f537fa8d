/**
 * Cgroups: who is in which, how much that is, and how much it may be.
 *
 * Version 1 has a tree for each controller, version 2 one for all. A path means the same cgroup in
 * all of them to those who made it, so one row is made of all trees.
 */
import type { CgroupSnapshot, Snapshot } from "../../../../runtime/src/kernel/model/index.ts";
import type { Change } from "./changes.ts";

/** What is used and what may be, in bytes or in processes. */
export interface Share {
  readonly used: number;
  /** Undefined for no limit. */
  readonly most: number | undefined;
}

/** A cgroup. */
export interface CgroupRow {
  readonly path: string;
  readonly name: string;
  readonly depth: number;
  /** Its own processes, without those below. */
  readonly processes: readonly { readonly hostPid: number; readonly comm: string }[];
  readonly memory: Share;
  readonly pids: Share;
  /** How much of a processor: 0.5 for half of one; undefined for no limit. */
  readonly processors: number | undefined;
  readonly isFrozen: boolean;
  readonly change: Change;
}

/** One cgroup, put together from all trees that have it. */
interface Joined {
  readonly parts: readonly CgroupSnapshot[];
  readonly names: readonly string[];
}

/** The cgroups of a snapshot and those that are gone since `before`, from the root down. */
export function cgroupRows(after: Snapshot, before?: Snapshot): readonly CgroupRow[] {
  return rowsBelow({ path: "/", depth: 0 }, [after, before]);
}

function rowsBelow(
  at: { readonly path: string; readonly depth: number },
  [after, before]: readonly [Snapshot, Snapshot | undefined],
): readonly CgroupRow[] {
  const now = join(after, at.path);
  const then = before === undefined ? undefined : join(before, at.path);
  const shown = now.parts.length > 0 ? now : then;
  if (shown === undefined) return [];
  const snapshot = shown === now ? after : (before ?? after);
  const names = [...new Set([...now.names, ...(then?.names ?? [])])];
  const own = rowOf(shown.parts, { ...at, snapshot, change: changeOf(now, then) });
  const below = names.flatMap((name) => {
    const path = `${at.path === "/" ? "" : at.path}/${name}`;
    return rowsBelow({ path, depth: at.depth + 1 }, [after, before]);
  });
  return [own, ...below];
}

function join(snapshot: Snapshot, path: string): Joined {
  const names = path.split("/").filter((name) => name !== "");
  const parts = Object.values(snapshot.cgroups).flatMap(({ root }) => {
    const found = names.reduce<CgroupSnapshot | undefined>((at, name) => at?.children[name], root);
    return found === undefined ? [] : [found];
  });
  return { parts, names: [...new Set(parts.flatMap(({ children }) => Object.keys(children)))] };
}

/** A cgroup has not changed itself when only one below it did. */
function changeOf(now: Joined, then: Joined | undefined): Change {
  if (then === undefined) return "same";
  if (then.parts.length === 0) return "new";
  if (now.parts.length === 0) return "gone";
  const same = now.parts.every((part, at) => {
    const old = then.parts[at];
    return (
      part === old ||
      (part.settings === old?.settings &&
        part.hostPids === old.hostPids &&
        part.memoryBytes === old.memoryBytes)
    );
  });
  return same && now.parts.length === then.parts.length ? "same" : "changed";
}

interface Facts {
  readonly path: string;
  readonly depth: number;
  readonly snapshot: Snapshot;
  readonly change: Change;
}

function rowOf(parts: readonly CgroupSnapshot[], facts: Facts): CgroupRow {
  const { path, depth, snapshot, change } = facts;
  const settings = Object.assign({}, ...parts.map((part) => part.settings)) as Settings;
  const hostPids = [...new Set(parts.flatMap((part) => part.hostPids))].toSorted((a, b) => a - b);
  const memoryLimit = settings["memory.max"] ?? settings["memory.limit_in_bytes"];
  return {
    path,
    name: path.slice(path.lastIndexOf("/") + 1) || "/",
    depth,
    processes: hostPids.map((hostPid) => ({
      hostPid,
      comm: snapshot.processes[String(hostPid)]?.comm ?? "",
    })),
    memory: {
      used: Math.max(0, ...parts.map((part) => part.memoryBytes)),
      most: limitOf(memoryLimit),
    },
    pids: {
      used: Math.max(0, ...parts.map((part) => pidsBelow(part))),
      most: limitOf(settings["pids.max"]),
    },
    processors: processorsOf(settings),
    isFrozen: settings["cgroup.freeze"] === "1" || settings["freezer.state"] === "FROZEN",
    change,
  };
}

type Settings = Readonly<Record<string, string>>;

function pidsBelow({ hostPids, children }: CgroupSnapshot): number {
  return Object.values(children).reduce((sum, child) => sum + pidsBelow(child), hostPids.length);
}

function limitOf(text: string | undefined): number | undefined {
  return text === undefined || text === "max" ? undefined : Number(text);
}

/** `cpu.max` of version 2 holds quota and period, version 1 has a file for each. */
function processorsOf(settings: Settings): number | undefined {
  const [quota, period] = (settings["cpu.max"] ?? "").split(" ");
  const wish = settings["cpu.max"] === undefined ? settings["cpu.cfs_quota_us"] : quota;
  const within = period ?? settings["cpu.cfs_period_us"] ?? "100000";
  if (wish === undefined || wish === "max" || wish === "-1") return undefined;
  return Number(wish) / Number(within);
}
