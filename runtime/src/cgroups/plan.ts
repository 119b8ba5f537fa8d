/**
 * Cgroups: the steps that make a cgroup with given limits.
 *
 * A cgroup is made by mkdir, limited by writing numbers into its files, and joined by writing a
 * process id. The plan is that list of steps and nothing else: it can be printed, drawn, run on a
 * model. Which file takes a limit depends on where its controller lives, so there is one table for
 * version 1 and one for version 2; a hybrid machine uses both.
 *
 * Kernel interface: cgroups(7), cpuset(7); kernel documentation, admin-guide/cgroup-v1/ and
 *   cgroup-v2.rst.
 * Specification: OCI runtime-spec, config-linux.md, "Control groups".
 * Invariants:
 *   plan-makes-before-writes   no step writes below a directory that an earlier step did not make
 *   limits-are-total           every limit that was asked appears in the plan, whatever the layout
 * Left out: device rules on version 2 (see devices.ts), so a plan for version 2 has no step for
 *   them; memory.high.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import { blkioToIoWeight, formatLimit, sharesToWeight, swapOnly } from "./arithmetic.ts";
import { SHARES_MAX, SHARES_MIN } from "./arithmetic.ts";
import { DEFAULT_DEVICE_RULES, formatDeviceRule } from "./devices.ts";
import type { CgroupHierarchy, CgroupLayout } from "./layout.ts";
import type { BlkioThrottle, CgroupLimits, CgroupSupport } from "./limits.ts";

/** The directory under which an engine makes its cgroups, in every hierarchy that it may use. */
export interface CgroupParent {
  readonly layout: CgroupLayout;
  /** Below each mount point, with a leading slash: `"/drydock"`. */
  readonly path: string;
  /** The hierarchies that hold a controller we use and in which the directory could be made. */
  readonly hierarchies: readonly CgroupHierarchy[];
  /** The names of the files that a cgroup here has, of all its controllers. */
  readonly files: ReadonlySet<string>;
  readonly support: CgroupSupport;
}

/** One directory of a cgroup: a cgroup has one in each hierarchy. */
export interface CgroupDirectory {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly path: string;
}

/** A cgroup as data: what a container's record keeps in order to find it again. */
export interface Cgroup {
  readonly directories: readonly CgroupDirectory[];
}

/** One step of a plan. */
export type CgroupStep =
  | { readonly kind: "mkdir"; readonly path: string }
  | { readonly kind: "write"; readonly path: string; readonly texts: readonly string[] };

/** What to do and what will then exist. */
export interface CgroupPlan {
  readonly cgroup: Cgroup;
  readonly steps: readonly CgroupStep[];
}

/** What to make. */
export interface CgroupRequest {
  /** The last part of the path, usually the container's id. */
  readonly name: string;
  readonly limits: CgroupLimits;
  /**
   * `all`: every device may be opened (privileged); `listed`: Docker's list and the request's own
   * rules.
   */
  readonly devices: "all" | "listed";
  /** `major:minor` of every block device that the limits name by path: `readBlockDevices`. */
  readonly blockDevices: ReadonlyMap<string, string>;
}

/**
 * Plans a new cgroup below the engine's parent. Pure.
 *
 * @throws RuntimeError cgroup-unavailable for shares that version 1 does not have
 * @example const plan = planCgroup(parent, { name: id, limits, devices: "listed", blockDevices: new
 *   Map() }); plan.steps[0]; // { kind: "mkdir", path: "/sys/fs/cgroup/memory/drydock/4f1c…" }
 */
export function planCgroup(parent: CgroupParent, request: CgroupRequest): CgroupPlan {
  const directories = parent.hierarchies.map(({ version, controllers, mountPoint }) => ({
    version,
    controllers,
    path: `${mountPoint}${parent.path}/${request.name}`,
  }));
  const steps = directories.flatMap((directory): readonly CgroupStep[] => [
    { kind: "mkdir", path: directory.path },
    ...planWrites(directory, { ...request, files: parent.files, support: parent.support }),
  ]);
  return { cgroup: { directories }, steps };
}

/**
 * The plan in two parts: the last directory, and all before it. Pure.
 *
 * Who makes the first part ahead of a start that may never come can tell by the last directory
 * whether it came. Version 2 has only one directory, so nothing is made ahead.
 */
export function splitCgroup({ cgroup, steps }: CgroupPlan): {
  readonly ahead: CgroupPlan;
  readonly last: CgroupPlan;
} {
  const path = cgroup.directories.at(-1)?.path;
  const at = steps.findIndex((step) => step.kind === "mkdir" && step.path === path);
  return {
    ahead: { cgroup: { directories: cgroup.directories.slice(0, -1) }, steps: steps.slice(0, at) },
    last: { cgroup: { directories: cgroup.directories.slice(-1) }, steps: steps.slice(at) },
  };
}

/**
 * Plans new limits for a cgroup that lives. Limits that are absent stay as they are.
 *
 * @param currentMemoryAndSwapBytes what version 1 has in force now: the kernel refuses memory above
 *   memory plus swap at every instant, so which of the two is written first depends on it
 */
export function planUpdate(
  parent: CgroupParent,
  cgroup: Cgroup,
  limits: CgroupLimits,
  currentMemoryAndSwapBytes: number,
): readonly CgroupStep[] {
  const settings: Settings = {
    limits,
    devices: "all",
    blockDevices: new Map(),
    files: parent.files,
    support: NO_DEFAULTS,
    currentMemoryAndSwapBytes,
  };
  return cgroup.directories.flatMap((directory) => planWrites(directory, settings));
}

/** An update must not reset a cpuset that it does not mention. */
const NO_DEFAULTS = { cpus: "", mems: "" };

interface Settings {
  readonly limits: CgroupLimits;
  readonly devices: "all" | "listed";
  readonly blockDevices: ReadonlyMap<string, string>;
  readonly files: ReadonlySet<string>;
  readonly support: { readonly cpus: string; readonly mems: string };
  readonly currentMemoryAndSwapBytes?: number;
}

/** A file of the directory and what to write into it. */
type Write = readonly [file: string, text: string];
type Writer = (settings: Settings) => readonly Write[];

function planWrites(directory: CgroupDirectory, settings: Settings): readonly CgroupStep[] {
  const writers = directory.version === 1 ? VERSION_1 : VERSION_2;
  const { settings: own = {} } = settings.limits;
  const writes = directory.controllers.flatMap((controller) => [
    ...(writers[controller]?.(settings) ?? []),
    // Last, so that they hold against what is written by default.
    ...Object.entries(own).filter(([file]) => file.startsWith(`${controller}.`)),
  ]);
  return gather(writes).map(([file, ...texts]) => ({
    kind: "write",
    path: `${directory.path}/${file}`,
    texts,
  }));
}

/** What goes into the same file one after the other needs to open it only once. */
function gather(writes: readonly Write[]): readonly (readonly [string, ...string[]])[] {
  const gathered: [string, ...string[]][] = [];
  for (const [file, text] of writes) {
    const last = gathered.at(-1);
    if (last?.[0] === file) last.push(text);
    else gathered.push([file, text]);
  }
  return gathered;
}

/** One write, or none when the limit was not asked. */
function write(file: string, text: string | number | undefined): readonly Write[] {
  return text === undefined ? [] : [[file, String(text)]];
}

/** Version 1 says -1 where version 2 says max. */
function formatV1(value: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  return Number.isFinite(value) ? value.toFixed(0) : "-1";
}

const VERSION_1: Readonly<Record<string, Writer>> = {
  memory: ({ limits, currentMemoryAndSwapBytes = Number.POSITIVE_INFINITY }) => {
    const memory = write("memory.limit_in_bytes", formatV1(limits.memoryMaxBytes));
    const both = write("memory.memsw.limit_in_bytes", formatV1(limits.memoryAndSwapMaxBytes));
    const rises = (limits.memoryAndSwapMaxBytes ?? 0) > currentMemoryAndSwapBytes;
    return [
      ...(rises ? [...both, ...memory] : [...memory, ...both]),
      ...write("memory.soft_limit_in_bytes", formatV1(limits.memoryReservationBytes)),
      ...write("memory.swappiness", limits.memorySwappiness),
      ...(limits.oomKillDisabled === true ? write("memory.oom_control", 1) : []),
    ];
  },
  cpu: ({ limits }) => [
    ...write("cpu.shares", requireShares(limits.cpuShares)),
    ...write("cpu.cfs_period_us", limits.cpuPeriodUs),
    ...write("cpu.cfs_quota_us", formatV1(limits.cpuQuotaUs)),
    ...write("cpu.rt_period_us", limits.cpuRealtimePeriodUs),
    ...write("cpu.rt_runtime_us", limits.cpuRealtimeRuntimeUs),
  ],
  // A new cpuset of version 1 is empty and takes no process until both files are written.
  cpuset: ({ limits, support }) => [
    ...write("cpuset.cpus", limits.cpusetCpus ?? (support.cpus || undefined)),
    ...write("cpuset.mems", limits.cpusetMems ?? (support.mems || undefined)),
  ],
  pids: ({ limits }) => planPids(limits),
  blkio: ({ limits, files, blockDevices }) => {
    // Where the bfq scheduler provides the weight, the files carry its name.
    const prefix = files.has("blkio.bfq.weight") ? "blkio.bfq." : "blkio.";
    return [
      ...write(`${prefix}weight`, limits.blkioWeight),
      ...(limits.blkioWeightDevices ?? []).flatMap(({ hostPath, weight }) =>
        write(`${prefix}weight_device`, `${blockDevices.get(hostPath)} ${weight}`),
      ),
      ...(limits.blkioThrottles ?? []).flatMap(({ kind, hostPath, rate }) =>
        write(`blkio.throttle.${kind}_device`, `${blockDevices.get(hostPath)} ${rate}`),
      ),
    ];
  },
  // The list begins as "all": deny that first, then each write allows one rule more.
  devices: ({ limits, devices }) => {
    if (devices === "all") return [];
    const rules = [...DEFAULT_DEVICE_RULES, ...(limits.deviceRules ?? [])];
    return [
      ...write("devices.deny", "a"),
      ...rules.flatMap((rule) => write("devices.allow", formatDeviceRule(rule))),
    ];
  },
};

const VERSION_2: Readonly<Record<string, Writer>> = {
  memory: ({ limits }) => {
    const { memoryMaxBytes: memory, memoryAndSwapMaxBytes: both } = limits;
    const swap =
      both === undefined ? undefined : swapOnly(both, memory ?? Number.POSITIVE_INFINITY);
    return [
      ...write("memory.max", memory === undefined ? undefined : formatLimit(memory)),
      ...write("memory.swap.max", swap === undefined ? undefined : formatLimit(swap)),
      ...write("memory.low", limits.memoryReservationBytes),
    ];
  },
  cpu: ({ limits }) => {
    const { cpuShares, cpuQuotaUs, cpuPeriodUs } = limits;
    const quota = formatLimit(cpuQuotaUs ?? Number.POSITIVE_INFINITY);
    // Without a second number the kernel leaves the period as it is.
    const bandwidth = cpuPeriodUs === undefined ? quota : `${quota} ${cpuPeriodUs}`;
    const isAsked = (cpuQuotaUs ?? cpuPeriodUs) !== undefined;
    return [
      ...write("cpu.weight", cpuShares === undefined ? undefined : sharesToWeight(cpuShares)),
      ...write("cpu.max", isAsked ? bandwidth : undefined),
    ];
  },
  // Empty files of version 2 mean "as the parent": nothing to write when nothing was asked.
  cpuset: ({ limits }) => [
    ...write("cpuset.cpus", limits.cpusetCpus),
    ...write("cpuset.mems", limits.cpusetMems),
  ],
  pids: ({ limits }) => planPids(limits),
  io: ({ limits, files, blockDevices }) => {
    const usesBfq = !files.has("io.weight") && files.has("io.bfq.weight");
    const file = usesBfq ? "io.bfq.weight" : "io.weight";
    // bfq takes the weight as it is (1..1000), the cost model of io.weight has its own scale.
    const scale = (weight: number) => (usesBfq ? weight : blkioToIoWeight(weight));
    const { blkioWeight } = limits;
    return [
      ...write(file, blkioWeight === undefined ? undefined : scale(blkioWeight)),
      ...(limits.blkioWeightDevices ?? []).flatMap(({ hostPath, weight }) =>
        write(file, `${blockDevices.get(hostPath)} ${scale(weight)}`),
      ),
      ...(limits.blkioThrottles ?? []).flatMap(({ kind, hostPath, rate }) =>
        write("io.max", `${blockDevices.get(hostPath)} ${IO_MAX_KEYS[kind]}=${rate}`),
      ),
    ];
  },
};

const IO_MAX_KEYS: Readonly<Record<BlkioThrottle["kind"], string>> = {
  read_bps: "rbps",
  write_bps: "wbps",
  read_iops: "riops",
  write_iops: "wiops",
};

/**
 * The kernel would pull shares into its range and say nothing; Docker's runtime then refuses.
 *
 * @throws RuntimeError cgroup-unavailable, in its words
 */
function requireShares(shares: number | undefined): number | undefined {
  const refused = {
    code: "cgroup-unavailable",
    class: "internal",
    operation: "limit CPU shares",
    subject: String(shares),
    hint: `Give ${SHARES_MIN} to ${SHARES_MAX}; 1024 is what a container has that asks for none.`,
  } as const;
  if (shares === undefined || (shares >= SHARES_MIN && shares <= SHARES_MAX)) return shares;
  const bound =
    shares < SHARES_MIN
      ? `the minimum allowed cpu-shares is ${SHARES_MIN}`
      : `the maximum allowed cpu-shares is ${SHARES_MAX}`;
  throw new RuntimeError({ ...refused, message: bound });
}

function planPids(limits: CgroupLimits): readonly Write[] {
  return write("pids.max", limits.pidsMax === undefined ? undefined : formatLimit(limits.pidsMax));
}
