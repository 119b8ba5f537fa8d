/**
 * Cgroups: what a cgroup has used.
 *
 * The same controllers that limit also count. Version 1 and version 2 count under different names
 * and in different units (nanoseconds here, microseconds there); what comes out of this file has
 * one set of names and units.
 *
 * Kernel interface: kernel documentation, admin-guide/cgroup-v1/memory.rst, cpuacct.rst,
 *   blkio-controller.rst, pids.rst, admin-guide/cgroup-v2.rst.
 * Invariants: none; the numbers are the kernel's.
 * Left out: pressure stall information, NUMA statistics, hugetlb.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import type { Files } from "../kernel/index.ts";
import { KernelError } from "../kernel/index.ts";
import { parseLimit } from "./arithmetic.ts";
import { readTextOr, words } from "./layout.ts";
import type { Cgroup, CgroupDirectory, CgroupParent } from "./plan.ts";

/** Bytes or operations on one block device. */
export interface BlkioCount {
  readonly major: number;
  readonly minor: number;
  readonly operation: "read" | "write";
  readonly bytes: number;
  readonly operations: number;
}

/** What a cgroup and all below it have used so far. */
export interface CgroupUsage {
  readonly memoryBytes: number;
  /** The highest that `memoryBytes` has been; 0 where the kernel does not keep it. */
  readonly memoryPeakBytes: number;
  /** `Infinity` when there is no limit. */
  readonly memoryLimitBytes: number;
  /** The kernel's own memory statistics, by its names: `inactive_file`, `cache`, … */
  readonly memoryStat: Readonly<Record<string, number>>;
  /** How often a charge failed at the limit. */
  readonly memoryFailures: number;
  /** How many processes the kernel killed because memory ran out. */
  readonly oomKills: number;
  readonly cpuTotalNs: number;
  readonly cpuUserNs: number;
  readonly cpuSystemNs: number;
  /**
   * Of how many periods were there any, in how many was the quota used up, and for how long did
   * tasks wait.
   */
  readonly cpuPeriods: number;
  readonly cpuThrottledPeriods: number;
  readonly cpuThrottledNs: number;
  readonly pids: number;
  /** `Infinity` when there is no limit. */
  readonly pidsLimit: number;
  readonly blkio: readonly BlkioCount[];
}

/** USER_HZ: the unit of cpuacct.stat, the same on every machine that Linux tells it to. */
const TICK_NS = 10_000_000;

/** Reads what a cgroup has used. Counters of controllers that are missing are 0. */
export function readCgroupUsage(kernel: Files, cgroup: Cgroup): CgroupUsage {
  const memory = open(kernel, cgroup, "memory");
  const pids = open(kernel, cgroup, "pids");
  return {
    ...(memory.version === 1 ? readMemoryV1(memory) : readMemoryV2(memory)),
    ...readCpu(kernel, cgroup),
    pids: pids.number("pids.current"),
    pidsLimit: parseLimit(pids.text("pids.max") || "max"),
    blkio: readBlkio(kernel, cgroup),
  };
}

/**
 * How many processes of a cgroup the kernel killed for lack of memory. Zero when the cgroup is
 * gone.
 *
 * This is what `State.OOMKilled` is made from when a container ends.
 */
export function readOomKills(kernel: Files, cgroup: Cgroup): number {
  const memory = open(kernel, cgroup, "memory");
  const file = memory.version === 1 ? "memory.oom_control" : "memory.events";
  return memory.table(file)["oom_kill"] ?? 0;
}

/** The files of one controller of one cgroup. */
interface Reader {
  readonly version: 1 | 2;
  /** The text of a file, empty when there is no such file. */
  readonly text: (file: string) => string;
  readonly number: (file: string) => number;
  /** A file of lines `name value`. */
  readonly table: (file: string) => Readonly<Record<string, number>>;
}

function open(kernel: Files, cgroup: Cgroup, controller: string): Reader {
  const directory: CgroupDirectory | undefined = cgroup.directories.find(({ controllers }) =>
    controllers.includes(controller),
  );
  const text = (file: string) =>
    directory === undefined ? "" : readTextOr(kernel, `${directory.path}/${file}`, "");
  return {
    version: directory?.version ?? 2,
    text,
    number: (file) => Number(text(file).trim()) || 0,
    table: (file) => parseTable(text(file)),
  };
}

function parseTable(text: string): Readonly<Record<string, number>> {
  const pairs = text.split("\n").map((line) => words(line));
  return Object.fromEntries(
    pairs.flatMap(([name, value]) => (name ? [[name, Number(value)]] : [])),
  );
}

function readMemoryV1(memory: Reader) {
  return {
    memoryBytes: memory.number("memory.usage_in_bytes"),
    memoryPeakBytes: memory.number("memory.max_usage_in_bytes"),
    memoryLimitBytes: parseLimit(memory.text("memory.limit_in_bytes") || "max"),
    memoryStat: memory.table("memory.stat"),
    memoryFailures: memory.number("memory.failcnt"),
    oomKills: memory.table("memory.oom_control")["oom_kill"] ?? 0,
  };
}

function readMemoryV2(memory: Reader) {
  const events = memory.table("memory.events");
  return {
    memoryBytes: memory.number("memory.current"),
    memoryPeakBytes: memory.number("memory.peak"),
    memoryLimitBytes: parseLimit(memory.text("memory.max") || "max"),
    memoryStat: memory.table("memory.stat"),
    memoryFailures: events["max"] ?? 0,
    oomKills: events["oom_kill"] ?? 0,
  };
}

function readCpu(kernel: Files, cgroup: Cgroup) {
  const cpu = open(kernel, cgroup, "cpu");
  const stat = cpu.table("cpu.stat");
  const periods = {
    cpuPeriods: stat["nr_periods"] ?? 0,
    cpuThrottledPeriods: stat["nr_throttled"] ?? 0,
  };
  if (cpu.version === 2) {
    const us = (name: string) => (stat[name] ?? 0) * 1000;
    return {
      ...periods,
      cpuThrottledNs: us("throttled_usec"),
      cpuTotalNs: us("usage_usec"),
      cpuUserNs: us("user_usec"),
      cpuSystemNs: us("system_usec"),
    };
  }
  const account = open(kernel, cgroup, "cpuacct");
  const ticks = account.table("cpuacct.stat");
  return {
    ...periods,
    cpuThrottledNs: stat["throttled_time"] ?? 0,
    cpuTotalNs: account.number("cpuacct.usage"),
    cpuUserNs: (ticks["user"] ?? 0) * TICK_NS,
    cpuSystemNs: (ticks["system"] ?? 0) * TICK_NS,
  };
}

function readBlkio(kernel: Files, cgroup: Cgroup): readonly BlkioCount[] {
  const io = open(kernel, cgroup, "io").text("io.stat");
  if (io !== "") return parseIoStat(io);
  const blkio = open(kernel, cgroup, "blkio");
  return parseBlkio(
    blkio.text("blkio.throttle.io_service_bytes_recursive"),
    blkio.text("blkio.throttle.io_serviced_recursive"),
  );
}

/** Version 2: lines `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`. Pure. */
export function parseIoStat(text: string): readonly BlkioCount[] {
  return text.split("\n").flatMap((line): readonly BlkioCount[] => {
    const [device = "", ...fields] = words(line);
    if (device === "") return [];
    const value = new Map(
      fields.map((field) => [field.split("=")[0], Number(field.split("=")[1])]),
    );
    const [major, minor] = numbersOf(device);
    const count = (letter: "r" | "w") => ({
      bytes: value.get(`${letter}bytes`) ?? 0,
      operations: value.get(`${letter}ios`) ?? 0,
    });
    return [
      { major, minor, operation: "read", ...count("r") },
      { major, minor, operation: "write", ...count("w") },
    ];
  });
}

/** Version 1: two files of lines `8:0 Read 4096`, one in bytes, one in operations. Pure. */
export function parseBlkio(bytesText: string, operationsText: string): readonly BlkioCount[] {
  const operations = new Map(
    operationsText.split("\n").map((line) => {
      const [device, name, value] = words(line);
      return [`${device} ${name}`, Number(value)];
    }),
  );
  return bytesText.split("\n").flatMap((line): readonly BlkioCount[] => {
    const [device = "", name = "", value] = words(line);
    if (name !== "Read" && name !== "Write") return [];
    const [major, minor] = numbersOf(device);
    const operation = name === "Read" ? "read" : "write";
    const bytes = Number(value);
    return [
      { major, minor, operation, bytes, operations: operations.get(`${device} ${name}`) ?? 0 },
    ];
  });
}

function numbersOf(device: string): readonly [number, number] {
  const [major = 0, minor = 0] = device.split(":").map(Number);
  return [major, minor];
}

/**
 * The device numbers of the block devices that limits name by path, for `planCgroup`.
 *
 * @throws RuntimeError `resource-invalid` when a path is missing or no block device
 */
export function readBlockDevices(
  kernel: Files,
  hostPaths: readonly string[],
): ReadonlyMap<string, string> {
  return new Map(hostPaths.map((path) => [path, readBlockDevice(kernel, path)]));
}

/**
 * Which of these block devices no weight can be given: where bfq keeps the weights, those of other
 * schedulers. What is not there is left to `readBlockDevices`.
 */
export function readUnweighable(
  kernel: Files,
  { files }: CgroupParent,
  hostPaths: readonly string[],
): readonly string[] {
  if (!files.has("blkio.bfq.weight") && !files.has("io.bfq.weight")) return [];
  return hostPaths.filter((path) => {
    const stat = kernel.statIfPresent(path);
    if (stat?.type !== "block") return false;
    const device = `/sys/dev/block/${stat.rdevMajor}:${stat.rdevMinor}`;
    // A partition has the scheduler of its disk.
    const schedulers = ["queue", "../queue"].map((queue) =>
      readTextOr(kernel, `${device}/${queue}/scheduler`, ""),
    );
    return !schedulers.some((text) => text.includes("[bfq]"));
  });
}

function readBlockDevice(kernel: Files, hostPath: string): string {
  let problem = "not a block device";
  try {
    const stat = kernel.stat(hostPath);
    if (stat.type === "block") return `${stat.rdevMajor}:${stat.rdevMinor}`;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    problem = error.errno === "ENOENT" ? "no such file or directory" : error.errno;
  }
  throw new RuntimeError({
    code: "resource-invalid",
    class: "invalid",
    operation: "read block device",
    subject: hostPath,
    message: `stat ${hostPath}: ${problem}`,
    hint: "Give the path of a block device on the host, for example /dev/sda.",
  });
}
