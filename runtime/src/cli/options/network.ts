/**
 * Options, network: which networks a container joins, and as whom.
 *
 * Kernel interface: network namespaces, as the daemon makes them.
 * Specification: docker run reference, "--network"; Engine API v1.50, NetworkingConfig.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure } from "../failure.ts";
import type { Flags } from "../grammar.ts";
import { toMap } from "./key-values.ts";

/** What the API takes about one network. */
export interface Endpoint {
  Aliases?: readonly string[];
  Links?: readonly string[];
  MacAddress?: string;
  DriverOpts?: Record<string, string>;
  GwPriority?: number;
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: readonly string[] };
}

/** What the flags say about networks. */
export interface Networks {
  readonly mode: string;
  readonly endpoints: Readonly<Record<string, Endpoint>>;
}

/**
 * Reads --network and the flags that describe its first one.
 *
 * @throws Failure with exit code 125
 */
export function readNetworks(flags: Flags): Networks {
  const given = flags.changed("network") ? flags.list("network") : [];
  const wanted = given.map(parseNetwork);
  const first = wanted[0] ?? { target: "default", endpoint: {} };
  const endpoints: Record<string, Endpoint> = {};
  for (const [index, { target, endpoint }] of [first, ...wanted.slice(1)].entries()) {
    const full = index === 0 ? { ...endpoint, ...endpointFromFlags(flags, target) } : endpoint;
    checkEndpoint(target, full);
    if (target in endpoints) throw fail(`network "${target}" is specified multiple times`);
    const isPlain = Object.keys(full).length === 0;
    if (!isPlain || wanted.length > 1) endpoints[target] = full;
  }
  const kinds = new Set(wanted.map(({ target }) => isUserDefined(target)));
  if (kinds.size > 1) {
    throw fail(
      "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
    );
  }
  return { mode: first.target, endpoints };
}

function checkEndpoint(target: string, endpoint: Endpoint): void {
  if (target.trim() === "") throw fail("no name set for network");
  if (isUserDefined(target)) return;
  if (endpoint.Aliases !== undefined) {
    throw fail("network-scoped aliases are only supported for user-defined networks");
  }
  if (endpoint.Links !== undefined) {
    throw fail("links are only supported for user-defined networks");
  }
}

function isUserDefined(target: string): boolean {
  return !/^(default|bridge|host|none|container:.*|)$/s.test(target);
}

function endpointFromFlags(flags: Flags, target: string): Endpoint {
  const addresses = {
    ...(flags.changed("ip") ? { IPv4Address: flags.text("ip") } : {}),
    ...(flags.changed("ip6") ? { IPv6Address: flags.text("ip6") } : {}),
    ...(flags.changed("link-local-ip") ? { LinkLocalIPs: flags.list("link-local-ip") } : {}),
  };
  const links = flags.changed("link") && isUserDefined(target);
  return {
    ...(flags.changed("network-alias") ? { Aliases: flags.list("network-alias") } : {}),
    ...(links ? { Links: flags.list("link") } : {}),
    ...macAddressOf(flags),
    ...(Object.keys(addresses).length > 0 ? { IPAMConfig: addresses } : {}),
  };
}

function macAddressOf(flags: Flags): Pick<Endpoint, "MacAddress"> {
  const mac = flags.text("mac-address").trim();
  if (mac === "") return {};
  if (!MAC.test(mac)) throw fail(`${mac} is not a valid mac address`);
  return { MacAddress: mac };
}

/** Six or eight bytes, as Go's net.ParseMAC reads them. */
const MAC =
  /^(?:[\da-f]{2}([:-])(?:[\da-f]{2}\1){4}(?:(?:[\da-f]{2}\1){2})?[\da-f]{2}|[\da-f]{4}(?:\.[\da-f]{4}){2,3})$/i;

interface Wanted {
  readonly target: string;
  readonly endpoint: Endpoint;
}

const SETTERS: Readonly<Record<string, (endpoint: Endpoint, value: string) => Endpoint>> = {
  alias: (endpoint, value) => ({ ...endpoint, Aliases: [...(endpoint.Aliases ?? []), value] }),
  ip: (endpoint, value) => ({
    ...endpoint,
    IPAMConfig: { ...endpoint.IPAMConfig, IPv4Address: value },
  }),
  ip6: (endpoint, value) => ({
    ...endpoint,
    IPAMConfig: { ...endpoint.IPAMConfig, IPv6Address: value },
  }),
  "link-local-ip": (endpoint, value) => ({
    ...endpoint,
    IPAMConfig: {
      ...endpoint.IPAMConfig,
      LinkLocalIPs: [...(endpoint.IPAMConfig?.LinkLocalIPs ?? []), value],
    },
  }),
  "mac-address": (endpoint, value) => ({ ...endpoint, MacAddress: value }),
  "gw-priority": (endpoint, value) => ({ ...endpoint, GwPriority: Number(value) }),
  "driver-opt": (endpoint, value) => ({
    ...endpoint,
    DriverOpts: { ...endpoint.DriverOpts, ...toMap([value]) },
  }),
};

/** A value of --network. @throws Error in Docker's words */
export function checkNetwork(text: string): string {
  parseNetwork(text);
  return text;
}

/** "NAME", or "name=NAME,alias=…,ip=…". */
function parseNetwork(text: string): Wanted {
  if (!/(^|,)\w[\w-]*=/.test(text)) return { target: text, endpoint: {} };
  let target = "";
  let endpoint: Endpoint = {};
  for (const field of text.split(",")) {
    const at = field.indexOf("=");
    const key = field.slice(0, Math.max(0, at)).trim().toLowerCase();
    const value = field.slice(at + 1).trim();
    if (at === -1) throw new Error(`invalid field ${field}`);
    const setter = Object.hasOwn(SETTERS, key) ? SETTERS[key] : undefined;
    if (key === "name") target = value;
    else if (setter === undefined) throw new Error(`invalid field key ${key}`);
    else endpoint = setter(endpoint, value);
  }
  return { target, endpoint };
}

function fail(message: string): Failure {
  return new Failure({ message, exitCode: 125 });
}
