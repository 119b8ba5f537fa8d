/**
 * Cgroup files: what each controller shows and takes.
 *
 * One row for each file: which values it accepts, in the units in which it shows them, and what it
 * shows when nobody wrote.
 *
 * Kernel interface: cgroups(7); kernel documentation, admin-guide/cgroup-v1, cgroup-v2.rst.
 * Invariants:
 *   cgroup-limits-agree   the limits of version 1 take and show what they do on Linux
 * Left out: files that nobody who runs containers reads or writes; statistics are all zero but for
 *   those of memory and processes. There is no scheduler: no process uses processor time, so shares
 *   and quotas are numbers only.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { CPUS, MEMORY_NODES } from "../machine.ts";
import { refuse, refuseIf } from "../refusal.ts";
import type { Cgroup, Process } from "../state.ts";
import { limitOf, memoryBelow, processesBelow, upwards } from "./charge.ts";

/** A file of a controller. */
export interface CgroupFile {
  readonly name: string;
  readonly controller: string;
  /** What it shows; without it only writing is possible. */
  readonly show?: (cgroup: Cgroup) => string;
  /** What is kept of what was written. @throws Refusal EINVAL, ERANGE, EBUSY */
  readonly take?: (cgroup: Cgroup, text: string) => string;
}

const PAGE_BYTES = 4096;
/** The largest number of whole pages: what version 1 shows for no limit. */
const NO_LIMIT = "9223372036854771712";

function whole(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : refuse("EINVAL");
}

function within(text: string, least: number, most: number, errno = "EINVAL"): string {
  const value = whole(text);
  refuseIf(value < least || value > most, errno);
  return String(value);
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** A number of bytes, down to whole pages, or `max`. */
function bytes(text: string, none: string): string {
  if (text === none) return "max";
  const [, digits, unit = ""] = /^(\d+)([kmg]?)$/i.exec(text) ?? refuse("EINVAL");
  const value = Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
  return value >= 2 ** 63 ? "max" : String(Math.floor(value / PAGE_BYTES) * PAGE_BYTES);
}

/** A file that keeps a number within limits. */
function number(
  name: string,
  controller: string,
  range: { readonly least: number; readonly most: number; readonly initial: number },
): CgroupFile {
  return {
    name,
    controller,
    show: ({ settings }) => settings.get(name) ?? String(range.initial),
    take: (_, text) => within(text, range.least, range.most),
  };
}

/** A file that keeps bytes, as version 2 writes them. */
function byteFile(name: string, initial: string): CgroupFile {
  return {
    name,
    controller: "memory",
    show: ({ settings }) => settings.get(name) ?? initial,
    take: (_, text) => bytes(text, "max"),
  };
}

/** A file that only tells. */
function told(name: string, controller: string, show: (cgroup: Cgroup) => string): CgroupFile {
  return { name, controller, show };
}

/** A file that keeps whatever is written, as the last line said it. */
function kept(name: string, controller: string, initial: string): CgroupFile {
  const show = ({ settings }: Cgroup): string => settings.get(name) ?? initial;
  return { name, controller, show, take: (_, text) => text };
}

const event = (name: string) => (cgroup: Cgroup) => String(cgroup.events.get(name) ?? 0);

function pidsMax(text: string): string {
  return text === "max" ? text : within(text, 0, 2 ** 22);
}

const PIDS: readonly CgroupFile[] = [
  {
    name: "pids.max",
    controller: "pids",
    show: ({ settings }) => settings.get("pids.max") ?? "max",
    take: (_, text) => pidsMax(text),
  },
  told("pids.current", "pids", (cgroup) => String(processesBelow(cgroup).length)),
  told("pids.events", "pids", (cgroup) => `max ${event("pids max")(cgroup)}`),
];

function limitInBytes(name: string, other: string, isAllowed: (a: number, b: number) => boolean) {
  return {
    name,
    controller: "memory",
    show: ({ settings }: Cgroup) => {
      const value = settings.get(name) ?? "max";
      return value === "max" ? NO_LIMIT : value;
    },
    take: (cgroup: Cgroup, text: string) => {
      const value = bytes(text, "-1");
      const limit = value === "max" ? Infinity : Number(value);
      refuseIf(!isAllowed(limit, limitOf(cgroup, other)), "EINVAL");
      refuseIf(memoryBelow(cgroup) > limit, "EBUSY");
      return value;
    },
  };
}

const MEMORY_1: readonly CgroupFile[] = [
  limitInBytes("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", (own, swap) => own <= swap),
  limitInBytes("memory.memsw.limit_in_bytes", "memory.limit_in_bytes", (own, mem) => own >= mem),
  limitInBytes("memory.soft_limit_in_bytes", "", () => true),
  number("memory.swappiness", "memory", { least: 0, most: 200, initial: 60 }),
  told("memory.usage_in_bytes", "memory", (cgroup) => String(memoryBelow(cgroup))),
  told("memory.max_usage_in_bytes", "memory", event("peak")),
  told("memory.failcnt", "memory", event("max")),
  {
    name: "memory.oom_control",
    controller: "memory",
    show: (cgroup) => {
      const disabled = cgroup.settings.get("memory.oom_control") ?? "0";
      return `oom_kill_disable ${disabled}\nunder_oom 0\noom_kill ${event("oom_kill")(cgroup)}`;
    },
    take: (_, text) => within(text, 0, 1),
  },
  told("memory.stat", "memory", (cgroup) => `cache 0\nrss ${memoryBelow(cgroup)}`),
];

const MEMORY_2: readonly CgroupFile[] = [
  byteFile("memory.max", "max"),
  byteFile("memory.high", "max"),
  byteFile("memory.low", "0"),
  byteFile("memory.min", "0"),
  byteFile("memory.swap.max", "max"),
  told("memory.current", "memory", (cgroup) => String(memoryBelow(cgroup))),
  told("memory.peak", "memory", event("peak")),
  told("memory.stat", "memory", (cgroup) => `anon ${memoryBelow(cgroup)}\nfile 0`),
  told("memory.events", "memory", (cgroup) =>
    ["low", "high", "max", "oom", "oom_kill"]
      .map((name) => `${name} ${event(name)(cgroup)}`)
      .join("\n"),
  ),
];

const SHARES_LEAST = 2;
const SHARES_MOST = 262_144;

const CPU_1: readonly CgroupFile[] = [
  {
    name: "cpu.shares",
    controller: "cpu",
    show: ({ settings }) => settings.get("cpu.shares") ?? "1024",
    take: (_, text) => {
      const wish = whole(text);
      refuseIf(wish < 0, "EINVAL");
      return String(Math.min(SHARES_MOST, Math.max(SHARES_LEAST, wish)));
    },
  },
  number("cpu.cfs_period_us", "cpu", { least: 1000, most: 1_000_000, initial: 100_000 }),
  {
    name: "cpu.cfs_quota_us",
    controller: "cpu",
    show: ({ settings }) => settings.get("cpu.cfs_quota_us") ?? "-1",
    take: (_, text) => (whole(text) < 0 ? "-1" : within(text, 1000, 2 ** 44)),
  },
  told("cpu.stat", "cpu", () => "nr_periods 0\nnr_throttled 0\nthrottled_time 0"),
  told("cpuacct.usage", "cpuacct", () => "0"),
  told("cpuacct.stat", "cpuacct", () => "user 0\nsystem 0"),
];

/** `max`, or microseconds of processor, in a period that stays when it is not said. */
function cpuMax(cgroup: Cgroup, text: string): string {
  const [, before = "100000"] = (cgroup.settings.get("cpu.max") ?? "").split(" ");
  const [quota = "", period = before, ...more] = text.split(/\s+/);
  refuseIf(more.length > 0, "EINVAL");
  const checked = quota === "max" ? quota : within(quota, 1000, 2 ** 44);
  return `${checked} ${within(period, 1000, 1_000_000)}`;
}

const CPU_2: readonly CgroupFile[] = [
  {
    name: "cpu.max",
    controller: "cpu",
    show: ({ settings }) => settings.get("cpu.max") ?? "max 100000",
    take: cpuMax,
  },
  {
    name: "cpu.weight",
    controller: "cpu",
    show: ({ settings }) => settings.get("cpu.weight") ?? "100",
    take: (_, text) => within(text, 1, 10_000, "ERANGE"),
  },
  told("cpu.stat", "", () => "usage_usec 0\nuser_usec 0\nsystem_usec 0"),
];

/** The processors that a process may run on, as the kernel lists them. */
export function allowedCpus({ cgroups }: Process): string {
  const home = [...cgroups.values()].find(({ hierarchy }) =>
    hierarchy.controllers.includes("cpuset"),
  );
  const set =
    home === undefined ? [] : upwards(home).map(({ settings }) => settings.get("cpuset.cpus"));
  return set.find((cpus) => cpus !== undefined && cpus.trim() !== "") ?? CPUS;
}

/** Lists such as `0-3,5`. */
export function idList(text: string): readonly number[] {
  return text
    .split(",")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? refuse("EINVAL");
      refuseIf(Number(last) < Number(first), "EINVAL");
      const length = Number(last) - Number(first) + 1;
      return Array.from({ length }, (_, at) => Number(first) + at);
    });
}

/** Neighbours as a range: `0,1,3` is `0-1,3`. */
function printIds(ids: readonly number[]): string {
  const sorted = [...new Set(ids)].toSorted((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const id of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === id - 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join();
}

/** @param errno what an id is that the machine does not have */
function idSet(name: string, all: string, errno: string): CgroupFile {
  return {
    name,
    controller: "cpuset",
    // An empty set is an empty line.
    show: ({ settings, parent }) => settings.get(name) ?? (parent === undefined ? all : "\n"),
    take: (cgroup, text) => {
      const wanted = idList(text);
      refuseIf(
        wanted.some((id) => !idList(all).includes(id)),
        errno,
      );
      const [, parent] = upwards(cgroup);
      const printed = printIds(wanted);
      if (parent === undefined) return printed;
      const above = idList(parent.settings.get(name) ?? (parent.parent === undefined ? all : ""));
      const isLegacy = cgroup.hierarchy.version === 1;
      refuseIf(isLegacy && wanted.some((id) => !above.includes(id)), "EACCES");
      return printed;
    },
  };
}

const CPUSET: readonly CgroupFile[] = [
  idSet("cpuset.cpus", CPUS, "ERANGE"),
  idSet("cpuset.mems", MEMORY_NODES, "EINVAL"),
];

const BLOCK_1: readonly CgroupFile[] = [
  number("blkio.weight", "blkio", { least: 10, most: 1000, initial: 500 }),
  ...["read_bps", "write_bps", "read_iops", "write_iops"].map((kind) =>
    kept(`blkio.throttle.${kind}_device`, "blkio", ""),
  ),
  told("blkio.throttle.io_service_bytes_recursive", "blkio", () => "Total 0"),
  told("blkio.throttle.io_serviced_recursive", "blkio", () => "Total 0"),
];

const OTHERS_1: readonly CgroupFile[] = [
  {
    name: "freezer.state",
    controller: "freezer",
    show: (cgroup) => (isFrozen(cgroup) ? "FROZEN" : "THAWED"),
    take: (_, text) => (/^(FROZEN|THAWED)$/.test(text) ? text : refuse("EINVAL")),
  },
  { name: "devices.allow", controller: "devices", take: (_, text) => text },
  { name: "devices.deny", controller: "devices", take: (_, text) => text },
  told("devices.list", "devices", () => "a *:* rwm"),
];

/** Whether a cgroup or one above it was told to stand still. */
export function isFrozen(cgroup: Cgroup): boolean {
  return upwards(cgroup).some(
    ({ settings }) =>
      settings.get("freezer.state") === "FROZEN" || settings.get("cgroup.freeze") === "1",
  );
}

const IO_2: readonly CgroupFile[] = [
  kept("io.max", "io", ""),
  kept("io.weight", "io", "default 100"),
  told("io.stat", "io", () => ""),
];

/** The files of version 1's controllers. */
export const FILES_1 = [...PIDS, ...MEMORY_1, ...CPU_1, ...CPUSET, ...BLOCK_1, ...OTHERS_1];

/** The files of version 2's controllers. */
export const FILES_2 = [...PIDS, ...MEMORY_2, ...CPU_2, ...CPUSET, ...IO_2];
