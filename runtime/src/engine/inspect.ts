/**
 * Inspect: a container as the Docker Engine API shows it.
 *
 * Nothing is decided here. A record goes in, Docker's JSON comes out: `inspectObject` is the long
 * form of one container, `summaryObject` the short one of a list.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, ContainerInspectResponse and ContainerSummary.
 * Invariants: none; the answers are checked against the API's schema.
 * Left out: fields that only Windows has.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { hasProcess, lastEndOf } from "../container/index.ts";
import type { ContainerState, Ended, Health, HostConfig } from "../container/index.ts";
import { DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS } from "../security/index.ts";
import { humanDuration, NEVER, rfc3339 } from "./durations.ts";
import type { ApiObject } from "./engine.ts";
import type { PortSummary } from "./filters.ts";
import { endpoints, networkNameOf, networkSettings, sharesNetwork } from "./networks.ts";
import type { Account, Definition, History } from "./record.ts";
import type { ContainerFiles } from "./state-store.ts";

/** A mount as `Mounts` lists it. */
export interface MountPoint {
  readonly Type: string;
  readonly Source: string;
  readonly Destination: string;
  readonly Mode: string;
  readonly RW: boolean;
  readonly Propagation: string;
}

/** What an answer is made from. */
export interface Inspected {
  readonly definition: Definition;
  readonly history: History;
  readonly files: ContainerFiles;
  readonly mounts: readonly MountPoint[];
  /** Directories of the overlay, by the names of GraphDriver.Data. */
  readonly graph: Readonly<Record<string, string>>;
  readonly execIds: readonly string[];
  /** null: it has no check, or none yet. */
  readonly health: Health | null;
  /** Bytes; null when nobody asked. */
  readonly sizes: { readonly writable: number; readonly total: number } | null;
}

/** The name that clients know the storage by. */
export const STORAGE_DRIVER = "overlay2";

/**
 * The answer of `GET /containers/{id}/json`.
 *
 * @param container everything that is known of it
 */
export function inspectObject(container: Inspected): ApiObject {
  const { definition, history, files } = container;
  const [path = "", ...args] = commandOf(definition);
  const { state } = history;
  return {
    Id: definition.id,
    Created: rfc3339(definition.createdAtMs),
    Path: path,
    Args: args,
    State: { ...stateObject(state), Health: healthObject(container.health) },
    Image: definition.imageId,
    ResolvConfPath: files.resolvConf,
    HostnamePath: files.hostname,
    HostsPath: files.hosts,
    LogPath: definition.hostConfig.LogConfig.Type === "none" ? "" : files.log,
    Name: `/${definition.name}`,
    RestartCount: history.restartCount,
    Driver: STORAGE_DRIVER,
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: container.execIds.length === 0 ? null : container.execIds,
    HostConfig: hostConfigObject(definition.hostConfig),
    GraphDriver: { Data: { ID: definition.id, ...container.graph }, Name: STORAGE_DRIVER },
    ...(container.sizes === null
      ? {}
      : { SizeRw: container.sizes.writable, SizeRootFs: container.sizes.total }),
    Mounts: container.mounts,
    Config: configObject(definition),
    NetworkSettings: networkSettings(definition, hasProcess(state) ? state.hostPid : 0),
  };
}

/** The words of the container's command, entry point first. */
export function commandOf({ config }: Definition): readonly string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
}

function stateObject(state: ContainerState): ApiObject {
  const ended = lastEndOf(state);
  return {
    Status: state.status,
    Running: hasProcess(state) || state.status === "restarting",
    Paused: state.status === "paused",
    Restarting: state.status === "restarting",
    OOMKilled: ended?.oomKilled ?? false,
    Dead: state.status === "dead",
    Pid: hasProcess(state) ? state.hostPid : 0,
    ExitCode: ended?.exitCode ?? 0,
    Error: state.status === "dead" ? state.error : (ended?.error ?? ""),
    ...timesOf(state, ended),
  };
}

function healthObject(health: Health | null): ApiObject | undefined {
  if (health === null) return undefined;
  return {
    Status: health.status,
    FailingStreak: health.failingStreak,
    Log: health.log.map(({ startMs, endMs, exitCode, output }) => ({
      Start: rfc3339(startMs),
      End: rfc3339(endMs),
      ExitCode: exitCode,
      Output: output,
    })),
  };
}

/** A container whose first start failed has never run. */
function timesOf(state: ContainerState, ended: Ended | null): ApiObject {
  if (hasProcess(state)) return { StartedAt: rfc3339(state.startedAtMs), FinishedAt: NEVER };
  if (state.status === "created" || ended === null) return { StartedAt: NEVER, FinishedAt: NEVER };
  return { StartedAt: rfc3339(ended.startedAtMs), FinishedAt: rfc3339(ended.finishedAtMs) };
}

function configObject({ config }: Definition): ApiObject {
  return {
    ...config,
    ExposedPorts: orAbsent(config.ExposedPorts),
    Volumes: orNull(config.Volumes),
    StopSignal: config.StopSignal === "" ? undefined : config.StopSignal,
    StopTimeout: config.StopTimeout ?? undefined,
    Healthcheck: config.Healthcheck ? withoutZeros(config.Healthcheck) : undefined,
    OnBuild: null,
  };
}

/** Docker shows most empty lists as null, and has a few fields that we do not act on. */
function hostConfigObject(hostConfig: HostConfig): ApiObject {
  const emptyAsNull =
    "Binds CapAdd CapDrop SecurityOpt GroupAdd ExtraHosts DeviceCgroupRules VolumesFrom".split(" ");
  const shown: Record<string, unknown> = {
    ContainerIDFile: "",
    VolumeDriver: "",
    VolumesFrom: null,
    Links: null,
    Cgroup: "",
    Isolation: "",
    KernelMemory: 0,
    KernelMemoryTCP: 0,
    CpuCount: 0,
    CpuPercent: 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    DeviceRequests: null,
    Runtime: "drydock",
    ...hostConfig,
    PidsLimit: (hostConfig.PidsLimit ?? 0) > 0 ? hostConfig.PidsLimit : null,
    ...systemPaths(hostConfig),
    NetworkMode: networkNameOf(hostConfig.NetworkMode),
    Sysctls: orAbsent(hostConfig.Sysctls),
    Tmpfs: orAbsent(hostConfig.Tmpfs),
    CgroupConf: orAbsent(hostConfig.CgroupConf ?? {}),
    Annotations: orAbsent(hostConfig.Annotations ?? {}),
    Mounts: hostConfig.Mounts.length === 0 ? undefined : hostConfig.Mounts.map(withoutZeros),
    Init: hostConfig.Init ?? undefined,
  };
  for (const name of emptyAsNull) {
    const value = shown[name];
    if (Array.isArray(value) && value.length === 0) shown[name] = null;
  }
  return shown;
}

/** What is hidden and protected when nobody said anything; a privileged container sees all. */
function systemPaths({ MaskedPaths, ReadonlyPaths, Privileged }: HostConfig): ApiObject {
  if (Privileged) return { MaskedPaths, ReadonlyPaths };
  return {
    MaskedPaths: MaskedPaths ?? DEFAULT_MASKED_PATHS,
    ReadonlyPaths: ReadonlyPaths ?? DEFAULT_READONLY_PATHS,
  };
}

/** Go leaves empty fields out where the API says so. */
function withoutZeros(value: object): ApiObject {
  const isSaid = (field: unknown): boolean =>
    field !== null && field !== 0 && field !== "" && field !== false;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => isSaid(field)));
}

function orNull<T extends object>(value: T): T | null {
  return Object.keys(value).length === 0 ? null : value;
}

function orAbsent<T extends object>(value: T): T | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}

/**
 * One entry of `GET /containers/json`.
 *
 * @param container everything that is known of it @param nowMs for "3 minutes ago"
 */
export function summaryObject(container: Inspected, nowMs: number): ApiObject {
  const { definition, history } = container;
  const { hostConfig } = definition;
  return {
    Id: definition.id,
    Names: [`/${definition.name}`],
    Image: definition.config.Image,
    ImageID: definition.imageId,
    Command: commandOf(definition).map(shellWord).join(" "),
    Created: Math.floor(definition.createdAtMs / 1000),
    Ports: portsOf(definition, history),
    ...(container.sizes === null
      ? {}
      : { SizeRw: container.sizes.writable || undefined, SizeRootFs: container.sizes.total }),
    Labels: definition.config.Labels,
    State: history.state.status,
    Status: statusText(history.state, nowMs, {
      health: container.health,
      account: history.account,
    }),
    HostConfig: { NetworkMode: networkNameOf(hostConfig.NetworkMode) },
    NetworkSettings: { Networks: endpoints(hostConfig) },
    Mounts: container.mounts,
  };
}

/** The ports of a running container; where it has no network of its own, none are its. */
export function portsOf(
  { config, hostConfig }: Definition,
  history: History,
): readonly PortSummary[] {
  const network = networkNameOf(hostConfig.NetworkMode);
  const isShared = sharesNetwork(hostConfig) || ["none", "host"].includes(network);
  if (!hasProcess(history.state) || isShared) return [];
  return Object.keys(config.ExposedPorts).map((port) => {
    const [number = "0", protocol = "tcp"] = port.split("/");
    return { PrivatePort: Number(number), Type: protocol };
  });
}

/** As Docker: words with spaces are shown in quotes. */
function shellWord(word: string): string {
  return word.includes(" ") ? `'${word}'` : word;
}

/** What a status says beside the state. */
interface StatusDetails {
  readonly health?: Health | null | undefined;
  readonly account?: Account | undefined;
}

/**
 * The status column of `docker ps`; behind the end stands its reason where the code alone is a
 * riddle.
 *
 * @example statusText({ status: "created", failure: null }, 0) // "Created"
 */
export function statusText(
  state: ContainerState,
  nowMs: number,
  { health = null, account }: StatusDetails = {},
): string {
  switch (state.status) {
    case "created":
      return "Created";
    case "running":
      return `Up ${humanDuration(nowMs - state.startedAtMs)}${healthText(health)}`;
    case "paused":
      return `Up ${humanDuration(nowMs - state.startedAtMs)} (Paused)`;
    case "restarting":
      return `Restarting ${endText(state.ended, nowMs)}`;
    case "exited":
      return `Exited ${endText(state.ended, nowMs)}${reasonText(state.ended, account)}`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
  }
}

function healthText(health: Health | null): string {
  if (health === null) return "";
  return health.status === "starting" ? " (health: starting)" : ` (${health.status})`;
}

/** As Docker puts health into brackets. `why` tells the rest. */
function reasonText(ended: Ended, account: Account | undefined): string {
  if (ended.oomKilled) return " (out of memory)";
  if (account?.signal !== "SIGKILL" || account.finishedAtMs !== ended.finishedAtMs) return "";
  const forced = account.requests.findLast(({ signal }) => signal === "SIGKILL");
  if (forced === undefined) return "";
  return forced.by === "timeout" ? " (did not stop in time)" : " (killed)";
}

function endText(ended: Ended, nowMs: number): string {
  return `(${ended.exitCode}) ${humanDuration(nowMs - ended.finishedAtMs)} ago`;
}
