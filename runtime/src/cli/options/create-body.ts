/**
 * Options, create body: flags and arguments as the request that creates a container.
 *
 * Kernel interface: none; the daemon acts.
 * Specification: Docker Engine API v1.50, ContainerCreate (Config, HostConfig, NetworkingConfig).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { consoleSize, type Console } from "../console.ts";
import type { Flags } from "../grammar.ts";
import { parseUlimit } from "./checks.ts";
import { parseDevice, parseRate, parseThrottle, parseWeightDevice } from "./devices.ts";
import { checkContentTrust, deviceRequests, isQualifiedName } from "./elsewhere.ts";
import { readEnvironment, readLabels, toMap } from "./key-values.ts";
import { checkConflicts, parseRestartPolicy, readHealth } from "./life-cycle.ts";
import { parseVolumes, resolveMount } from "./mounts.ts";
import { readNetworks } from "./network.ts";
import { parsePorts } from "./ports.ts";
import { readSecurityOptions } from "./security.ts";

/** What the client itself needs to know of the request; the rest is for the daemon. */
export interface CreateBody {
  readonly Image: string;
  readonly Tty: boolean;
  readonly OpenStdin: boolean;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  StdinOnce: boolean;
  readonly HostConfig: { readonly AutoRemove: boolean } & Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/**
 * Translates a command line.
 *
 * @param words the image, then the command
 * @throws Failure with exit code 125
 */
export function buildCreateBody(
  console: Console,
  flags: Flags,
  words: readonly string[],
): CreateBody {
  checkConflicts(flags);
  checkContentTrust(flags);
  const [image = "", ...command] = words;
  const ports = parsePorts(flags.list("publish"), flags.list("expose"));
  const volumes = parseVolumes(console, flags.list("volume"));
  const networks = readNetworks(flags);
  return {
    ...streamsOf(flags),
    Hostname: flags.text("hostname"),
    Domainname: flags.text("domainname"),
    User: flags.text("user"),
    ExposedPorts: ports.exposed,
    Env: readEnvironment(console, flags.list("env-file"), flags.list("env")),
    Cmd: command.length === 0 ? null : command,
    ...optional("Healthcheck", readHealth(flags)),
    Image: image,
    Volumes: volumes.anonymous,
    WorkingDir: flags.text("workdir"),
    Entrypoint: flags.changed("entrypoint") ? [flags.text("entrypoint")] : null,
    Labels: readLabels(console, flags.list("label-file"), flags.list("label")),
    ...(flags.changed("stop-signal") ? { StopSignal: flags.text("stop-signal") } : {}),
    ...(flags.changed("stop-timeout") ? { StopTimeout: flags.number("stop-timeout") } : {}),
    HostConfig: {
      AutoRemove: flags.bool("rm"),
      ...hostConfigOf(console, flags),
      ...resourcesOf(flags),
      ...networkFieldsOf(flags),
      Binds: volumes.binds,
      PortBindings: ports.bindings,
      NetworkMode: networks.mode,
    },
    NetworkingConfig: { EndpointsConfig: networks.endpoints },
  };
}

function optional(field: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [field]: value };
}

/** Without -a, output is attached; -i opens and attaches standard input. */
function streamsOf(flags: Flags) {
  const attached = flags.list("attach");
  const OpenStdin = flags.bool("interactive");
  const AttachStdin = OpenStdin || attached.includes("stdin");
  return {
    Tty: flags.bool("tty"),
    OpenStdin,
    AttachStdin,
    AttachStdout: attached.length === 0 || attached.includes("stdout"),
    AttachStderr: attached.length === 0 || attached.includes("stderr"),
    // Input that came from this client ends with it.
    StdinOnce: OpenStdin && AttachStdin,
  };
}

function hostConfigOf(console: Console, flags: Flags): Record<string, unknown> {
  const security = readSecurityOptions(console, flags.list("security-opt"));
  return {
    ContainerIDFile: flags.text("cidfile"),
    LogConfig: { Type: flags.text("log-driver"), Config: toMap(flags.list("log-opt")) },
    RestartPolicy: parseRestartPolicy(flags.text("restart")),
    VolumeDriver: flags.text("volume-driver"),
    VolumesFrom: orNull(flags.list("volumes-from")),
    ConsoleSize: consoleSize(console),
    ...(flags.changed("annotation") ? { Annotations: toMap(flags.list("annotation")) } : {}),
    CapAdd: orNull(flags.list("cap-add")),
    CapDrop: orNull(flags.list("cap-drop")),
    CgroupnsMode: flags.text("cgroupns"),
    GroupAdd: orNull(flags.list("group-add")),
    IpcMode: flags.text("ipc"),
    OomScoreAdj: flags.number("oom-score-adj"),
    PidMode: flags.text("pid"),
    Privileged: flags.bool("privileged"),
    PublishAllPorts: flags.bool("publish-all"),
    ReadonlyRootfs: flags.bool("read-only"),
    SecurityOpt: orNull(security.options),
    ...(security.openSystemPaths ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
    ...(flags.changed("storage-opt") ? { StorageOpt: toMap(flags.list("storage-opt")) } : {}),
    Tmpfs: Object.fromEntries(flags.list("tmpfs").map(splitTmpfs)),
    UTSMode: flags.text("uts"),
    UsernsMode: flags.text("userns"),
    ShmSize: flags.number("shm-size"),
    ...(flags.changed("sysctl") ? { Sysctls: toMap(flags.list("sysctl")) } : {}),
    Runtime: flags.text("runtime"),
    ...(flags.changed("init") ? { Init: flags.bool("init") } : {}),
    ...(flags.changed("mount")
      ? { Mounts: flags.list("mount").map((text) => resolveMount(console, text)) }
      : {}),
  };
}

function splitTmpfs(text: string): [string, string] {
  const at = text.indexOf(":");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function orNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}

function networkFieldsOf(flags: Flags): Record<string, unknown> {
  return {
    Dns: flags.list("dns"),
    DnsOptions: flags.list("dns-option"),
    DnsSearch: flags.list("dns-search"),
    ExtraHosts: orNull(flags.list("add-host")),
    Links: orNull(flags.list("link")),
  };
}

function resourcesOf(flags: Flags): Record<string, unknown> {
  return {
    CgroupParent: flags.text("cgroup-parent"),
    Memory: flags.number("memory"),
    MemoryReservation: flags.number("memory-reservation"),
    MemorySwap: flags.number("memory-swap"),
    MemorySwappiness: flags.number("memory-swappiness"),
    OomKillDisable: flags.bool("oom-kill-disable"),
    NanoCpus: flags.number("cpus"),
    CpuShares: flags.number("cpu-shares"),
    CpuPeriod: flags.number("cpu-period"),
    CpuQuota: flags.number("cpu-quota"),
    CpuRealtimePeriod: flags.number("cpu-rt-period"),
    CpuRealtimeRuntime: flags.number("cpu-rt-runtime"),
    CpusetCpus: flags.text("cpuset-cpus"),
    CpusetMems: flags.text("cpuset-mems"),
    PidsLimit: flags.number("pids-limit"),
    BlkioWeight: flags.number("blkio-weight"),
    BlkioWeightDevice: flags.list("blkio-weight-device").map(parseWeightDevice),
    BlkioDeviceReadBps: flags.list("device-read-bps").map(parseRate),
    BlkioDeviceWriteBps: flags.list("device-write-bps").map(parseRate),
    BlkioDeviceReadIOps: flags.list("device-read-iops").map(parseThrottle),
    BlkioDeviceWriteIOps: flags.list("device-write-iops").map(parseThrottle),
    Devices: flags
      .list("device")
      .filter((text) => !isQualifiedName(text))
      .map(parseDevice),
    DeviceRequests: deviceRequests(flags),
    Isolation: flags.text("isolation"),
    ...(flags.changed("kernel-memory") ? { KernelMemory: flags.number("kernel-memory") } : {}),
    ...(flags.changed("cgroup-conf") ? { CgroupConf: toMap(flags.list("cgroup-conf")) } : {}),
    DeviceCgroupRules: orNull(flags.list("device-cgroup-rule")),
    Ulimits: flags.list("ulimit").map(parseUlimit),
  };
}
