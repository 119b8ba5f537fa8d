/**
 * Flags: every option of the daemon, with dockerd's names beside ours, and how words give them.
 *
 * Test suites and set-up scripts start a daemon of their own and know dockerd's flags. Each of them
 * is in the table: those we have a use for, those whose wish is always granted or has no meaning
 * here (accepted, and said so in the log), and none that would be silently disobeyed. The same
 * table says under which key an option stands in the configuration file.
 *
 * Kernel interface: execve(2) (argv).
 * Specification: none; `dockerd --help` of Docker 28.
 * Invariants: none.
 * Left out: nothing known.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";

/** What an option's value is. A list may be given several times, a map as K=V. */
export type OptionKind = "switch" | "text" | "list" | "map";

interface Option {
  readonly kind: OptionKind;
  /** Its name in the configuration file, where that is another. */
  readonly key?: string;
  /** Changes nothing here. */
  readonly ignored?: true;
  /** It makes no sense in a file. */
  readonly flagOnly?: true;
}

const TEXT: Option = { kind: "text" };
const SWITCH: Option = { kind: "switch" };
const IGNORED_TEXT: Option = { kind: "text", ignored: true };
const IGNORED_SWITCH: Option = { kind: "switch", ignored: true };

/** The options by the names of their flags. */
export const OPTIONS: Readonly<Record<string, Option>> = {
  "data-root": TEXT,
  host: { kind: "list", key: "hosts" },
  group: TEXT,
  "cgroup-parent": TEXT,
  pidfile: TEXT,
  "config-file": { kind: "text", flagOnly: true },
  debug: SWITCH,
  "log-level": TEXT,
  "log-format": TEXT,
  "log-driver": TEXT,
  "log-opt": { kind: "map", key: "log-opts" },
  label: { kind: "list", key: "labels" },
  tls: SWITCH,
  tlsverify: SWITCH,
  tlscacert: TEXT,
  tlscert: TEXT,
  tlskey: TEXT,
  "storage-driver": TEXT,
  "userns-remap": TEXT,
  help: { kind: "switch", flagOnly: true },
  version: { kind: "switch", flagOnly: true },
  validate: { kind: "switch", flagOnly: true },
  "default-runtime": IGNORED_TEXT,
  "exec-root": IGNORED_TEXT,
  containerd: IGNORED_TEXT,
  bridge: IGNORED_TEXT,
  bip: IGNORED_TEXT,
  dns: { kind: "list", ignored: true },
  mtu: IGNORED_TEXT,
  "insecure-registry": { kind: "list", key: "insecure-registries", ignored: true },
  "registry-mirror": { kind: "list", key: "registry-mirrors", ignored: true },
  "storage-opt": { kind: "list", key: "storage-opts", ignored: true },
  "exec-opt": { kind: "list", key: "exec-opts", ignored: true },
  "shutdown-timeout": IGNORED_TEXT,
  "default-ulimit": { kind: "map", key: "default-ulimits", ignored: true },
  "default-address-pool": { kind: "list", key: "default-address-pools", ignored: true },
  "default-cgroupns-mode": IGNORED_TEXT,
  "max-concurrent-downloads": IGNORED_TEXT,
  "max-concurrent-uploads": IGNORED_TEXT,
  init: IGNORED_SWITCH,
  iptables: IGNORED_SWITCH,
  ip6tables: IGNORED_SWITCH,
  ipv6: IGNORED_SWITCH,
  "ip-forward": IGNORED_SWITCH,
  "ip-masq": IGNORED_SWITCH,
  icc: IGNORED_SWITCH,
  "userland-proxy": IGNORED_SWITCH,
  "live-restore": IGNORED_SWITCH,
  experimental: IGNORED_SWITCH,
  "selinux-enabled": IGNORED_SWITCH,
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

/** One value of one option, from a flag or from the file. A switch is "true" or "false". */
export interface Given {
  readonly name: string;
  readonly value: string;
}

/**
 * Reads the command line.
 *
 * @throws RuntimeError request-invalid
 * @example readFlags(["-H", "unix:///d"]) // [{ name: "host", value: "unix:///d" }]
 */
export function readFlags(args: readonly string[]): readonly Given[] {
  const given: Given[] = [];
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const { name, value } = splitFlag(word);
    const option = OPTIONS[name];
    if (option === undefined) {
      throw invalid(`unknown flag: ${word}`, "See drydock daemon --help.");
    }
    const actual = value ?? (option.kind === "switch" ? "true" : rest.shift());
    if (actual === undefined) throw invalid(`flag needs an argument: ${word}`);
    given.push({ name, value: option.kind === "switch" ? switchOf(name, actual) : actual });
  }
  return given;
}

/** `--name`, `--name=value`, `-n`, `-nvalue` and `-n=value`. */
function splitFlag(word: string): { readonly name: string; readonly value: string | undefined } {
  const [, long, longValue] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  if (long !== undefined) return { name: long === "root" ? "data-root" : long, value: longValue };
  const [, letter = "", shortValue] = /^-([A-Za-z])=?(.+)?$/s.exec(word) ?? [];
  return { name: SHORT[letter] ?? "", value: shortValue };
}

function switchOf(name: string, value: string): string {
  if (/^(1|t|true)$/i.test(value)) return "true";
  if (/^(0|f|false)$/i.test(value)) return "false";
  throw invalid(`invalid value for --${name}: expected true or false, got "${value}"`);
}

/** What the administrator wrote cannot be obeyed. */
export function invalid(message: string, hint?: string): RuntimeError {
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
      --config-file PATH        The same options as JSON (default /etc/drydock/daemon.json)
      --validate                Check flags and file, and end
  -D, --debug                   Log each request
  -l, --log-level LEVEL         debug, info, warn, error or fatal (default info)
      --log-format FORMAT       text or json (default text)
      --label KEY=VALUE         Said by info, repeatable
      --log-driver NAME         For containers that name none (default json-file)
      --log-opt KEY=VALUE       For containers with that driver, repeatable
  -v, --version                 Print the version
  -h, --help                    Print this text

For hosts like tcp://0.0.0.0:2376, which are refused without protection:
      --tlsverify               Encrypt, and let in whom the authority has given a certificate
      --tlscacert PATH          Certificate of that authority (default /etc/drydock/ca.pem)
      --tlscert PATH            Certificate of this daemon (default /etc/drydock/cert.pem)
      --tlskey PATH             Its key (default /etc/drydock/key.pem)
      --tls --tlsverify=false   Encrypt, but let everybody in
      --tls=false               Neither

Other flags of dockerd are accepted and named in the log when they change nothing.
Containers run on when the daemon stops; it finds them again when it comes back.
SIGHUP reads the file again: labels, log options, level and certificates change at once.

  Read more: docs/concepts/daemon.md
`;
