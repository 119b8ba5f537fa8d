import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import { joinFiles } from "./apply.ts";
import type { Cgroup } from "./plan.ts";
import { readBlockDevices, readCgroupUsage, readOomKills } from "./read.ts";

const kernel = createLinuxKernel();
let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "drydock-read-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A directory with the texts that a kernel would show there. */
function cgroupOf(version: 1 | 2, controllers: string, files: Record<string, string>): Cgroup {
  for (const [name, text] of Object.entries(files)) writeFileSync(`${directory}/${name}`, text);
  return { directories: [{ version, controllers: controllers.split(" "), path: directory }] };
}

describe("readCgroupUsage()", () => {
  test("reads version 2", () => {
    const cgroup = cgroupOf(2, "memory cpu pids io", {
      "memory.current": "4096\n",
      "memory.peak": "8192\n",
      "memory.max": "max\n",
      "memory.stat": "anon 100\ninactive_file 12\n",
      "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n",
      "cpu.stat":
        "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 7\nnr_throttled 5\nthrottled_usec 4\n",
      "pids.current": "3\n",
      "pids.max": "100\n",
      "io.stat": "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n",
    });
    expect(readCgroupUsage(kernel, cgroup)).toEqual({
      memoryBytes: 4096,
      memoryPeakBytes: 8192,
      memoryLimitBytes: Number.POSITIVE_INFINITY,
      memoryStat: { anon: 100, inactive_file: 12 },
      memoryFailures: 3,
      oomKills: 2,
      cpuTotalNs: 30_000,
      cpuUserNs: 20_000,
      cpuSystemNs: 10_000,
      cpuPeriods: 7,
      cpuThrottledPeriods: 5,
      cpuThrottledNs: 4000,
      pids: 3,
      pidsLimit: 100,
      blkio: [
        { major: 8, minor: 16, operation: "read", bytes: 1, operations: 3 },
        { major: 8, minor: 16, operation: "write", bytes: 2, operations: 4 },
      ],
    });
    expect(joinFiles(cgroup)).toEqual([`${directory}/cgroup.procs`]);
  });

  test("reads version 1", () => {
    const cgroup = cgroupOf(1, "memory cpu cpuacct pids blkio", {
      "memory.usage_in_bytes": "4096\n",
      "memory.max_usage_in_bytes": "8192\n",
      "memory.limit_in_bytes": "9223372036854771712\n",
      "memory.stat": "cache 100\n",
      "memory.failcnt": "3\n",
      "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
      "cpu.stat": "nr_periods 7\nnr_throttled 5\nthrottled_time 4000\n",
      "cpuacct.usage": "30000\n",
      "cpuacct.stat": "user 2\nsystem 1\n",
      "pids.current": "3\n",
      "pids.max": "max\n",
      "blkio.throttle.io_service_bytes_recursive": "8:0 Read 1\n8:0 Write 2\n8:0 Sync 3\nTotal 3\n",
      "blkio.throttle.io_serviced_recursive": "8:0 Read 3\n8:0 Write 4\nTotal 7\n",
    });
    const usage = readCgroupUsage(kernel, cgroup);
    expect(usage).toMatchObject({
      memoryBytes: 4096,
      memoryPeakBytes: 8192,
      memoryLimitBytes: Number.POSITIVE_INFINITY,
      memoryFailures: 3,
      oomKills: 2,
      cpuTotalNs: 30_000,
      cpuUserNs: 20_000_000,
      cpuSystemNs: 10_000_000,
      cpuThrottledNs: 4000,
      pidsLimit: Number.POSITIVE_INFINITY,
    });
    expect(usage.blkio).toEqual([
      { major: 8, minor: 0, operation: "read", bytes: 1, operations: 3 },
      { major: 8, minor: 0, operation: "write", bytes: 2, operations: 4 },
    ]);
    expect(readOomKills(kernel, cgroup)).toBe(2);
    expect(joinFiles(cgroup)).toEqual([`${directory}/tasks`]);
  });

  test("counts nothing for a cgroup that is gone", () => {
    const cgroup = cgroupOf(2, "memory cpu pids io", {});
    expect(readCgroupUsage(kernel, cgroup)).toMatchObject({ memoryBytes: 0, pids: 0, blkio: [] });
    expect(readOomKills(kernel, cgroup)).toBe(0);
  });
});

describe("readBlockDevices()", () => {
  test("refuses what is no block device, by name", () => {
    expect(readBlockDevices(kernel, [])).toEqual(new Map());
    expect(() => readBlockDevices(kernel, ["/dev/null"])).toThrow(
      "stat /dev/null: not a block device",
    );
    expect(() => readBlockDevices(kernel, ["/dev/no-such-disk"])).toThrow(
      "stat /dev/no-such-disk: no such file or directory",
    );
  });
});
