/**
 * Properties of cgroups: the arithmetic and the plans for every layout, and what the real kernel
 * makes of them. Real ones need root and a writable hierarchy.
 */
import { fc, test } from "@fast-check/vitest";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import {
  formatLimit,
  NANO_CPUS_MIN,
  nanoCpusToBandwidth,
  PAGE_BYTES,
  parseLimit,
  sharesToWeight,
  blkioToIoWeight,
  swapOnly,
  wholePages,
} from "../runtime/src/cgroups/arithmetic.ts";
import { formatDeviceRule, parseDeviceRule } from "../runtime/src/cgroups/devices.ts";
import { formatIdList, parseIdList } from "../runtime/src/cgroups/id-list.ts";
import {
  applyCgroup,
  type Cgroup,
  type CgroupLayout,
  type CgroupLimits,
  type CgroupParent,
  type CgroupPlan,
  type CgroupSupport,
  checkResources,
  freezeCgroup,
  isFrozen,
  joinFiles,
  killCgroup,
  closeCgroupParent,
  openCgroupParent,
  planCgroup,
  readCgroupLayout,
  readCgroupPids,
  readCgroupUsage,
  removeCgroup,
  type ResourceRequest,
  thawCgroup,
  updateCgroup,
} from "../runtime/src/cgroups/index.ts";
import { parseCgroupLayout } from "../runtime/src/cgroups/layout.ts";
import { RuntimeError } from "../runtime/src/errors/index.ts";
import { injectFaults, type Kernel } from "../runtime/src/kernel/index.ts";
import { UndoStack } from "../runtime/src/undo/index.ts";
import { openRealKernel, skipReal, spawnWaiting } from "./real-kernel.fixture.ts";

/** Numbers of every size up to 2^64, with the borders of the ranges in between. */
const anySize = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 1023, 1024, 262_143, 262_144, 262_145, 2 ** 53, 2 ** 64),
  fc.nat(300_000),
  fc.double({ min: 0, max: 2 ** 64, noNaN: true }).map(Math.floor),
);

describe("arithmetic", () => {
  test.prop([anySize, anySize], { numRuns: 2000, examples: [[2, 262_144]] })(
    "weight-monotone over the whole 64-bit range",
    (a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      for (const toWeight of [sharesToWeight, blkioToIoWeight]) {
        expect(toWeight(low)).toBeLessThanOrEqual(toWeight(high));
        for (const value of [low, high]) {
          const weight = toWeight(value);
          expect(Number.isInteger(weight)).toBe(true);
          expect(weight === 0).toBe(value === 0);
          expect(weight).toBeGreaterThanOrEqual(0);
          expect(weight).toBeLessThanOrEqual(10_000);
        }
      }
    },
  );

  test("weight-monotone reaches both ends of the range", () => {
    expect([sharesToWeight(2), sharesToWeight(262_144)]).toEqual([1, 10_000]);
    expect([blkioToIoWeight(10), blkioToIoWeight(1000)]).toEqual([1, 10_000]);
  });

  const nanoCpus = fc.oneof(
    fc.integer({ min: NANO_CPUS_MIN, max: 20_000_000 }),
    fc.integer({ min: NANO_CPUS_MIN, max: 512e9 }),
  );
  test.prop([nanoCpus], { numRuns: 2000, examples: [[NANO_CPUS_MIN], [9_999_999], [10_000_000]] })(
    "quota-never-zero",
    (nano) => {
      const { quotaUs, periodUs } = nanoCpusToBandwidth(nano);
      expect(Math.abs(quotaUs - (nano * periodUs) / 1e9)).toBeLessThanOrEqual(1);
      // What the kernel takes: cpu_cfs_write_quota in kernel/sched/core.c.
      expect(quotaUs).toBeGreaterThanOrEqual(1000);
      expect(periodUs).toBeGreaterThanOrEqual(1000);
      expect(periodUs).toBeLessThanOrEqual(1_000_000);
    },
  );

  const limit = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.maxSafeNat());
  test.prop([limit], { numRuns: 500 })("limit-round-trip", (value) => {
    expect(formatLimit(value)).toMatch(/^(\d+|max)$/);
    expect(parseLimit(formatLimit(value))).toBe(value);
    expect(parseLimit(`${formatLimit(value)}\n`)).toBe(value);
  });

  test.prop([fc.maxSafeNat(), fc.maxSafeNat()], { numRuns: 1000 })(
    "memory-whole-pages",
    (memory, total) => {
      expect(wholePages(memory) % PAGE_BYTES).toBe(0);
      expect(memory - wholePages(memory)).toBeGreaterThanOrEqual(0);
      expect(memory - wholePages(memory)).toBeLessThan(PAGE_BYTES);
      expect(swapOnly(total, memory)).toBeGreaterThanOrEqual(0);
      expect(swapOnly(total, memory) % PAGE_BYTES).toBe(0);
      if (total >= memory) {
        expect(wholePages(memory) + swapOnly(total, memory)).toBe(wholePages(total));
      }
    },
  );

  test.prop([fc.array(fc.nat(40), { maxLength: 12 })], { numRuns: 500 })(
    "id-list-round-trip",
    (ids) => {
      const set = [...new Set(ids)].toSorted((a, b) => a - b);
      expect(parseIdList(formatIdList(ids))).toEqual(set);
      expect(parseIdList(ids.join(","))).toEqual(set);
    },
  );

  test.prop([fc.string({ unit: fc.constantFrom(..."0123-, x"), maxLength: 8 })], { numRuns: 1000 })(
    "id-list-round-trip whatever is given: a list or nothing",
    (text) => {
      const ids = parseIdList(text);
      if (ids === undefined) return;
      expect(parseIdList(formatIdList(ids))).toEqual(ids);
      expect(text.trim()).toMatch(/^(\d+(-\d+)?(,\d+(-\d+)?)*)?$/);
    },
  );

  const number = fc.oneof(fc.constant("*"), fc.nat(4095).map(String));
  const rule = fc
    .tuple(fc.constantFrom("a", "b", "c"), number, number, fc.constantFrom("r", "rw", "rwm", "m"))
    .map(([type, major, minor, access]) => `${type} ${major}:${minor} ${access}`);
  test.prop([rule], { numRuns: 300 })("device-rule-round-trip", (text) => {
    expect(formatDeviceRule(parseDeviceRule(text))).toBe(text);
    for (const wrong of [` ${text}`, `${text}x`, text.replace(":", ""), text.replace(" ", "")]) {
      expect(() => parseDeviceRule(wrong)).toThrow("invalid device cgroup rule format");
    }
  });
});

/** By whether there is a hierarchy of version 1, then of version 2. */
const MODES = [
  ["none", "v2"],
  ["v1", "hybrid"],
] as const;

describe("layout", () => {
  const names = ["cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "devices", "freezer"];
  /** For each controller: its hierarchy of version 1 by number, or version 2, or nowhere. */
  const homes = fc.array(fc.constantFrom("1", "2", "3", "v2", "none"), {
    minLength: names.length,
    maxLength: names.length,
  });

  test.prop([homes, fc.boolean(), fc.boolean()], { numRuns: 300 })(
    "one-home-per-controller",
    (choice, hasV2, isMountedTwice) => {
      const at = (home: string) => names.filter((_, index) => choice[index] === home);
      const numbers = ["1", "2", "3"].filter((home) => at(home).length > 0);
      const line = (home: string, where: string) =>
        `30 20 0:${home} / ${where} rw,relatime shared:9 - cgroup cgroup rw,${at(home).join(",")}`;
      const v2 = "31 20 0:99 / /cg/uni\\040fied rw - cgroup2 none rw,nsdelegate";
      const mountinfo = [
        "22 27 0:21 / /proc rw,relatime - proc proc rw",
        "40 31 0:37 / /cg/systemd rw - cgroup cgroup rw,xattr,name=systemd",
        ...numbers.map((home) => line(home, `/cg/${home}`)),
        ...(isMountedTwice ? numbers.map((home) => line(home, `/again/${home}`)) : []),
        ...(hasV2 ? [v2] : []),
      ].join("\n");
      const selfCgroup = [
        "9:name=systemd:/",
        ...numbers.map((home) => `${home}:${at(home).join(",")}:/x`),
        "0::/",
      ].join("\n");
      const asked: string[] = [];
      const layout = parseCgroupLayout({
        mountinfo,
        selfCgroup,
        controllersAt: (path) => {
          asked.push(path);
          return `${at("v2").join(" ")}\n`;
        },
      });
      const homesOf = (name: string) =>
        layout.hierarchies.filter(({ controllers }) => controllers.includes(name));
      const places: Readonly<Record<string, readonly string[]>> = {
        v2: hasV2 ? ["/cg/uni fied"] : [],
        none: [],
      };
      for (const [index, name] of names.entries()) {
        const home = choice[index] ?? "none";
        const expected = places[home] ?? [`/cg/${home}`];
        expect(homesOf(name).map(({ mountPoint }) => mountPoint)).toEqual(expected);
      }
      expect(asked).toEqual(hasV2 ? ["/cg/uni fied"] : []);
      expect(layout.mode).toBe(MODES[numbers.length > 0 ? 1 : 0][hasV2 ? 1 : 0]);
    },
  );
});

const FULL_SUPPORT: CgroupSupport = {
  memoryLimit: true,
  swapLimit: true,
  memoryReservation: true,
  memorySwappiness: true,
  oomKillDisable: true,
  pidsLimit: true,
  cpuShares: true,
  cpuQuota: true,
  cpuRealtime: true,
  cpuset: true,
  blkioWeight: true,
  blkioWeightDevice: true,
  blkioThrottle: true,
  devices: true,
  freezer: true,
  cpuCount: 4,
  cpus: "0-3",
  mems: "0",
};

const MIB = 2 ** 20;
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Requests that are possible on a machine with four CPUs. */
const possible: fc.Arbitrary<ResourceRequest> = fc.record({
  Memory: optional(fc.integer({ min: 6 * MIB, max: 64 * MIB })),
  PidsLimit: optional(fc.constantFrom(-1, 0, 7, 200)),
  CpuShares: optional(fc.integer({ min: 2, max: 262_144 })),
  NanoCpus: optional(fc.integer({ min: NANO_CPUS_MIN, max: 2e9 })),
  CpusetCpus: optional(fc.constantFrom("0", "0-1", "1")),
  CpusetMems: optional(fc.constant("0")),
});

const V1_HIERARCHIES = ["memory", "cpu", "cpuset", "pids", "blkio", "devices"].map((name) => ({
  version: 1 as const,
  mountPoint: `/cg/${name}`,
  controllers: [name],
}));
const V2_NAMES = ["memory", "cpu", "cpuset", "pids", "io"];

/** A parent as `openCgroupParent` would give it; `inV2` says which controllers are in version 2. */
function parentWith(inV2: readonly string[]): CgroupParent {
  const v1 = V1_HIERARCHIES.filter(
    ({ controllers: [name = ""] }) => !inV2.includes(name === "blkio" ? "io" : name),
  );
  const v2 = { version: 2 as const, mountPoint: "/cg/unified", controllers: inV2 };
  const hierarchies = inV2.length === 0 ? v1 : [...v1, v2];
  const files = new Set(["io.weight", "blkio.weight"]);
  const layout: CgroupLayout = { mode: "hybrid", hierarchies };
  return { layout, path: "/drydock", hierarchies, files, support: FULL_SUPPORT };
}

const anyParent = fc.subarray(V2_NAMES).map((inV2) => ({ inV2, parent: parentWith(inV2) }));

function plan(parent: CgroupParent, limits: CgroupLimits): CgroupPlan {
  const blockDevices = new Map([["/dev/x", "8:0"]]);
  return planCgroup(parent, { name: "c1", limits, devices: "listed", blockDevices });
}

/** Where a limit must appear, in the words of the kernel's documentation, for both versions. */
const EXPECTED: readonly {
  readonly key: keyof CgroupLimits;
  readonly v2Name: string;
  readonly v1: readonly [file: string, text: (value: never) => string];
  readonly v2: readonly [file: string, text: (value: never) => string];
}[] = [
  {
    key: "memoryMaxBytes",
    v2Name: "memory",
    v1: ["memory/drydock/c1/memory.limit_in_bytes", (value: number) => `${value}`],
    v2: ["unified/drydock/c1/memory.max", (value: number) => `${value}`],
  },
  {
    key: "memoryReservationBytes",
    v2Name: "memory",
    v1: ["memory/drydock/c1/memory.soft_limit_in_bytes", (value: number) => `${value}`],
    v2: ["unified/drydock/c1/memory.low", (value: number) => `${value}`],
  },
  {
    key: "pidsMax",
    v2Name: "pids",
    v1: ["pids/drydock/c1/pids.max", (value: number) => `${value}`],
    v2: ["unified/drydock/c1/pids.max", (value: number) => `${value}`],
  },
  {
    key: "cpuShares",
    v2Name: "cpu",
    v1: ["cpu/drydock/c1/cpu.shares", (value: number) => `${value}`],
    v2: ["unified/drydock/c1/cpu.weight", (value: number) => `${sharesToWeight(value)}`],
  },
  {
    key: "cpusetCpus",
    v2Name: "cpuset",
    v1: ["cpuset/drydock/c1/cpuset.cpus", (value: string) => value],
    v2: ["unified/drydock/c1/cpuset.cpus", (value: string) => value],
  },
  {
    key: "blkioWeight",
    v2Name: "io",
    v1: ["blkio/drydock/c1/blkio.weight", (value: number) => `${value}`],
    v2: ["unified/drydock/c1/io.weight", (value: number) => `${blkioToIoWeight(value)}`],
  },
];

const anyLimits: fc.Arbitrary<CgroupLimits> = fc.record({
  memoryMaxBytes: optional(fc.integer({ min: 2, max: 100 }).map((pages) => pages * MIB)),
  memoryReservationBytes: optional(fc.integer({ min: 2, max: 100 }).map((pages) => pages * MIB)),
  pidsMax: optional(fc.integer({ min: 1, max: 1000 })),
  cpuShares: optional(fc.integer({ min: 2, max: 262_144 })),
  cpuQuotaUs: optional(fc.integer({ min: 1000, max: 400_000 })),
  cpuPeriodUs: optional(fc.integer({ min: 1000, max: 1_000_000 })),
  cpuRealtimePeriodUs: optional(fc.integer({ min: 1, max: 2_000_000 })),
  cpuRealtimeRuntimeUs: optional(fc.integer({ min: 1, max: 950_000 })),
  cpusetCpus: optional(fc.constantFrom("0", "0-1")),
  blkioWeight: optional(fc.integer({ min: 10, max: 1000 })),
  blkioThrottles: optional(
    fc.constant([{ kind: "read_bps" as const, hostPath: "/dev/x", rate: 1024 }]),
  ),
});

describe("plan", () => {
  test.prop([anyParent, anyLimits], { numRuns: 500 })(
    "plan-makes-before-writes",
    ({ parent }, limits) => {
      const { steps, cgroup } = plan(parent, limits);
      const made = new Set<string>();
      for (const step of steps) {
        const above = step.path.slice(0, step.path.lastIndexOf("/"));
        if (step.kind === "mkdir") made.add(step.path);
        else expect(made).toContain(above);
      }
      expect([...made]).toEqual(cgroup.directories.map(({ path }) => path));
      expect(joinFiles(cgroup).map((file) => file.replace(/\/[^/]+$/, ""))).toEqual([...made]);
    },
  );

  test.prop([anyParent, anyLimits], { numRuns: 500 })(
    "limits-are-total",
    ({ parent, inV2 }, limits) => {
      const { steps } = plan(parent, limits);
      const writes = steps.flatMap((step) =>
        step.kind === "write" ? step.texts.map((text) => `${step.path}=${text}`) : [],
      );
      for (const { key, v2Name, v1, v2 } of EXPECTED) {
        const value = limits[key];
        if (value === undefined) continue;
        const [file, text] = inV2.includes(v2Name) ? v2 : v1;
        expect(writes).toContain(`/cg/${file}=${text(value as never)}`);
      }
      const { cpuQuotaUs: quota, cpuPeriodUs: period } = limits;
      if (inV2.includes("cpu")) {
        const text = [quota ?? "max", ...(period === undefined ? [] : [period])].join(" ");
        const isAsked = (quota ?? period) !== undefined;
        const found = writes.includes(`/cg/unified/drydock/c1/cpu.max=${text}`);
        expect(found).toBe(isAsked);
      } else {
        const cpu = "/cg/cpu/drydock/c1/cpu.cfs";
        expect(writes.includes(`${cpu}_quota_us=${quota}`)).toBe(quota !== undefined);
        expect(writes.includes(`${cpu}_period_us=${period}`)).toBe(period !== undefined);
        const { cpuRealtimePeriodUs: rtPeriod, cpuRealtimeRuntimeUs: rtRuntime } = limits;
        const rt = "/cg/cpu/drydock/c1/cpu.rt";
        expect(writes.includes(`${rt}_period_us=${rtPeriod}`)).toBe(rtPeriod !== undefined);
        expect(writes.includes(`${rt}_runtime_us=${rtRuntime}`)).toBe(rtRuntime !== undefined);
      }
      if (limits.blkioThrottles !== undefined) {
        const throttle = inV2.includes("io")
          ? "/cg/unified/drydock/c1/io.max=8:0 rbps=1024"
          : "/cg/blkio/drydock/c1/blkio.throttle.read_bps_device=8:0 1024";
        expect(writes).toContain(throttle);
      }
    },
  );
});

describe("check", () => {
  /** Requests that no machine can keep, with the words of the refusal. */
  const impossible: fc.Arbitrary<readonly [ResourceRequest, string]> = fc.oneof(
    fc
      .integer({ min: 1, max: 6 * MIB - 1 })
      .map((Memory) => [{ Memory }, "Minimum memory limit allowed is 6MB"] as const),
    fc
      .tuple(fc.integer({ min: 6 * MIB, max: 9 * MIB }), fc.integer({ min: 1, max: 5 * MIB }))
      .map(
        ([Memory, MemorySwap]) =>
          [{ Memory, MemorySwap }, "Minimum memoryswap limit should be larger"] as const,
      ),
    fc
      .integer({ min: 1, max: 2 ** 40 })
      .map((MemorySwap) => [{ MemorySwap }, "You should always set the Memory limit"] as const),
    fc
      .oneof(fc.integer({ min: 4e9 + 1, max: 9e15 }), fc.integer({ min: -9e9, max: -1 }))
      .map((NanoCpus) => [{ NanoCpus }, "Range of CPUs is from 0.01 to 4.00"] as const),
    fc
      .integer({ min: 4, max: 8000 })
      .map((id) => [{ CpusetCpus: `0,${id}` }, "Requested CPUs are not available"] as const),
    fc.constant([{ CpusetCpus: "1-0" }, "Invalid value 1-0 for cpuset cpus"] as const),
    fc.constant([{ CpusetMems: "1" }, "Requested memory nodes are not available"] as const),
    fc.constant([{ NanoCpus: 1e9, CpuQuota: 1000 }, "Conflicting options: Nano CPUs"] as const),
    fc.constant([{ NanoCpus: 1e9, CpuPeriod: 1000 }, "Conflicting options: Nano CPUs"] as const),
    fc
      .constantFrom(1, 999, 1_000_001)
      .map((CpuPeriod) => [{ CpuPeriod }, "CPU cfs period can not be less than 1ms"] as const),
    fc
      .integer({ min: 1, max: 999 })
      .map((CpuQuota) => [{ CpuQuota }, "CPU cfs quota can not be less than 1ms"] as const),
    fc
      .integer({ min: 1, max: 950_000 })
      .map(
        (period) =>
          [
            { CpuRealtimePeriod: period, CpuRealtimeRuntime: period + 1 },
            "cpu real-time runtime cannot be higher",
          ] as const,
      ),
    fc
      .constantFrom(1, 9, 1001)
      .map((BlkioWeight) => [{ BlkioWeight }, "Range of blkio weight is from 10"] as const),
    fc
      .constantFrom(-2, 101)
      .map((MemorySwappiness) => [{ MemorySwappiness }, "valid memory swappiness"] as const),
  );

  test.prop([possible, impossible], { numRuns: 1000 })(
    "impossible-refused, whatever else is asked",
    (fine, [wrong, words]) => {
      // A swap limit alone is only wrong without memory, a bandwidth only without --cpus.
      const { Memory: _, NanoCpus: __, ...others } = fine;
      try {
        checkResources({ ...others, ...wrong }, FULL_SUPPORT);
        expect.unreachable(`${JSON.stringify(wrong)} was accepted`);
      } catch (error) {
        expect(error).toBeInstanceOf(RuntimeError);
        expect(error).toMatchObject({ code: "resource-invalid", class: "invalid" });
        expect(String(error)).toContain(words);
      }
    },
  );

  test.prop([possible], { numRuns: 500 })(
    "impossible-refused, possible accepted without a warning, unsupported dropped with one",
    (request) => {
      const { warnings, limits } = checkResources(request, FULL_SUPPORT);
      expect(warnings).toEqual([]);
      expect(limits.cpuQuotaUs !== undefined).toBe(request.NanoCpus !== undefined);
      expect(limits.memoryMaxBytes !== undefined).toBe(request.Memory !== undefined);
      const nothing = Object.fromEntries(
        Object.entries(FULL_SUPPORT).map(([key, value]) => [key, value === true ? false : value]),
      );
      const { NanoCpus: _, ...others } = request;
      // The cast is right: only the booleans were replaced.
      const poor = checkResources(others, nothing as unknown as CgroupSupport);
      expect(poor.limits).toEqual({});
      const asked = [
        others.Memory,
        others.CpuShares,
        others.CpusetCpus ?? others.CpusetMems,
        (others.PidsLimit ?? 0) > 0 ? 1 : undefined,
      ].filter((value) => value !== undefined);
      expect(poor.warnings).toHaveLength(asked.length);
      for (const text of poor.warnings) expect(text).toMatch(/^Your kernel does not support/);
    },
  );
});

const skip = skipReal("cgroups on the real kernel");

describe.skipIf(skip)("on the real kernel", () => {
  const kernel = openRealKernel();
  const parentPath = `/drydock-property-${process.pid}`;
  const layout = readCgroupLayout(kernel);

  /** Runs a body with a parent of its own, and takes everything away afterwards. */
  async function withParent(
    body: (parent: CgroupParent) => void | Promise<void>,
    where: CgroupLayout = layout,
  ): Promise<void> {
    const parent = openCgroupParent(kernel, where, parentPath);
    const whole: Cgroup = {
      directories: parent.hierarchies.map((hierarchy) => ({
        ...hierarchy,
        path: `${hierarchy.mountPoint}${parentPath}`,
      })),
    };
    try {
      await body(parent);
    } finally {
      killCgroup(kernel, whole);
      await untilGone(whole);
    }
  }

  async function untilGone(cgroup: Cgroup): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (removeCgroup(kernel, cgroup).length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect.unreachable("the cgroup is still busy");
  }

  function planReal(parent: CgroupParent, limits: CgroupLimits): CgroupPlan {
    const blockDevices = new Map<string, string>();
    return planCgroup(parent, { name: "c1", limits, devices: "listed", blockDevices });
  }

  async function make(parent: CgroupParent, limits: CgroupLimits): Promise<Cgroup> {
    await using undo = new UndoStack();
    const made = planReal(parent, limits);
    applyCgroup(kernel, made, undo);
    undo.commit();
    return made.cgroup;
  }

  /** What every limit file of a cgroup says. */
  function snapshot(cgroup: Cgroup): Readonly<Record<string, string>> {
    const limits =
      /(limit_in_bytes|\.max|shares|_us|cpuset\.(cpus|mems)|swappiness|devices\.list)$/;
    return Object.fromEntries(
      cgroup.directories.flatMap(({ path }) =>
        kernel
          .readdir(path)
          .filter((name) => limits.test(name))
          .map((name) => [`${path}/${name}`, readFileSync(`${path}/${name}`, "utf8").trim()]),
      ),
    );
  }

  /** The same request, of a machine that may have one CPU only. */
  const onThisMachine = (request: ResourceRequest, { cpuCount }: CgroupSupport) => ({
    ...request,
    CpusetCpus: request.CpusetCpus && "0",
    NanoCpus: request.NanoCpus && Math.min(request.NanoCpus, cpuCount * 1e9),
  });

  test("parent-goes-when-empty", async () => {
    await withParent((parent) => {
      const places = parent.hierarchies.map(({ mountPoint }) => `${mountPoint}${parentPath}`);
      const first = places[0] ?? "";
      kernel.mkdir(`${first}/busy`, 0o755);
      closeCgroupParent(kernel, parent);
      expect(places.filter((path) => existsSync(path))).toEqual([first]);
      kernel.rmdir(`${first}/busy`);
      closeCgroupParent(kernel, parent);
      closeCgroupParent(kernel, parent);
      expect(places.filter((path) => existsSync(path))).toEqual([]);
    });
  });

  test("parent-is-idempotent", async () => {
    await withParent((parent) => {
      expect(parent.hierarchies.length).toBeGreaterThan(0);
      // An administrator may narrow the parent: opening it again must not widen it.
      const cpuset = parent.hierarchies.find(({ controllers }) => controllers.includes("cpuset"));
      const file = `${cpuset?.mountPoint}${parentPath}/cpuset.cpus`;
      if (cpuset !== undefined) kernel.writeFile(file, "0", "existing");
      expect(openCgroupParent(kernel, layout, parentPath)).toEqual(parent);
      if (cpuset !== undefined) expect(readFileSync(file, "utf8")).toBe("0\n");
      for (const { mountPoint } of parent.hierarchies) {
        expect(existsSync(`${mountPoint}${parentPath}`)).toBe(true);
      }
    });
    for (const { mountPoint } of layout.hierarchies) {
      expect(existsSync(`${mountPoint}${parentPath}`)).toBe(false);
    }
  });

  test.prop([possible], { numRuns: 25 })(
    "limits-are-total: the kernel says what was asked",
    async (request) => {
      await withParent(async (parent) => {
        const { limits } = checkResources(onThisMachine(request, parent.support), parent.support);
        const cgroup = await make(parent, limits);
        const files = snapshot(cgroup);
        const of = (name: string) =>
          Object.entries(files).find(([path]) => path.endsWith(`/${name}`))?.[1];
        const usage = readCgroupUsage(kernel, cgroup);
        if (limits.memoryMaxBytes !== undefined) {
          expect(usage.memoryLimitBytes).toBe(limits.memoryMaxBytes);
        }
        expect(usage.pidsLimit).toBe(limits.pidsMax ?? Number.POSITIVE_INFINITY);
        if (limits.cpuQuotaUs !== undefined && of("cpu.cfs_quota_us") !== undefined) {
          expect(of("cpu.cfs_quota_us")).toBe(`${limits.cpuQuotaUs}`);
          expect(of("cpu.cfs_period_us")).toBe(`${limits.cpuPeriodUs}`);
        }
        if (limits.cpusetCpus !== undefined) expect(of("cpuset.cpus")).toBe("0");
        expect(removeCgroup(kernel, cgroup)).toEqual([]);
      });
    },
  );

  test("cgroup-never-leaks, whichever call fails", async () => {
    await withParent(async (parent) => {
      const limits = { memoryMaxBytes: 64 * MIB, memoryAndSwapMaxBytes: 128 * MIB, pidsMax: 9 };
      const { cgroup, steps } = planReal(parent, limits);
      for (let failAt = 1; failAt <= steps.length; failAt++) {
        const faulty = injectFaults(kernel, { failAt, errno: "ENOSPC" });
        const attempt = async () => {
          await using undo = new UndoStack();
          applyCgroup(faulty.kernel, planReal(parent, limits), undo);
          undo.commit();
        };
        await expect(attempt()).rejects.toMatchObject({ errno: "ENOSPC" });
        expect(cgroup.directories.filter(({ path }) => existsSync(path))).toEqual([]);
      }
    });
  });

  test.prop([fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 4 })], { numRuns: 20 })(
    "remove-is-idempotent, with cgroups inside",
    async (depths) => {
      await withParent(async (parent) => {
        const cgroup = await make(parent, {});
        for (const { path } of cgroup.directories) {
          for (const [index, depth] of depths.entries()) {
            const inside = Array.from({ length: depth + 1 }, (_, level) => `n${level}`).join("/");
            mkdirSync(`${path}/${index % 2}/${inside}`, { recursive: true });
          }
        }
        expect(removeCgroup(kernel, cgroup)).toEqual([]);
        expect(removeCgroup(kernel, cgroup)).toEqual([]);
        expect(cgroup.directories.filter(({ path }) => existsSync(path))).toEqual([]);
      });
    },
  );

  test.prop([fc.array(possible, { minLength: 2, maxLength: 3 })], { numRuns: 10 })(
    "update-is-atomic, whichever call fails",
    async (requests) => {
      await withParent(async (parent) => {
        const cgroup = await make(parent, {});
        for (const request of requests) {
          const sane = onThisMachine(request, parent.support);
          const { limits } = checkResources(sane, parent.support, "create");
          for (let failAt = 1; failAt < 60; failAt++) {
            const before = snapshot(cgroup);
            const faulty = injectFaults(kernel, { failAt, errno: "EINVAL" });
            try {
              updateCgroup(faulty.kernel, parent, cgroup, limits);
              break;
            } catch {
              expect(snapshot(cgroup)).toEqual(before);
            }
          }
        }
        expect(removeCgroup(kernel, cgroup)).toEqual([]);
      });
    },
  );

  /** The machine's own layout, and version 2's core alone where it is mounted as well. */
  const unified = layout.hierarchies.find(({ version }) => version === 2);
  const places: readonly (readonly [string, CgroupLayout])[] = [
    ["the machine's layout", layout],
    ...(unified === undefined
      ? []
      : [["version 2 alone", { mode: "v2" as const, hierarchies: [unified] }] as const]),
  ];

  test.each(places)("kill-leaves-none, frozen or not: %s", async (_, place) => {
    await withParent(async (parent) => {
      for (const freezes of [false, true]) {
        const cgroup = await make(parent, {});
        const waiting = spawnInside(kernel, cgroup);
        expect(readCgroupPids(kernel, cgroup)).toEqual([waiting]);
        if (freezes) {
          freezeCgroup(kernel, cgroup);
          thawCgroup(kernel, cgroup);
          expect(isFrozen(kernel, cgroup)).toBe(false);
          freezeCgroup(kernel, cgroup);
        }
        expect(isFrozen(kernel, cgroup)).toBe(freezes);
        // A cgroup with a process is not removed, and nothing about it changes.
        expect(removeCgroup(kernel, cgroup)).not.toEqual([]);
        expect(readCgroupPids(kernel, cgroup)).toEqual([waiting]);
        killCgroup(kernel, cgroup);
        await untilGone(cgroup);
        expect(readCgroupPids(kernel, cgroup)).toEqual([]);
      }
    }, place);
  });
});

/** A process that joined a cgroup by itself, as init does, and sleeps there. */
function spawnInside(kernel: Kernel, cgroup: Cgroup): number {
  const { hostPid } = spawnWaiting(kernel, "inherit", ({ kernel: inner }) => {
    inner.joinCgroups(inner.openCgroups(joinFiles(cgroup)));
    return "joined";
  });
  return hostPid;
}
