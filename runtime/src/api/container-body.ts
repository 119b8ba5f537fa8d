/**
 * Container body: what `POST /containers/create` may carry, field by field.
 *
 * A client may send three fields or three hundred. What leaves this file is complete: every field
 * that the engine knows, with Docker's empty value where the client said nothing. A field that we
 * would have to ignore and that changes what the container is, is refused
 * (`refuseWhatIsMissing`): better no container than another one than was asked for.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "ContainerCreate", ContainerConfig and HostConfig.
 * Invariants: none.
 * Left out: links and what only Windows has; a warning names those that were sent.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import * as v from "valibot";
import type { ContainerConfig, HostConfig } from "../container/index.ts";
import type { CreateContainer } from "../engine/index.ts";
import {
  fields,
  fieldsOrNull,
  flag,
  list,
  map,
  text,
  whole,
  wholeOrNull,
  words,
} from "./go-json.ts";
import { cleanPath } from "../kernel/index.ts";
import { checkContainer, checkEndpoints, checkRuntime } from "./container-checks.ts";
import { refuseWhatIsMissing, warnOfWhatIsIgnored } from "./not-yet.ts";
import { compareVersions } from "./versions.ts";

const nothing = () =>
  v.pipe(
    v.nullish(v.looseObject({}), {}),
    v.transform(() => ({})),
  );
const anything = () => map(v.unknown());

const PORT = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i;

function isPort(key: string): boolean {
  const [, from, to = from] = PORT.exec(key) ?? [];
  return from !== undefined && Number(from) <= Number(to) && Number(to) <= 65_535;
}

/** `80` means `80/tcp`. */
function withProtocol(key: string): string {
  return key.includes("/") ? key.toLowerCase() : `${key}/tcp`;
}

/** A map by port, its keys completed. */
const portMap = <S extends v.GenericSchema>(item: S) =>
  v.pipe(
    map(item),
    v.check(
      (ports) => Object.keys(ports).every(isPort),
      "ports as NUMBER[/tcp|udp|sctp] from 0 to 65535",
    ),
    v.transform((ports): Record<string, v.InferOutput<S>> =>
      Object.fromEntries(Object.entries(ports).map(([key, value]) => [withProtocol(key), value])),
    ),
  );

/** [rows, columns] of the client's terminal. */
export const consoleSize = () =>
  v.pipe(
    list(whole()),
    v.check((size) => size.length === 0 || size.length === 2, "two numbers, rows and columns"),
    v.transform(([rows = 0, columns = 0]): readonly [number, number] => [rows, columns]),
  );

/** The part of a body that an image can also say; commit takes it too. */
export const configEntries = {
  Hostname: text(),
  Domainname: text(),
  User: text(),
  AttachStdin: flag(),
  AttachStdout: flag(),
  AttachStderr: flag(),
  Tty: flag(),
  OpenStdin: flag(),
  StdinOnce: flag(),
  Env: list(text()),
  Cmd: words(),
  Entrypoint: words(),
  Image: text(),
  WorkingDir: v.pipe(
    text(),
    v.transform((path) => (path.startsWith("/") ? cleanPath(path) : path)),
  ),
  Labels: map(text()),
  ExposedPorts: portMap(nothing()),
  Volumes: map(nothing()),
  StopSignal: text(),
  StopTimeout: wholeOrNull(),
  Healthcheck: fieldsOrNull({
    Test: list(text()),
    Interval: whole(),
    Timeout: whole(),
    StartPeriod: whole(),
    StartInterval: whole(),
    Retries: whole(),
  }),
};

/** A file of a controller, never a path. */
function areCgroupFiles(settings: Readonly<Record<string, string>>): boolean {
  return Object.keys(settings).every((name) => /^[a-z_0-9]+\.[a-z_0-9.]+$/.test(name));
}

const throttles = () => list(fields({ Path: text(), Rate: whole() }));

/** The part of a body that limits; update takes it too. */
export const resourceEntries = {
  Memory: whole(),
  MemorySwap: whole(),
  MemoryReservation: whole(),
  // The docker CLI sends -1 for "not given".
  MemorySwappiness: v.pipe(
    wholeOrNull(),
    v.transform((value) => (value === -1 ? null : value)),
  ),
  OomKillDisable: flag(),
  NanoCpus: whole(),
  CpuShares: whole(),
  CpuPeriod: whole(),
  CpuQuota: whole(),
  CpuRealtimePeriod: whole(),
  CpuRealtimeRuntime: whole(),
  CpusetCpus: text(),
  CpusetMems: text(),
  PidsLimit: wholeOrNull(),
  BlkioWeight: whole(),
  BlkioWeightDevice: list(fields({ Path: text(), Weight: whole() })),
  BlkioDeviceReadBps: throttles(),
  BlkioDeviceWriteBps: throttles(),
  BlkioDeviceReadIOps: throttles(),
  BlkioDeviceWriteIOps: throttles(),
  Devices: list(
    fields({ PathOnHost: text(), PathInContainer: text(), CgroupPermissions: text("rwm") }),
  ),
  DeviceCgroupRules: list(text()),
  CgroupConf: v.pipe(map(text()), v.check(areCgroupFiles, "names such as memory.high")),
  Ulimits: list(fields({ Name: text(), Soft: whole(), Hard: whole() })),
};

const mount = fields({
  Type: text(),
  Source: text(),
  Target: text(),
  ReadOnly: flag(),
  BindOptions: fieldsOrNull({
    Propagation: text(),
    NonRecursive: flag(),
    CreateMountpoint: flag(),
  }),
  TmpfsOptions: v.pipe(
    fieldsOrNull({ SizeBytes: whole(), Mode: whole() }),
    // Zero is Go's "not said": an absent size is unlimited, an absent mode is 1777.
    v.transform((options) => (options === null ? null : withoutZeros(options))),
  ),
});

function withoutZeros(options: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== 0));
}

/** When to run again; an empty name says nothing. */
export const restartPolicy = () => fields({ Name: text(), MaximumRetryCount: whole() });

const hostEntries = {
  Binds: list(text()),
  Mounts: list(mount),
  Tmpfs: map(text()),
  VolumesFrom: list(text()),
  NetworkMode: v.pipe(
    text(),
    v.transform((mode) => mode || "default"),
  ),
  PidMode: text(),
  IpcMode: text(),
  UTSMode: text(),
  UsernsMode: text(),
  CgroupnsMode: text(),
  CgroupParent: text(),
  AutoRemove: flag(),
  Privileged: flag(),
  ReadonlyRootfs: flag(),
  CapAdd: list(text()),
  CapDrop: list(text()),
  SecurityOpt: list(text()),
  GroupAdd: list(text()),
  OomScoreAdj: whole(),
  ShmSize: whole(),
  Sysctls: map(text()),
  Init: v.nullish(v.boolean(), null),
  RestartPolicy: v.pipe(
    restartPolicy(),
    v.transform((policy) => ({ ...policy, Name: policy.Name || "no" })),
  ),
  LogConfig: fields({ Type: text(), Config: map(text()) }),
  ExtraHosts: list(text()),
  Dns: list(text()),
  DnsSearch: list(text()),
  DnsOptions: list(text()),
  PortBindings: portMap(list(fields({ HostIp: text(), HostPort: text() }))),
  PublishAllPorts: flag(),
  Runtime: text(),
  MaskedPaths: v.nullish(v.array(text()), null),
  ReadonlyPaths: v.nullish(v.array(text()), null),
  ConsoleSize: consoleSize(),
  Annotations: map(text()),
  ContainerIDFile: text(),
};

/** The whole body: the container's configuration with two more objects in it. */
export const createContainerBody = fields({
  ...configEntries,
  HostConfig: fields({ ...resourceEntries, ...hostEntries }),
  NetworkingConfig: fields({ EndpointsConfig: anything() }),
});

type CreateContainerBody = v.InferOutput<typeof createContainerBody>;

/**
 * What the engine is asked to create, and what to tell the client besides.
 *
 * @param sent the body as it came, in which fields of other chapters are looked for, and the
 *   version that the client speaks: a terminal's size is only read from 1.42 on
 * @throws RuntimeError request-invalid when a value cannot be meant; feature-unsupported when it
 *   asks for what cannot be left out
 */
export function toCreateContainer(
  name: string,
  body: CreateContainerBody,
  sent: { readonly raw: unknown; readonly version: string },
): { readonly request: CreateContainer; readonly warnings: readonly string[] } {
  refuseWhatIsMissing(sent.raw);
  const { HostConfig: given, NetworkingConfig: networking, ...config } = body;
  const { Runtime: runtime, ...limits } = given;
  checkRuntime(runtime);
  const hasSize = compareVersions(sent.version, "1.42") >= 0;
  const hostConfig: HostConfig = hasSize ? limits : { ...limits, ConsoleSize: [0, 0] };
  const complete: ContainerConfig = config;
  checkContainer(complete, hostConfig);
  const networkingConfig = networking.EndpointsConfig;
  checkEndpoints(networkingConfig);
  return {
    request: { name, config: complete, hostConfig, networkingConfig },
    warnings: warnOfWhatIsIgnored(sent.raw),
  };
}
