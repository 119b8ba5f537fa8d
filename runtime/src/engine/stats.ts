/**
 * Stats: what a container uses, once or every second.
 *
 * The kernel counts; a rate is the difference of two counts. So each answer holds two samples, and
 * the client divides: processor time of the container by processor time of the machine.
 *
 * Kernel interface: cgroups(7), proc_stat(5).
 * Specification: Docker Engine API v1.50, ContainerStats.
 * Invariants:
 *   stats-follow-the-kernel   every number of an answer is one that the kernel counted, in Docker's
 *       units, and none is missing, infinite or negative
 * Left out: counters of network interfaces come with networks; storage_stats, which is of Windows.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */

import { readCgroupUsage } from "../cgroups/index.ts";
import type { CgroupUsage } from "../cgroups/index.ts";
import { hasProcess } from "../container/index.ts";
import { pause } from "./clean-up.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { NEVER, rfc3339 } from "./durations.ts";
import type { ApiObject, StatsRequest } from "./engine.ts";
import { streamOf } from "./logs.ts";

/** USER_HZ: the unit of /proc/stat. */
const TICK_NS = 10_000_000;
const INTERVAL_MS = 1000;

/** What was counted at one moment. */
export interface StatsSample {
  readonly atMs: number;
  readonly usage: CgroupUsage;
  /** Processor time of the whole machine, idle included, over all processors. */
  readonly systemNs: number;
}

/** What an answer says besides its samples. */
export interface StatsSubject {
  readonly id: string;
  readonly name: string;
  readonly cpuCount: number;
  /** What "no limit" means here. */
  readonly machineMemoryBytes: number;
  readonly cgroupVersion: 1 | 2;
}

/**
 * The answer of `GET /containers/{id}/stats`: one object, or one a second until nobody listens.
 *
 * A container that does not run has used nothing; it may run later, and the stream goes on.
 */
export function containerStats(
  engine: EngineContext,
  container: Container,
  request: StatsRequest,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const subject = subjectOf(engine, container);
  let hasLeft = false;
  const lines = async function* (): AsyncGenerator<Uint8Array> {
    let previous: StatsSample | null = null;
    // Two samples make a rate: who wants one answer with a rate waits for the second.
    if (!request.stream && !request.oneShot) {
      previous = sampleOf(engine, container);
      if (previous !== null) await pause(engine.kernel, INTERVAL_MS);
    }
    while (!hasLeft && engine.containers.get(container.id) === container) {
      const sample = sampleOf(engine, container);
      const named = { ...subject, name: container.name };
      yield encoder.encode(`${JSON.stringify(statsObject(named, sample, previous))}\n`);
      if (!request.stream) return;
      previous = sample;
      await pause(engine.kernel, INTERVAL_MS);
    }
  };
  return streamOf(lines(), () => (hasLeft = true));
}

function subjectOf({ machine }: EngineContext, { id, name }: Container): StatsSubject {
  return {
    id,
    name,
    cpuCount: machine.cgroupParent.support.cpuCount,
    machineMemoryBytes: machine.memoryBytes,
    cgroupVersion: machine.cgroupParent.layout.mode === "v2" ? 2 : 1,
  };
}

function sampleOf({ kernel }: EngineContext, container: Container): StatsSample | null {
  const { cgroup, history } = container;
  if (cgroup === null || !hasProcess(history.state)) return null;
  return {
    atMs: kernel.nowMs(),
    usage: readCgroupUsage(kernel, cgroup),
    systemNs: parseSystemNs(kernel.readText("/proc/stat")),
  };
}

/**
 * Processor time of the whole machine: user, nice, system, idle, iowait, irq and softirq. Pure.
 *
 * @param text of /proc/stat
 * @example parseSystemNs("cpu  1 0 2 3 0 0 0 0 0 0\n") // 60_000_000
 */
export function parseSystemNs(text: string): number {
  const fields = /^cpu +(.*)$/mu.exec(text)?.[1]?.split(" ").slice(0, 7) ?? [];
  return fields.reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_NS;
}

/**
 * Two samples in Docker's shape. Pure.
 *
 * @param sample null: the container does not run @param previous null: there is none
 */
export function statsObject(
  subject: StatsSubject,
  sample: StatsSample | null,
  previous: StatsSample | null,
): ApiObject {
  const usage = sample?.usage;
  return {
    name: `/${subject.name}`,
    id: subject.id,
    read: sample === null ? NEVER : rfc3339(sample.atMs),
    preread: previous === null ? NEVER : rfc3339(previous.atMs),
    pids_stats: usage === undefined ? {} : pidsStats(usage),
    blkio_stats: blkioStats(usage, subject.cgroupVersion),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuStats(sample, subject.cpuCount),
    precpu_stats: cpuStats(previous, subject.cpuCount),
    memory_stats: usage === undefined ? {} : memoryStats(usage, subject),
  };
}

function pidsStats({ pids, pidsLimit }: CgroupUsage): ApiObject {
  return { current: pids, ...(Number.isFinite(pidsLimit) ? { limit: pidsLimit } : {}) };
}

function cpuStats(sample: StatsSample | null, cpuCount: number): ApiObject {
  if (sample === null) return NO_CPU_STATS;
  const { usage, systemNs } = sample;
  return {
    cpu_usage: {
      total_usage: usage.cpuTotalNs,
      usage_in_kernelmode: usage.cpuSystemNs,
      usage_in_usermode: usage.cpuUserNs,
    },
    throttling_data: {
      periods: usage.cpuPeriods,
      throttled_periods: usage.cpuThrottledPeriods,
      throttled_time: usage.cpuThrottledNs,
    },
    system_cpu_usage: systemNs,
    online_cpus: cpuCount,
  };
}

const NO_CPU_STATS = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

function memoryStats(usage: CgroupUsage, subject: StatsSubject): ApiObject {
  const { memoryBytes, memoryPeakBytes, memoryFailures, memoryStat } = usage;
  // Version 2 has no counters of these two in Docker's answer.
  const older =
    subject.cgroupVersion === 1 ? { max_usage: memoryPeakBytes, failcnt: memoryFailures } : {};
  return {
    usage: memoryBytes,
    ...older,
    stats: memoryStat,
    limit: Math.min(usage.memoryLimitBytes, subject.machineMemoryBytes),
  };
}

const EMPTY_BLKIO = {
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

function blkioStats(usage: CgroupUsage | undefined, version: 1 | 2): ApiObject {
  const entries = (count: "bytes" | "operations") =>
    (usage?.blkio ?? []).map((each) => ({
      major: each.major,
      minor: each.minor,
      op: each.operation,
      value: each[count],
    }));
  return {
    io_service_bytes_recursive: entries("bytes"),
    io_serviced_recursive: version === 1 ? entries("operations") : null,
    ...EMPTY_BLKIO,
  };
}
