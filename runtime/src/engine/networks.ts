/**
 * Networks: what a container is told and shown about its network, while there is no bridge yet.
 *
 * A private network namespace holds a loopback link and nothing else; `host` is the machine's own;
 * `container:x` is another container's. The three files that name servers and hosts to programs
 * (/etc/hosts, /etc/hostname, /etc/resolv.conf) are made here as text and bound into the container.
 *
 * Kernel interface: hosts(5), hostname(5), resolv.conf(5).
 * Specification: Docker Engine API v1.50, NetworkSettings.
 * Invariants: none.
 * Left out: bridges, addresses, published ports, name service (the network chapter).
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import type { HostConfig } from "../container/index.ts";
import type { ApiObject } from "./engine.ts";
import type { Definition } from "./record.ts";

/**
 * The name under which a network mode is shown: `default` is the bridge of Docker.
 *
 * @example networkNameOf("default") // "bridge"
 */
export function networkNameOf(networkMode: string): string {
  return networkMode === "" || networkMode === "default" ? "bridge" : networkMode;
}

/** Whether the container has the network of another, and so no name files of its own. */
export function sharesNetwork(hostConfig: HostConfig): boolean {
  return hostConfig.NetworkMode.startsWith("container:");
}

/**
 * What was asked for and is not done yet, in words for `Warnings`.
 *
 * @example networkWarnings(hostConfig) // ["--publish of port 8 of this machine to 80/tcp …"]
 */
export function networkWarnings(hostConfig: HostConfig): readonly string[] {
  const ports = Object.keys(hostConfig.PortBindings);
  if (ports.length === 0 && !hostConfig.PublishAllPorts) return [];
  if (hostConfig.NetworkMode === "host") {
    // Docker's words.
    return ["Published ports are discarded when using host network mode"];
  }
  const which = ports.length === 0 ? "--publish-all" : `--publish of ${inWords(hostConfig)}`;
  return [
    `${which} has no effect yet: this version gives containers a loopback link only, so the port ` +
      "is not reachable from outside. --network host serves it on the host's own address.",
  ];
}

/** Which of the two numbers is whose is what people mix up. */
function inWords({ PortBindings }: HostConfig): string {
  return Object.entries(PortBindings)
    .map(([port, bindings]) => {
      const hosts = (bindings ?? []).flatMap(({ HostPort = "" }) => HostPort || []).join(", ");
      const host = hosts === "" ? "some port" : `port ${hosts}`;
      return `${host} of this machine to ${port} of the container`;
    })
    .join(", and of ");
}

/**
 * The text of /etc/hosts.
 *
 * @param hostname of the container
 * @param hostConfig for `--add-host`
 * @param base a text to add to instead of the usual first lines; empty: none
 */
export function hostsFile(hostname: string, hostConfig: HostConfig, base: string): string {
  const extra = hostConfig.ExtraHosts.map((entry) => {
    const colon = entry.indexOf(":");
    return `${entry.slice(colon + 1)}\t${entry.slice(0, colon)}`;
  });
  if (base !== "") return [base.trimEnd(), ...extra, ""].join("\n");
  return [
    `127.0.0.1\tlocalhost ${hostname}`,
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "ff00::0\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
    ...extra,
    "",
  ].join("\n");
}

/**
 * The text of /etc/resolv.conf: the host's, but for what the request replaces.
 *
 * @param hostText the host's own file
 * @example resolvConf("nameserver 10.0.0.1\n", hostConfig)
 */
export function resolvConf(hostText: string, hostConfig: HostConfig): string {
  const { Dns, DnsSearch, DnsOptions } = hostConfig;
  const host = hostText
    .split("\n")
    .filter((line) => /^(nameserver|search|domain|options)\s/u.test(line));
  const kept = host.filter((line) => {
    if (line.startsWith("nameserver")) return Dns.length === 0;
    if (line.startsWith("options")) return DnsOptions.length === 0;
    return DnsSearch.length === 0;
  });
  const search = DnsSearch.filter((domain) => domain !== ".");
  const own = [
    ...Dns.map((address) => `nameserver ${address}`),
    ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
    ...(DnsOptions.length === 0 ? [] : [`options ${DnsOptions.join(" ")}`]),
  ];
  return [...kept, ...own, ""].join("\n");
}

const NO_ADDRESSES = {
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  MacAddress: "",
};

/**
 * `NetworkSettings` of inspect. Addresses are empty: there are none.
 *
 * @param hostPid of the running container, 0 when there is none
 */
export function networkSettings({ hostConfig }: Definition, hostPid: number): ApiObject {
  return {
    Bridge: "",
    SandboxID: "",
    SandboxKey: hostPid === 0 ? "" : `/proc/${hostPid}/ns/net`,
    Ports: {},
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: "",
    ...NO_ADDRESSES,
    Networks: endpoints(hostConfig),
  };
}

/** Endpoints by network name, as inspect and list show them. */
export function endpoints(hostConfig: HostConfig): ApiObject {
  if (sharesNetwork(hostConfig)) return {};
  const endpoint = {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    DriverOpts: null,
    GwPriority: 0,
    NetworkID: "",
    EndpointID: "",
    ...NO_ADDRESSES,
    DNSNames: null,
  };
  return { [networkNameOf(hostConfig.NetworkMode)]: endpoint };
}
