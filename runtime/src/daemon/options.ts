/**
 * Options: what the flags and the configuration file together mean.
 *
 * Kernel interface: none.
 * Specification: none; `dockerd --help` of Docker 28.
 * Invariants: none.
 * Left out: user namespace remapping of the whole daemon, sockets handed over (fd://).
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { resolve } from "node:path";
import { DEFAULT_CONFIG_FILE, readConfig } from "./config-file.ts";
import { OPTIONS, invalid, readFlags, type Given } from "./flags.ts";

/** Where to listen. */
export type Host =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly address: string; readonly port: number };

/** The files that protect a TCP host; no authority: everybody is let in. */
export interface TlsFiles {
  readonly ca: string | null;
  readonly cert: string;
  readonly key: string;
}

/** How loud the log is. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal";

/** What SIGHUP can change while the daemon runs. */
export interface DaemonSettings {
  readonly debug: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: "text" | "json";
  /** "key=value" each. */
  readonly labels: readonly string[];
  /** For containers that name no driver; empty: the engine's own choice. */
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
}

/** What the daemon was told. */
export interface DaemonOptions {
  readonly root: string;
  readonly hosts: readonly Host[];
  /** For the hosts that are reached over TCP; null: no encryption. */
  readonly tls: TlsFiles | null;
  readonly group: string | null;
  /** null: one of this root's own. */
  readonly cgroupParent: string | null;
  readonly pidFile: string | null;
  readonly settings: DaemonSettings;
  /** What to do instead of serving. */
  readonly instead: "help" | "version" | "validate" | null;
  /** Options that were accepted and change nothing, as flags. */
  readonly ignored: readonly string[];
}

/** The text of a file, or null when there is none. */
export type ReadFile = (path: string) => string | null;

/**
 * Reads the command line and the configuration file that it names.
 *
 * @throws RuntimeError request-invalid with what is wrong and what to write instead
 * @example parseDaemonOptions(["--root", "/tmp/r"], () => null).root // "/tmp/r"
 */
export function parseDaemonOptions(args: readonly string[], readFile: ReadFile): DaemonOptions {
  const flags = readFlags(args);
  const given = [...flags, ...readConfigFile(flags, readFile)];
  const words = wordsOf(given);
  refuse(words.last("storage-driver"), ["", "overlay2", "overlay"], "--storage-driver", "overlay2");
  refuse(words.last("userns-remap"), [""], "--userns-remap", "run with --userns per container");
  const isEncrypted = words.isOn("tls") || words.isOn("tlsverify");
  const hosts = words.all("host").map((text) => parseHost(text, isEncrypted));
  refuseOpenTcp(hosts, words);
  return {
    root: resolve(words.last("data-root") ?? "/var/lib/drydock"),
    hosts: hosts.length > 0 ? hosts : [{ kind: "unix", path: "/run/drydock.sock" }],
    tls: isEncrypted ? tlsFiles(words) : null,
    group: words.last("group"),
    cgroupParent: words.last("cgroup-parent"),
    pidFile: words.last("pidfile"),
    settings: settingsOf(words),
    instead: (["help", "version", "validate"] as const).find((name) => words.isOn(name)) ?? null,
    ignored: [
      ...new Set(
        given.filter(({ name }) => OPTIONS[name]?.ignored === true).map(({ name }) => `--${name}`),
      ),
    ],
  };
}

function readConfigFile(flags: readonly Given[], readFile: ReadFile): readonly Given[] {
  // Who asks for help may do so because the file is wrong.
  if (flags.some(({ name }) => name === "help" || name === "version")) return [];
  const named = flags.findLast(({ name }) => name === "config-file")?.value;
  const path = named ?? DEFAULT_CONFIG_FILE;
  const text = readFile(path);
  if (text !== null) return readConfig(path, text, flags);
  if (named === undefined) return [];
  throw invalid(
    `unable to configure the daemon with file ${path}: no such file`,
    "Write it (an empty one will do), or leave out --config-file.",
  );
}

/** The given values, asked for by the names of their flags. */
interface Words {
  readonly last: (name: string) => string | null;
  readonly all: (name: string) => readonly string[];
  readonly isOn: (name: string) => boolean;
}

function wordsOf(given: readonly Given[]): Words {
  const all = (wanted: string): readonly string[] =>
    given.filter(({ name }) => name === wanted).map(({ value }) => value);
  const last = (name: string): string | null => all(name).at(-1) ?? null;
  return { all, last, isOn: (name) => last(name) === "true" };
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "fatal"];
const FORMATS = ["text", "json"] as const;

function settingsOf({ all, last, isOn }: Words): DaemonSettings {
  const level = last("log-level") ?? "info";
  const format = last("log-format") ?? "text";
  const logLevel = LEVELS.find((each) => each === level);
  const logFormat = FORMATS.find((each) => each === format);
  if (logLevel === undefined) {
    throw invalid(`invalid logging level: ${level}`, `Write one of ${LEVELS.join(", ")}.`);
  }
  if (logFormat === undefined) {
    throw invalid(`invalid log format: ${format}`, `Write ${FORMATS.join(" or ")}.`);
  }
  const badLabel = all("label").find((label) => !/^[^=]+=/.test(label));
  if (badLabel !== undefined) {
    throw invalid(`bad attribute format: ${badLabel}`, "Write labels as KEY=VALUE.");
  }
  return {
    debug: isOn("debug"),
    logLevel,
    logFormat,
    labels: all("label"),
    logDriver: last("log-driver") ?? "",
    logOptions: Object.fromEntries(all("log-opt").map(keyAndValue)),
  };
}

function keyAndValue(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw invalid(`invalid value for --log-opt: "${text}"`, "Write KEY=VALUE.");
  return [text.slice(0, at), text.slice(at + 1)];
}

function tlsFiles({ last, isOn }: Words): TlsFiles {
  const pathOf = (flag: string, name: string): string =>
    resolve(last(flag) ?? `/etc/drydock/${name}.pem`);
  return {
    ca: isOn("tlsverify") ? pathOf("tlscacert", "ca") : null,
    cert: pathOf("tlscert", "cert"),
    key: pathOf("tlskey", "key"),
  };
}

/** The ports that are registered for Docker, without and with encryption. */
const PLAIN_PORT = "2375";
const TLS_PORT = "2376";

function parseHost(text: string, isEncrypted: boolean): Host {
  if (text.startsWith("/")) return { kind: "unix", path: text };
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === "unix") return { kind: "unix", path: resolve(rest) };
  const tcp = scheme === "tcp" ? parseAddress(rest, isEncrypted ? TLS_PORT : PLAIN_PORT) : null;
  if (tcp !== null) return tcp;
  throw invalid(`cannot listen on "${text}"`, "Write unix:///PATH or tcp://ADDRESS:PORT.");
}

function parseAddress(text: string, usualPort: string): Host | null {
  const form = /^(\[[0-9A-Fa-f:.]+\]|[^:/]*)(?::(\d{1,5}))?\/?$/;
  const [, address, port = usualPort] = form.exec(text) ?? [];
  if (address === undefined || Number(port) > 65_535) return null;
  const bare = address.replace(/^\[|\]$/g, "");
  return { kind: "tcp", address: bare || "127.0.0.1", port: Number(port) };
}

/** TCP has no owner and no mode: who is let in must have been said, in dockerd's words. */
function refuseOpenTcp(hosts: readonly Host[], { last }: Words): void {
  if (!hosts.some((host) => host.kind === "tcp")) return;
  if (last("tlsverify") !== null || last("tls") === "false") return;
  const secret = "who reaches the port is root on this machine";
  if (last("tls") === null) {
    throw invalid(
      `refusing to listen on TCP without TLS: ${secret}`,
      "Use a unix socket (over ssh if need be), or --tlsverify with --tlscacert, --tlscert and " +
        "--tlskey; if nobody else can reach the port, say so with --tls=false.",
    );
  }
  throw invalid(
    `refusing to listen on TCP with encryption alone: ${secret}`,
    "Let in only those with a certificate: --tlsverify; or everybody: --tlsverify=false.",
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
