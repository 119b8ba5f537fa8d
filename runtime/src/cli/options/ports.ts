/**
 * Options, ports: which ports a container serves and where they appear outside.
 *
 *     [[address:]host[-range]:]inside[-range][/tcp|udp|sctp]
 *
 * Kernel interface: none here; the daemon makes the rules.
 * Specification: docker run reference, "--publish"; Engine API v1.50, PortMap.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure } from "../failure.ts";

/** Where one port appears. */
export interface PortBinding {
  readonly HostIp: string;
  readonly HostPort: string;
}

/** What -p and --expose ask for, as the API takes it: "80/tcp" to its bindings. */
export interface Ports {
  readonly exposed: Readonly<Record<string, object>>;
  readonly bindings: Readonly<Record<string, readonly PortBinding[]>>;
}

/**
 * Parses the values of -p and --expose.
 *
 * @throws Failure with exit code 125
 */
export function parsePorts(publish: readonly string[], expose: readonly string[]): Ports {
  const exposed: Record<string, object> = {};
  const bindings: Record<string, PortBinding[]> = {};
  for (const text of publish) {
    for (const { port, binding } of parsePublish(inShortForm(text))) {
      exposed[port] = {};
      (bindings[port] ??= []).push(binding);
    }
  }
  for (const text of expose) {
    const { range, protocol } = splitProtocol(text);
    const why = `strconv.ParseUint: parsing ${JSON.stringify(range)}: invalid syntax`;
    const wrong = `invalid range format for --expose: ${text}, error: ${why}`;
    for (const port of numbersOf(range, wrong)) exposed[`${port}/${protocol}`] = {};
  }
  return { exposed, bindings };
}

/** "published=80,target=8080,protocol=udp" is another way to say "80:8080/udp". */
function inShortForm(text: string): string {
  if (!text.includes("=")) return text;
  const fields = new Map<string, string>([["protocol", "tcp"]]);
  for (const field of text.split(",")) {
    const [key = "", value] = field.split("=", 2);
    if (value === undefined || key === "") {
      throw fail(`invalid publish opts format (should be name=value but got '${field}')`);
    }
    fields.set(key, value);
  }
  const published = fields.get("published") ?? "";
  return `${published}:${fields.get("target") ?? ""}/${fields.get("protocol") ?? "tcp"}`;
}

interface Published {
  readonly port: string;
  readonly binding: PortBinding;
}

function parsePublish(text: string): Published[] {
  const { range, protocol } = splitProtocol(text);
  // Address (an IPv6 one in brackets), host ports and ports inside, from the right.
  const parts = /^(?:(?:(.*):)?([^:]*):)?([^:]+)$/.exec(range);
  if (parts === null) throw fail(`invalid containerPort: ${text}`);
  const [, address = "", host = "", inside = ""] = parts;
  const ports = numbersOf(inside, `invalid containerPort: ${inside}`);
  const HostIp = checkAddress(address.replace(/^\[|\]$/g, ""));
  const hosts = hostPorts(host, inside, ports.length);
  return ports.map((port, index) => ({
    port: `${port}/${protocol}`,
    binding: { HostIp, HostPort: hosts[index] ?? host },
  }));
}

/** One host port for each port inside, or none when any of a range will do. */
function hostPorts(host: string, inside: string, count: number): readonly string[] {
  if (host === "") return [];
  const hosts = numbersOf(host, `invalid hostPort: ${host}`);
  if (hosts.length === count) return hosts.map(String);
  if (count === 1) return [];
  throw fail(`invalid ranges specified for container and host Ports: ${inside} and ${host}`);
}

function checkAddress(ip: string): string {
  if (ip === "" || /^\d+\.\d+\.\d+\.\d+$|^[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F.]*$/.test(ip))
    return ip;
  throw fail(`invalid IP address: ${ip}`);
}

function splitProtocol(text: string): { readonly range: string; readonly protocol: string } {
  const [range = "", protocol = "tcp", extra] = text.split("/");
  const lower = protocol.toLowerCase();
  if (extra !== undefined || !["tcp", "udp", "sctp"].includes(lower)) {
    throw fail(`invalid proto: ${protocol}`);
  }
  return { range, protocol: lower };
}

function numbersOf(range: string, wrong: string): number[] {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
  const [start, end] = [Number(first), Number(last)];
  if (first === undefined || start > end || end > 65_535) throw fail(wrong);
  return Array.from({ length: end - start + 1 }, (_, index) => start + index);
}

function fail(message: string): Failure {
  return new Failure({ message, exitCode: 125 });
}
