/** Properties of what containers use: counters in, shares out. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { CgroupUsage } from "../runtime/src/cgroups/index.ts";
import {
  cpuPercent,
  memoryInUse,
  memoryPercent,
  statsRow,
} from "../runtime/src/cli/stats-table.ts";
import type { StatsAnswer } from "../runtime/src/cli/stats-table.ts";
import { parseSystemNs, statsObject } from "../runtime/src/engine/stats.ts";
import type { StatsSample } from "../runtime/src/engine/stats.ts";

const count = fc.integer({ min: 0, max: 2 ** 50 });
const limit = fc.oneof(count, fc.constant(Number.POSITIVE_INFINITY));

const usage: fc.Arbitrary<CgroupUsage> = fc.record({
  memoryBytes: count,
  memoryPeakBytes: count,
  memoryLimitBytes: limit,
  memoryStat: fc.record({ inactive_file: count, total_inactive_file: count }, { requiredKeys: [] }),
  memoryFailures: count,
  oomKills: count,
  cpuTotalNs: count,
  cpuUserNs: count,
  cpuSystemNs: count,
  cpuPeriods: count,
  cpuThrottledPeriods: count,
  cpuThrottledNs: count,
  pids: count,
  pidsLimit: limit,
  blkio: fc.array(
    fc.record({
      major: count,
      minor: count,
      operation: fc.constantFrom("read", "write"),
      bytes: count,
      operations: count,
    }),
  ),
});

const sample: fc.Arbitrary<StatsSample> = fc.record({
  atMs: fc.integer({ min: 1, max: 2 ** 42 }),
  usage,
  systemNs: count,
});

const subject = fc.record({
  id: fc.constant("f".repeat(64)),
  name: fc.constant("web"),
  cpuCount: fc.integer({ min: 1, max: 512 }),
  machineMemoryBytes: fc.integer({ min: 1, max: 2 ** 50 }),
  cgroupVersion: fc.constantFrom<1 | 2>(1, 2),
});

/** Every number in a value, with its path. */
function numbersIn(value: unknown, path = ""): readonly (readonly [string, number])[] {
  if (typeof value === "number") return [[path, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => numbersIn(each, `${path}.${key}`));
}

function bytesOf(sample: StatsSample | null): readonly number[] {
  return (sample?.usage.blkio ?? []).map(({ bytes }) => bytes);
}

function shown({ cpu_stats: cpu, memory_stats: memory, blkio_stats: blkio }: StatsAnswer) {
  return {
    total: cpu.cpu_usage.total_usage,
    memory: memory.usage,
    blkio: blkio?.io_service_bytes_recursive?.map(({ value }) => value),
  };
}

describe("stats", () => {
  test.prop([subject, fc.option(sample), fc.option(sample)])(
    "stats-follow-the-kernel: all of them are counted, in nanoseconds and bytes",
    (about, now, before) => {
      const answer = statsObject(about, now, before);
      for (const [path, value] of numbersIn(answer)) {
        expect([path, Number.isSafeInteger(value) && value >= 0]).toEqual([path, true]);
      }
      // As it comes to the client: this is how the API tells it.
      const told = JSON.parse(JSON.stringify(answer)) as StatsAnswer;
      expect(told.precpu_stats.cpu_usage.total_usage).toBe(before?.usage.cpuTotalNs ?? 0);
      expect(shown(told)).toEqual({
        total: now?.usage.cpuTotalNs ?? 0,
        memory: now?.usage.memoryBytes,
        blkio: bytesOf(now),
      });
      expect(told.memory_stats.limit ?? 0).toBeLessThanOrEqual(about.machineMemoryBytes);
    },
  );

  test.prop([fc.array(fc.nat(1_000_000), { minLength: 10, maxLength: 10 })])(
    "stats-follow-the-kernel: the machine's time is the sum of its first seven kinds",
    (ticks) => {
      const text = `cpu  ${ticks.join(" ")}\ncpu0 1 1 1 1 1 1 1 1 1 1\n`;
      const expected = ticks.slice(0, 7).reduce((sum, each) => sum + each, 0) * 10_000_000;
      expect(parseSystemNs(text)).toBe(expected);
    },
  );

  test.prop([subject, sample, sample])(
    "stats-are-shares, whatever was counted",
    (about, before, now) => {
      const answer = JSON.parse(JSON.stringify(statsObject(about, now, before))) as StatsAnswer;
      const percent = cpuPercent(answer.precpu_stats, answer.cpu_stats);
      expect(percent).toBeGreaterThanOrEqual(0);
      expect(percent).toBeLessThanOrEqual(about.cpuCount * 100);
      expect(memoryInUse(answer.memory_stats)).toBeGreaterThanOrEqual(0);
      expect(memoryInUse(answer.memory_stats)).toBeLessThanOrEqual(now.usage.memoryBytes);
      expect(memoryPercent(answer.memory_stats)).toBeGreaterThanOrEqual(0);
      for (const text of Object.values(statsRow("web", answer, true))) {
        expect(String(text)).not.toMatch(/NaN|Infinity|undefined/);
      }
    },
  );

  test.prop([fc.integer({ min: 1, max: 64 }), fc.double({ min: 0.01, max: 1, noNaN: true })])(
    "stats-are-shares: a container that has a share of the machine shows that share",
    (cpuCount, share) => {
      const passed = 1e12;
      const at = (total: number, system: number) => ({
        cpu_usage: { total_usage: total },
        system_cpu_usage: system,
        online_cpus: cpuCount,
      });
      const percent = cpuPercent(at(500, 1e6), at(500 + share * passed, 1e6 + passed));
      expect(percent).toBeCloseTo(share * cpuCount * 100, 6);
    },
  );
});
