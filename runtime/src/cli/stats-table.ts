/**
 * Stats table: what the API counted, as rates and shares.
 *
 * The API gives counters of two moments. A share of the processor is what the container had of what
 * the machine had to give between them, in processors: 100% is one of them. Memory leaves out pages
 * of files that nobody used lately, which the kernel takes back at any time.
 *
 * Kernel interface: none.
 * Specification: docker stats reference; docker/cli container/stats_helpers.go.
 * Invariants:
 *   stats-are-shares   every percentage is a number, not negative, and processors are never more
 *       than there are
 * Left out: Windows.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { binarySize, humanSize, shortId } from "./human.ts";
import type { ListKind } from "./listing.ts";
import { GO_TYPE, type Row } from "./template/go-value.ts";

/** Counters of processor time. */
export interface CpuStats {
  readonly cpu_usage: { readonly total_usage: number };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

/** One answer of the API. */
export interface StatsAnswer {
  readonly name: string;
  readonly id: string;
  readonly read: string;
  readonly cpu_stats: CpuStats;
  readonly precpu_stats: CpuStats;
  readonly pids_stats?: { readonly current?: number };
  readonly memory_stats: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?:
      readonly { readonly op: string; readonly value: number }[] | null;
  };
  readonly networks?: Readonly<
    Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>
  >;
}

/** The table of stats. */
export const STATS_LIST: ListKind = {
  goType: "*container.statsContext",
  table:
    "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
  raw: "",
  quiet: "{{.ID}}",
  headers: {
    Container: "CONTAINER",
    Name: "NAME",
    ID: "CONTAINER ID",
    CPUPerc: "CPU %",
    MemUsage: "MEM USAGE / LIMIT",
    MemPerc: "MEM %",
    NetIO: "NET I/O",
    BlockIO: "BLOCK I/O",
    PIDs: "PIDS",
  },
};

/**
 * Processor time between two moments, in percent of one processor. Pure.
 *
 * @example cpuPercent(before, after) // 50: half a processor
 */
export function cpuPercent(before: CpuStats, after: CpuStats): number {
  const used = after.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const passed = (after.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  if (used <= 0 || passed <= 0) return 0;
  const processors = after.online_cpus ?? 1;
  // The two counters are read one after the other and move in different steps.
  return Math.min(1, used / passed) * processors * 100;
}

/** Memory without pages of files that nobody used lately. Pure. */
export function memoryInUse({ usage = 0, stats = {} }: StatsAnswer["memory_stats"]): number {
  const idle = stats["total_inactive_file"] ?? stats["inactive_file"] ?? 0;
  return idle < usage ? usage - idle : usage;
}

/** Memory in use in percent of what is allowed. Pure. */
export function memoryPercent(memory: StatsAnswer["memory_stats"]): number {
  const limit = memory.limit ?? 0;
  return limit === 0 ? 0 : (memoryInUse(memory) / limit) * 100;
}

/** The fields of one line. @param container as the user named it @param truncated cuts the id */
export function statsRow(container: string, answer: StatsAnswer, truncated: boolean): Row {
  const names = {
    [GO_TYPE]: STATS_LIST.goType,
    Container: container,
    Name: answer.name.replace(/^\//, ""),
    ID: truncated ? shortId(answer.id) : answer.id,
  };
  if (answer.read.startsWith("0001-")) return { ...names, ...NOTHING };
  const { memory_stats: memory } = answer;
  return {
    ...names,
    CPUPerc: `${cpuPercent(answer.precpu_stats, answer.cpu_stats).toFixed(2)}%`,
    MemUsage: `${binarySize(memoryInUse(memory))} / ${binarySize(memory.limit ?? 0)}`,
    MemPerc: `${memoryPercent(memory).toFixed(2)}%`,
    NetIO: networkTraffic(answer),
    BlockIO: `${humanSize(blockBytes(answer, "read"), 3)} / ${humanSize(blockBytes(answer, "write"), 3)}`,
    PIDs: String(answer.pids_stats?.current ?? 0),
  };
}

/** What is said of a container that does not run. */
const NOTHING = {
  CPUPerc: "--",
  MemUsage: "-- / --",
  MemPerc: "--",
  NetIO: "--",
  BlockIO: "--",
  PIDs: "--",
};

function networkTraffic({ networks = {} }: StatsAnswer): string {
  const all = Object.values(networks);
  const received = all.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0);
  const sent = all.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0);
  return `${humanSize(received, 3)} / ${humanSize(sent, 3)}`;
}

function blockBytes({ blkio_stats }: StatsAnswer, operation: string): number {
  const entries = blkio_stats?.io_service_bytes_recursive ?? [];
  const fitting = entries.filter(({ op }) => op.toLowerCase() === operation);
  return fitting.reduce((sum, { value }) => sum + value, 0);
}
