/**
 * Run words: the words of `run` that make a request, the way back from `options/create-body.ts`.
 *
 * Each field of the request has an entry that says by which flag it is asked for, and nothing where
 * the flag's default asks for the same. What no flag can say is told apart.
 *
 * Kernel interface: none.
 * Specification: docker run reference; Docker Engine API v1.50, ContainerCreate.
 * Invariants:
 *   run-words-round-trip   the words for a request parse back to the same request
 * Left out: a seccomp profile, of which only the content is known; streams that were attached.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

import { fieldsOf, HOST_FLAGS, isProfile, list, map, number, text, toggle } from "./flag-words.ts";

/** A request as create takes it and as inspect shows it, as far as flags can say it. */
export interface RunRequest {
  readonly Image: string;
  readonly Hostname?: string;
  readonly Domainname?: string;
  readonly User?: string;
  readonly Tty?: boolean;
  readonly OpenStdin?: boolean;
  readonly Env?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Healthcheck?: Health | null;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string;
  readonly StopTimeout?: number | null;
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly NetworkingConfig?: { readonly EndpointsConfig?: Readonly<Record<string, Endpoint>> };
}

interface Health {
  readonly Test?: readonly string[] | null;
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

interface Endpoint {
  readonly Aliases?: readonly string[] | null;
  readonly MacAddress?: string;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
  readonly GwPriority?: number;
  readonly IPAMConfig?: {
    readonly IPv4Address?: string;
    readonly IPv6Address?: string;
    readonly LinkLocalIPs?: readonly string[] | null;
  } | null;
}

/** Words, and what they leave out. */
export interface RunWords {
  /** Flags, the image and the command; without "run". */
  readonly words: readonly string[];
  /** Sentences. */
  readonly unsaid: readonly string[];
}

/** The flags that a request needs, without its image and command. Pure. */
export function flagWords(request: RunRequest): readonly string[] {
  const { HostConfig: host } = request;
  return [
    ...configWords(request),
    ...healthWords(request.Healthcheck ?? {}),
    ...portWords(request),
    ...volumeWords(request),
    ...networkWords(request),
    ...Object.entries(HOST_FLAGS).flatMap(([field, say]) => say(host[field])),
  ];
}

/** The words for a request. Pure. @example wordsFor({ Image: "busybox", HostConfig: {} }).words */
export function wordsFor(request: RunRequest): RunWords {
  const { HostConfig: host, Entrypoint, Cmd } = request;
  const [program, ...more] = Entrypoint ?? [];
  return {
    words: [
      ...flagWords(request),
      ...(program === undefined ? [] : ["--entrypoint", program]),
      request.Image,
      ...more,
      ...(Cmd ?? []),
    ],
    unsaid: [...unsaidHealth(request.Healthcheck ?? {}), ...unsaidSecurity(host)],
  };
}

function configWords(request: RunRequest): readonly string[] {
  return [
    ...toggle("interactive")(request.OpenStdin),
    ...toggle("tty")(request.Tty),
    ...text("hostname")(request.Hostname),
    ...text("domainname")(request.Domainname),
    ...text("user")(request.User),
    ...text("workdir")(request.WorkingDir),
    ...list("env")(request.Env),
    ...map("label")(request.Labels),
    ...text("stop-signal")(request.StopSignal),
    ...(typeof request.StopTimeout === "number"
      ? ["--stop-timeout", String(request.StopTimeout)]
      : []),
  ];
}

function healthWords(health: Health): readonly string[] {
  const [kind, command = ""] = health.Test ?? [];
  if (kind === "NONE") return ["--no-healthcheck"];
  const span = (flag: string, ns = 0): readonly string[] => (ns === 0 ? [] : [flag, spanText(ns)]);
  return [
    ...(kind === "CMD-SHELL" ? ["--health-cmd", command] : []),
    ...span("--health-interval", health.Interval),
    ...span("--health-timeout", health.Timeout),
    ...span("--health-start-period", health.StartPeriod),
    ...span("--health-start-interval", health.StartInterval),
    ...number("health-retries")(health.Retries),
  ];
}

/** @example spanText(1_500_000_000) // "1500ms" */
function spanText(ns: number): string {
  if (ns % 1e9 === 0) return `${ns / 1e9}s`;
  return ns % 1e6 === 0 ? `${ns / 1e6}ms` : `${ns}ns`;
}

function unsaidHealth({ Test }: Health): readonly string[] {
  if (Test?.[0] !== "CMD") return [];
  return [`No flag says a health check without a shell: ${Test.slice(1).join(" ")}`];
}

/** A profile that is in no flag and no file. */
export function unsaidSecurity({ SecurityOpt }: RunRequest["HostConfig"]): readonly string[] {
  const options: readonly unknown[] = Array.isArray(SecurityOpt) ? SecurityOpt : [];
  if (!options.some((option) => isProfile(String(option)))) return [];
  return ["Its seccomp profile came from a file of which only the content is known."];
}

interface Binding {
  readonly HostIp?: string;
  readonly HostPort?: string;
}

function portWords({ HostConfig, ExposedPorts }: RunRequest): readonly string[] {
  const bound = Object.entries(
    fieldsOf<Readonly<Record<string, readonly Binding[] | null>>>(HostConfig["PortBindings"]),
  );
  const published = bound.flatMap(([port, bindings]) =>
    (bindings ?? []).flatMap((binding) => ["--publish", publishText(port, binding)]),
  );
  const isPublished = new Set(bound.map(([port]) => port));
  const exposed = Object.keys(ExposedPorts ?? {}).filter((port) => !isPublished.has(port));
  return [...published, ...exposed.flatMap((port) => ["--expose", port])];
}

function publishText(port: string, { HostIp = "", HostPort = "" }: Binding): string {
  const address = HostIp.includes(":") ? `[${HostIp}]` : HostIp;
  if (address !== "") return `${address}:${HostPort}:${port}`;
  return HostPort === "" ? port : `${HostPort}:${port}`;
}

function volumeWords({ HostConfig, Volumes }: RunRequest): readonly string[] {
  const anonymous = Object.keys(Volumes ?? {}).flatMap((path) => ["--volume", path]);
  return [...list("volume")(HostConfig["Binds"]), ...anonymous];
}

function networkWords({ HostConfig, NetworkingConfig }: RunRequest): readonly string[] {
  const wanted = HostConfig["NetworkMode"];
  const mode = typeof wanted === "string" ? wanted : "default";
  const endpoints = NetworkingConfig?.EndpointsConfig ?? {};
  const names = [...new Set([mode, ...Object.keys(endpoints)])];
  if (names.length === 1 && mode === "default" && endpoints[mode] === undefined) return [];
  return names.flatMap((name) => ["--network", endpointText(name, endpoints[name] ?? {})]);
}

function endpointText(name: string, endpoint: Endpoint): string {
  const { IPv4Address, IPv6Address, LinkLocalIPs } = endpoint.IPAMConfig ?? {};
  const fields = [
    ...(endpoint.Aliases ?? []).map((alias) => `alias=${alias}`),
    ...(IPv4Address === undefined ? [] : [`ip=${IPv4Address}`]),
    ...(IPv6Address === undefined ? [] : [`ip6=${IPv6Address}`]),
    ...(LinkLocalIPs ?? []).map((address) => `link-local-ip=${address}`),
    ...(endpoint.MacAddress === undefined ? [] : [`mac-address=${endpoint.MacAddress}`]),
    ...(endpoint.GwPriority === undefined ? [] : [`gw-priority=${endpoint.GwPriority}`]),
    ...Object.entries(endpoint.DriverOpts ?? {}).map(
      ([key, value]) => `driver-opt=${key}=${value}`,
    ),
  ];
  return fields.length === 0 ? name : [`name=${name}`, ...fields].join(",");
}
