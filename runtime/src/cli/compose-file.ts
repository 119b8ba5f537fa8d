/**
 * Compose file: containers as the services of a compose file.
 *
 * What a container was asked for is known in the words of `run`. Most of them are keys of a compose
 * file too, under other names: a table says which. What a file nests (health, logging, block I/O,
 * mounts) is taken from the request itself. What no key says is told apart, so that nobody believes
 * a file that is not the whole truth.
 *
 * Kernel interface: none.
 * Specification: Compose specification, as docker-compose 1.29 and Compose v2 read it; YAML 1.1,
 *   which the older of them reads, and in which an unquoted `no` is false.
 * Invariants:
 *   compose-says-all   each flag that a request needs is a key of its service, or is told apart
 * Left out: the keys that only newer versions of compose have (cgroup, uts, annotations).
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { stringify } from "yaml";
import { fieldsOf, type Mount } from "./flag-words.ts";
import { CONTAINER_FLAGS } from "./options/flags.ts";
import { flagWords, unsaidSecurity, type RunRequest } from "./run-words.ts";

/** A container to write down. */
export interface ComposeService {
  readonly name: string;
  readonly request: RunRequest;
}

/** A file, and what it leaves out. */
export interface ComposeFile {
  readonly text: string;
  /** Sentences. */
  readonly unsaid: readonly string[];
}

type Keys = Readonly<Record<string, unknown>>;
type Write = (values: readonly string[]) => Keys;

const text = (key: string): Write => {
  return ([value]) => ({ [key]: value });
};
const number = (key: string): Write => {
  return ([value]) => ({ [key]: Number(value) });
};
const list = (key: string, show = (value: string) => value): Write => {
  return (values) => ({ [key]: [...new Set(values.map(show))] });
};
const toggle = (key: string): Write => {
  return ([value]) => ({ [key]: value !== "false" });
};

/** Each flag of `run` that a service has a key for. */
const KEYS: Readonly<Record<string, Write>> = {
  interactive: toggle("stdin_open"),
  tty: toggle("tty"),
  hostname: text("hostname"),
  domainname: text("domainname"),
  user: text("user"),
  workdir: text("working_dir"),
  env: list("environment"),
  label: list("labels"),
  "stop-signal": text("stop_signal"),
  "stop-timeout": ([seconds]) => ({ stop_grace_period: `${seconds}s` }),
  publish: list("ports"),
  expose: list("expose"),
  restart: text("restart"),
  memory: text("mem_limit"),
  "memory-reservation": text("mem_reservation"),
  "memory-swap": text("memswap_limit"),
  "memory-swappiness": number("mem_swappiness"),
  "oom-kill-disable": toggle("oom_kill_disable"),
  cpus: number("cpus"),
  "cpu-shares": number("cpu_shares"),
  "cpu-period": number("cpu_period"),
  "cpu-quota": number("cpu_quota"),
  "cpu-rt-period": number("cpu_rt_period"),
  "cpu-rt-runtime": number("cpu_rt_runtime"),
  "cpuset-cpus": text("cpuset"),
  "pids-limit": number("pids_limit"),
  "cgroup-parent": text("cgroup_parent"),
  device: list("devices"),
  "device-cgroup-rule": list("device_cgroup_rules"),
  ulimit: (values) => ({ ulimits: Object.fromEntries(values.map(ulimit)) }),
  "cap-add": list("cap_add"),
  "cap-drop": list("cap_drop"),
  "group-add": list("group_add"),
  "security-opt": list("security_opt"),
  privileged: toggle("privileged"),
  "read-only": toggle("read_only"),
  "oom-score-adj": number("oom_score_adj"),
  init: toggle("init"),
  ipc: text("ipc"),
  pid: text("pid"),
  userns: text("userns_mode"),
  "shm-size": text("shm_size"),
  sysctl: list("sysctls"),
  "storage-opt": (values) => ({ storage_opt: Object.fromEntries(values.map(pair)) }),
  tmpfs: list("tmpfs"),
  runtime: text("runtime"),
  "volumes-from": list("volumes_from", (name) => `container:${name}`),
  dns: list("dns"),
  "dns-option": list("dns_opt"),
  "dns-search": list("dns_search"),
  "add-host": list("extra_hosts"),
  link: list("external_links"),
};

/** These are nested in a file: `nestedKeys` writes them from the request. */
const NESTED =
  /^(health-(?!start-interval)|no-healthcheck|log-|blkio-|device-(read|write)-|volume$|mount$|network$)/;

/** What can stand in the value of such a flag and has no key. */
const WITHOUT_KEY = /^name=|(^|,)"?(bind-(?!propagation)|tmpfs-mode|volume-(subpath|label))/;

/**
 * A compose file of some containers. Pure.
 *
 * @param from what says how it was made, in a comment above
 */
export function composeFile(containers: readonly ComposeService[], from: string): ComposeFile {
  const services = containers.map(serviceOf);
  const file = {
    services: Object.fromEntries(services.map(({ name, keys }) => [name, keys])),
    ...external("volumes", containers.flatMap(namedVolumes)),
    ...external("networks", containers.flatMap(namedNetworks)),
  };
  const body = stringify(escaped(file), { version: "1.1", lineWidth: 0 });
  return {
    text: `# ${from}\n${body}`,
    unsaid: services.flatMap(({ unsaid }) => unsaid),
  };
}

function serviceOf({ name, request }: ComposeService) {
  const { Entrypoint, Cmd, Image } = request;
  const flags = gathered(flagWords(request));
  const keys = {
    image: Image,
    container_name: name,
    ...(Entrypoint === null || Entrypoint === undefined ? {} : { entrypoint: Entrypoint }),
    ...(Cmd === null || Cmd === undefined ? {} : { command: Cmd }),
    ...Object.assign({}, ...[...flags].map(([flag, values]) => KEYS[flag]?.(values) ?? {})),
    ...nestedKeys(request),
  } as Keys; // what `assign` made of many
  const missing = [...flags].flatMap(([flag, values]) => {
    if (KEYS[flag] !== undefined) return [];
    const lost = NESTED.test(flag) ? values.filter((value) => isLost(flag, value)) : values;
    return lost.map((value) => [`--${flag}`, ...(value === "true" ? [] : [value])].join(" "));
  });
  const unsaid = missing.map((words) => `No key of a compose file says ${words} of ${name}.`);
  return { name, keys, unsaid: [...unsaid, ...unsaidSecurity(request.HostConfig)] };
}

function isLost(flag: string, value: string): boolean {
  return ["mount", "network"].includes(flag) && WITHOUT_KEY.test(value);
}

/** The values of each flag; a switch has "true" or what follows its equals sign. */
function gathered(words: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const isSwitch = new Set(
    CONTAINER_FLAGS.filter(({ kind }) => kind === "bool").map(({ name }) => name),
  );
  const flags = new Map<string, readonly string[]>();
  for (let at = 0; at < words.length; at++) {
    const [name = "", inline] = (words[at] ?? "").slice(2).split(/=(.*)/s, 2);
    const value = isSwitch.has(name) ? (inline ?? "true") : (words[++at] ?? "");
    flags.set(name, [...(flags.get(name) ?? []), value]);
  }
  return flags;
}

function ulimit(words: string): readonly [string, unknown] {
  const [, name = "", soft, hard] = /^(.*)=(.*):(.*)$/.exec(words) ?? [];
  return [name, { soft: Number(soft), hard: Number(hard) }];
}

function pair(words: string): readonly [string, string] {
  const at = words.indexOf("=");
  return [words.slice(0, at), words.slice(at + 1)];
}

function nestedKeys(request: RunRequest): Keys {
  const { HostConfig: host } = request;
  const keys: Keys = {
    healthcheck: healthOf(request.Healthcheck ?? {}),
    logging: loggingOf(host["LogConfig"]),
    blkio_config: blockIoOf(host),
    volumes: [...volumesOf(request), ...mountsOf(request).map(mountOf)],
    networks: namedNetworks({ request }),
    // A container without a network of its own making is on the daemon's, not on the project's.
    network_mode: namedNetworks({ request }).length > 0 ? undefined : modeOf(request),
  };
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function withoutEmpty(keys: Keys): Keys {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => !isEmpty(value)));
}

function healthOf(health: NonNullable<RunRequest["Healthcheck"]>): Keys {
  if (health.Test?.[0] === "NONE") return { disable: true };
  const span = (ns = 0): string | undefined => (ns === 0 ? undefined : `${ns / 1e6}ms`);
  return withoutEmpty({
    test: health.Test,
    interval: span(health.Interval),
    timeout: span(health.Timeout),
    start_period: span(health.StartPeriod),
    retries: health.Retries === 0 ? undefined : health.Retries,
  });
}

function loggingOf(config: unknown): Keys {
  const { Type, Config } = fieldsOf<{ readonly Type: string; readonly Config: object }>(config);
  return withoutEmpty({ driver: Type, options: Config });
}

function blockIoOf(host: RunRequest["HostConfig"]): Keys {
  const items = (field: string, key: string) => {
    const found = Array.isArray(host[field]) ? (host[field] as readonly Keys[]) : [];
    return found.map((item) => ({
      path: item["Path"],
      [key]: item[key === "rate" ? "Rate" : "Weight"],
    }));
  };
  return withoutEmpty({
    weight: host["BlkioWeight"] === 0 ? undefined : host["BlkioWeight"],
    weight_device: items("BlkioWeightDevice", "weight"),
    device_read_bps: items("BlkioDeviceReadBps", "rate"),
    device_write_bps: items("BlkioDeviceWriteBps", "rate"),
    device_read_iops: items("BlkioDeviceReadIOps", "rate"),
    device_write_iops: items("BlkioDeviceWriteIOps", "rate"),
  });
}

function mountsOf({ HostConfig }: RunRequest): readonly Mount[] {
  // As the API's schema says.
  return Array.isArray(HostConfig["Mounts"]) ? (HostConfig["Mounts"] as readonly Mount[]) : [];
}

function mountOf(mount: Mount): Keys {
  const Propagation = mount.BindOptions?.["Propagation"];
  const { NoCopy } = mount.VolumeOptions ?? {};
  const { SizeBytes } = mount.TmpfsOptions ?? {};
  return withoutEmpty({
    type: mount.Type,
    source: mount.Source,
    target: mount.Target,
    read_only: mount.ReadOnly,
    consistency: mount.Consistency,
    bind: withoutEmpty({ propagation: Propagation }),
    volume: withoutEmpty({ nocopy: NoCopy }),
    tmpfs: withoutEmpty({ size: SizeBytes }),
  });
}

function volumesOf({ HostConfig, Volumes }: RunRequest): readonly string[] {
  const binds = Array.isArray(HostConfig["Binds"]) ? HostConfig["Binds"].map(String) : [];
  return [...binds, ...Object.keys(Volumes ?? {})];
}

/** Volumes that have a name exist already, outside the file. */
function namedVolumes({ request }: Pick<ComposeService, "request">): readonly string[] {
  const sources = volumesOf(request).map((spec) => (spec.includes(":") ? spec.split(":")[0] : ""));
  const mounted = mountsOf(request).map(({ Type, Source }) => (Type === "volume" ? Source : ""));
  return [...sources, ...mounted].filter(
    (name = "") => name !== "" && !/^[/.~]/.test(name),
  ) as string[];
}

function modeOf({ HostConfig }: RunRequest): string {
  const mode = HostConfig["NetworkMode"];
  return typeof mode === "string" && mode !== "default" && mode !== "" ? mode : "bridge";
}

function namedNetworks({ request }: Pick<ComposeService, "request">): readonly string[] {
  const mode = modeOf(request);
  return /^(none|host|bridge|container:.*)$/.test(mode) ? [] : [mode];
}

function external(key: string, names: readonly string[]): Keys {
  if (names.length === 0) return {};
  return { [key]: Object.fromEntries(names.map((name) => [name, { external: true }])) };
}

/** A dollar sign begins a variable of the file; two are one. */
function escaped(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("$", "$$$$");
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, escaped(each)]));
}
