/**
 * Options: the daemon's flags, with dockerd's names beside ours.
 *
 * Test suites and set-up scripts start a daemon of their own and know dockerd's flags. Each of them
 * is in the table: those we have a use for, those whose wish is always granted or has no meaning
 * here (accepted, and said so in the log), and none that would be silently disobeyed.
 *
 * Kernel interface: none.
 * Specification: none; `dockerd --help` of Docker 28.
 * Invariants: none.
 * Left out: daemon.json, TLS, user namespace remapping of the whole daemon.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { resolve } from "node:path";
import { RuntimeError } from "../errors/index.ts";

/** Where to listen. */
export type Host =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly address: string; readonly port: number };

/** What the daemon was told. */
export interface DaemonOptions {
  readonly root: string;
  readonly hosts: readonly Host[];
  readonly group: string | null;
  /** null: one of this root's own. */
  readonly cgroupParent: string | null;
  readonly pidFile: string | null;
  readonly debug: boolean;
  readonly help: boolean;
  readonly version: boolean;
  /** Flags that were accepted and change nothing. */
  readonly ignored: readonly string[];
}

type Meaning = "value" | "flag" | "ignored-value" | "ignored-flag";

const FLAGS: Readonly<Record<string, Meaning>> = {
  root: "value",
  "data-root": "value",
  host: "value",
  group: "value",
  "cgroup-parent": "value",
  pidfile: "value",
  "log-level": "value",
  debug: "flag",
  help: "flag",
  version: "flag",
  "insecure-tcp": "flag",
  "storage-driver": "value",
  "userns-remap": "value",
  "default-runtime": "ignored-value",
  "exec-root": "ignored-value",
  "config-file": "ignored-value",
  "log-driver": "ignored-value",
  "log-opt": "ignored-value",
  "log-format": "ignored-value",
  containerd: "ignored-value",
  bridge: "ignored-value",
  bip: "ignored-value",
  dns: "ignored-value",
  mtu: "ignored-value",
  label: "ignored-value",
  "insecure-registry": "ignored-value",
  "registry-mirror": "ignored-value",
  "storage-opt": "ignored-value",
  "exec-opt": "ignored-value",
  "shutdown-timeout": "ignored-value",
  "default-ulimit": "ignored-value",
  "default-address-pool": "ignored-value",
  "default-cgroupns-mode": "ignored-value",
  "max-concurrent-downloads": "ignored-value",
  "max-concurrent-uploads": "ignored-value",
  init: "ignored-flag",
  iptables: "ignored-flag",
  ip6tables: "ignored-flag",
  ipv6: "ignored-flag",
  "ip-forward": "ignored-flag",
  "ip-masq": "ignored-flag",
  icc: "ignored-flag",
  "userland-proxy": "ignored-flag",
  "live-restore": "ignored-flag",
  experimental: "ignored-flag",
  "selinux-enabled": "ignored-flag",
};

const SHORT: Readonly<Record<string, string>> = {
  H: "host",
  D: "debug",
  G: "group",
  p: "pidfile",
  l: "log-level",
  s: "storage-driver",
  g: "data-root",
  v: "version",
  h: "help",
};

interface Given {
  readonly name: string;
  readonly value: string;
}

/**
 * Reads the command line.
 *
 * @throws RuntimeError request-invalid with what is wrong and what to write instead
 * @example parseDaemonOptions(["--root", "/tmp/r", "-H", "unix:///tmp/s"]).root // "/tmp/r"
 */
export function parseDaemonOptions(args: readonly string[]): DaemonOptions {
  const given = readFlags(args);
  const last = (name: string): string | null =>
    given.findLast((flag) => flag.name === name)?.value ?? null;
  const isOn = (name: string): boolean => isTrue(name, last(name));
  refuse(last("storage-driver"), ["", "overlay2", "overlay"], "--storage-driver", "overlay2");
  refuse(last("userns-remap"), [""], "--userns-remap", "run with --userns per container");
  const hosts = given.filter(({ name }) => name === "host").map(({ value }) => parseHost(value));
  refuseTcp(hosts, isOn("insecure-tcp"));
  const root = given.findLast(({ name }) => name === "root" || name === "data-root")?.value;
  return {
    root: resolve(root ?? "/var/lib/drydock"),
    hosts: hosts.length > 0 ? hosts : [{ kind: "unix", path: "/run/drydock.sock" }],
    group: last("group"),
    cgroupParent: last("cgroup-parent"),
    pidFile: last("pidfile"),
    debug: isOn("debug") || last("log-level") === "debug",
    help: isOn("help"),
    version: isOn("version"),
    ignored: given
      .filter(({ name }) => FLAGS[name]?.startsWith("ignored") === true)
      .map(({ name }) => `--${name}`),
  };
}

function readFlags(args: readonly string[]): readonly Given[] {
  const given: Given[] = [];
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const { name, value } = splitFlag(word);
    const meaning = FLAGS[name];
    if (meaning === undefined) {
      throw invalid(`unknown flag: ${word}`, "See drydock daemon --help.");
    }
    const takesValue = meaning === "value" || meaning === "ignored-value";
    const actual = value ?? (takesValue ? rest.shift() : "true");
    if (actual === undefined) throw invalid(`flag needs an argument: ${word}`);
    given.push({ name, value: actual });
  }
  return given;
}

/** `--name`, `--name=value`, `-n`, `-nvalue` and `-n=value`. */
function splitFlag(word: string): { readonly name: string; readonly value: string | undefined } {
  const [, long, longValue] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  if (long !== undefined) return { name: long, value: longValue };
  const [, letter = "", shortValue] = /^-([A-Za-z])=?(.+)?$/s.exec(word) ?? [];
  return { name: SHORT[letter] ?? "", value: shortValue };
}

function isTrue(name: string, value: string | null): boolean {
  if (value === null) return false;
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw invalid(`invalid value for --${name}: expected true or false, got "${value}"`);
}

function parseHost(text: string): Host {
  if (text.startsWith("/")) return { kind: "unix", path: text };
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === "unix") return { kind: "unix", path: resolve(rest) };
  const [, address, port] = /^(.*):(\d{1,5})$/.exec(rest) ?? [];
  if (scheme === "tcp" && address !== undefined && Number(port) < 65_536) {
    return { kind: "tcp", address: address || "127.0.0.1", port: Number(port) };
  }
  throw invalid(`cannot listen on "${text}"`, "Write unix:///PATH or tcp://ADDRESS:PORT.");
}

function refuseTcp(hosts: readonly Host[], allowed: boolean): void {
  const tcp = hosts.find((host) => host.kind === "tcp");
  if (tcp === undefined || allowed) return;
  throw invalid(
    "refusing to listen on TCP without TLS: who reaches the port is root on this machine",
    "Use a unix socket (over ssh if need be), or say --insecure-tcp if nobody else can reach it.",
  );
}

function refuse(
  value: string | null,
  allowed: readonly string[],
  flag: string,
  instead: string,
): void {
  if (value === null || allowed.includes(value)) return;
  throw invalid(`${flag}=${value} is not supported`, `Instead: ${instead}.`);
}

function invalid(message: string, hint?: string): RuntimeError {
  return new RuntimeError({ code: "request-invalid", class: "invalid", message, hint });
}

/** The text of `drydock daemon --help`. */
export const DAEMON_HELP = `Usage: drydock daemon [OPTIONS]

Serve the Docker Engine API and keep containers

Options:
      --root, --data-root PATH  Where images, layers and containers live (default /var/lib/drydock)
  -H, --host HOST               Where to listen, repeatable (default unix:///run/drydock.sock)
  -G, --group GROUP             Who may use the unix socket (default docker, if there is such a group)
      --cgroup-parent PATH      Cgroup above all containers (default: from the root's path)
  -p, --pidfile PATH            File that gets the daemon's process id
  -D, --debug                   Log each request
      --insecure-tcp            Allow tcp:// hosts, which are neither encrypted nor protected
  -v, --version                 Print the version
  -h, --help                    Print this text

Other flags of dockerd are accepted and named in the log when they change nothing.
Containers run on when the daemon stops; it finds them again when it comes back.

  Read more: docs/concepts/daemon.md
`;
