/**
 * Flag words: by which flag each field of a request is asked for.
 *
 * Kernel interface: none.
 * Specification: docker run reference; Docker Engine API v1.50, HostConfig.
 * Invariants: see `run-words.ts`.
 * Left out: fields for Windows.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** The words that ask for a value of a field; none where the default is the same. */
export type Say = (value: unknown) => readonly string[];

/** A text, unless it is empty or the default. */
export const text =
  (flag: string, unless = ""): Say =>
  (value) =>
    typeof value === "string" && value !== "" && value !== unless ? [`--${flag}`, value] : [];

/** A number, unless it is the default. */
export const number =
  (flag: string, unless = 0): Say =>
  (value) =>
    typeof value === "number" && value !== unless ? [`--${flag}`, String(value)] : [];

/** A switch that is on. */
export const toggle =
  (flag: string): Say =>
  (value) =>
    value === true ? [`--${flag}`] : [];

const bytes =
  (flag: string): Say =>
  (value) =>
    typeof value === "number" && value !== 0 ? [`--${flag}`, sizeText(value)] : [];

/** Each item of a list. */
export const list =
  (flag: string, show: (item: never) => string = String): Say =>
  (value) =>
    // The shape is the field's own.
    Array.isArray(value) ? (value as never[]).flatMap((item) => [`--${flag}`, show(item)]) : [];

/** Each entry of a map. */
export const map =
  (flag: string, join = "="): Say =>
  (value) =>
    typeof value !== "object" || value === null
      ? []
      : Object.entries(value).flatMap(([key, each]) => [
          `--${flag}`,
          each === "" && join === ":" ? key : `${key}${join}${String(each)}`,
        ]);

/** @example sizeText(64 << 20) // "64m" */
function sizeText(size: number): string {
  const units: readonly (readonly [string, number])[] = [
    ["g", 2 ** 30],
    ["m", 2 ** 20],
    ["k", 2 ** 10],
  ];
  const unit = size > 0 ? units.find(([, each]) => size % each === 0) : undefined;
  return unit === undefined ? String(size) : `${size / unit[1]}${unit[0]}`;
}

/** @example cpusText(1_500_000_000) // "1.5" */
function cpusText(nano: number): string {
  return (nano / 1e9).toFixed(9).replace(/\.?0+$/, "");
}

interface Rate {
  readonly Path: string;
  readonly Rate: number;
}

interface Weight {
  readonly Path: string;
  readonly Weight: number;
}

interface Device {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: string;
}

interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

const rate = ({ Path, Rate }: Rate): string => `${Path}:${Rate}`;

/** Each field of HostConfig that has a flag of its own. */
export const HOST_FLAGS: Readonly<Record<string, Say>> = {
  AutoRemove: toggle("rm"),
  RestartPolicy: sayRestart,
  LogConfig: sayLog,
  Memory: bytes("memory"),
  MemoryReservation: bytes("memory-reservation"),
  MemorySwap: bytes("memory-swap"),
  MemorySwappiness: number("memory-swappiness", -1),
  OomKillDisable: toggle("oom-kill-disable"),
  NanoCpus: (value) => text("cpus", "0")(typeof value === "number" ? cpusText(value) : ""),
  CpuShares: number("cpu-shares"),
  CpuPeriod: number("cpu-period"),
  CpuQuota: number("cpu-quota"),
  CpuRealtimePeriod: number("cpu-rt-period"),
  CpuRealtimeRuntime: number("cpu-rt-runtime"),
  CpusetCpus: text("cpuset-cpus"),
  CpusetMems: text("cpuset-mems"),
  PidsLimit: number("pids-limit"),
  BlkioWeight: number("blkio-weight"),
  BlkioWeightDevice: list("blkio-weight-device", ({ Path, Weight }: Weight) => `${Path}:${Weight}`),
  BlkioDeviceReadBps: list("device-read-bps", rate),
  BlkioDeviceWriteBps: list("device-write-bps", rate),
  BlkioDeviceReadIOps: list("device-read-iops", rate),
  BlkioDeviceWriteIOps: list("device-write-iops", rate),
  CgroupParent: text("cgroup-parent"),
  Devices: list("device", (device: Device) =>
    [device.PathOnHost, device.PathInContainer, device.CgroupPermissions].join(":"),
  ),
  DeviceCgroupRules: list("device-cgroup-rule"),
  Ulimits: list("ulimit", ({ Name, Soft, Hard }: Ulimit) => `${Name}=${Soft}:${Hard}`),
  CapAdd: list("cap-add"),
  CapDrop: list("cap-drop"),
  GroupAdd: list("group-add"),
  SecurityOpt: (value) =>
    list("security-opt")(
      Array.isArray(value) ? value.filter((option) => !isProfile(String(option))) : value,
    ),
  MaskedPaths: (value) =>
    Array.isArray(value) && value.length === 0 ? ["--security-opt", "systempaths=unconfined"] : [],
  Privileged: toggle("privileged"),
  ReadonlyRootfs: toggle("read-only"),
  PublishAllPorts: toggle("publish-all"),
  OomScoreAdj: number("oom-score-adj"),
  Init: (value) => (typeof value === "boolean" ? [value ? "--init" : "--init=false"] : []),
  CgroupnsMode: text("cgroupns"),
  IpcMode: text("ipc"),
  PidMode: text("pid"),
  UTSMode: text("uts"),
  UsernsMode: text("userns"),
  ShmSize: bytes("shm-size"),
  Sysctls: map("sysctl"),
  StorageOpt: map("storage-opt"),
  Annotations: map("annotation"),
  Tmpfs: map("tmpfs", ":"),
  Runtime: text("runtime"),
  VolumeDriver: text("volume-driver"),
  VolumesFrom: list("volumes-from"),
  Mounts: list("mount", mountText),
  Dns: list("dns"),
  DnsOptions: list("dns-option"),
  DnsSearch: list("dns-search"),
  ExtraHosts: list("add-host"),
  Links: list("link"),
};

function sayRestart(value: unknown): readonly string[] {
  const { Name = "", MaximumRetryCount = 0 } = fieldsOf<{
    readonly Name: string;
    readonly MaximumRetryCount: number;
  }>(value);
  if (Name === "" || Name === "no") return [];
  return ["--restart", MaximumRetryCount > 0 ? `${Name}:${MaximumRetryCount}` : Name];
}

function sayLog(value: unknown): readonly string[] {
  const { Type, Config } = fieldsOf<{ readonly Type: string; readonly Config: object }>(value);
  return [...text("log-driver")(Type), ...map("log-opt")(Config)];
}

/** The fields of an object that may be missing. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function fieldsOf<T extends object>(value: unknown): Partial<T> {
  // Which fields it has is known from the API's schema.
  return typeof value === "object" && value !== null ? value : {};
}

/** Whether a security option is a seccomp profile's content. */
export function isProfile(option: string): boolean {
  return option.startsWith("seccomp=") && option.includes("{");
}

/** Field by field, in the words that `options/mounts.ts` reads. */
export interface Mount {
  readonly Type: string;
  readonly Source?: string;
  readonly Target?: string;
  readonly ReadOnly?: boolean;
  readonly Consistency?: string;
  readonly BindOptions?: Readonly<Record<string, unknown>>;
  readonly TmpfsOptions?: { readonly SizeBytes?: number; readonly Mode?: number };
  readonly VolumeOptions?: {
    readonly NoCopy?: boolean;
    readonly Subpath?: string;
    readonly Labels?: Readonly<Record<string, string>>;
  };
}

function mountText(mount: Mount): string {
  const { BindOptions = {}, TmpfsOptions = {}, VolumeOptions = {} } = mount;
  const { NonRecursive, CreateMountpoint, ReadOnlyNonRecursive } = BindOptions;
  const fields: readonly (readonly [string, unknown])[] = [
    ["type", mount.Type],
    ["source", mount.Source],
    ["target", mount.Target],
    ["readonly", mount.ReadOnly],
    ["consistency", mount.Consistency],
    ["bind-propagation", BindOptions["Propagation"]],
    ["bind-nonrecursive", NonRecursive],
    ["bind-create-mountpoint", CreateMountpoint],
    ["bind-recursive", ReadOnlyNonRecursive === true ? "writable" : undefined],
    ["bind-recursive", BindOptions["ReadOnlyForceRecursive"] === true ? "readonly" : undefined],
    ["tmpfs-size", TmpfsOptions.SizeBytes],
    ["tmpfs-mode", TmpfsOptions.Mode?.toString(8)],
    ["volume-nocopy", VolumeOptions.NoCopy],
    ["volume-subpath", VolumeOptions.Subpath],
    ...Object.entries(VolumeOptions.Labels ?? {}).map(
      ([name, value]) => ["volume-label", `${name}=${value}`] as const,
    ),
  ];
  return fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => csvField(`${name}=${String(value)}`))
    .join(",");
}

function csvField(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
