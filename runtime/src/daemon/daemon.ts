/**
 * Daemon: puts the parts together, listens, and leaves the containers running when it goes.
 *
 *      flags, file ─▶ kernel ─▶ engine ─▶ API ─▶ servers ─▶ unix socket, TCP
 *                              │
 *                              └─▶ keeper (a process of its own, parent of every container)
 *
 * The daemon can be stopped, killed and upgraded at any time, because everything that a container
 * needs is elsewhere: its process, its terminal and its log in the keeper, its state in files.
 *
 * Kernel interface: signal(7), for SIGTERM, SIGINT and SIGHUP.
 * Specification: none.
 * Invariants: none.
 * Left out: what SIGHUP cannot change waits for a restart.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  API_VERSION,
  MIN_API_VERSION,
  createApi,
  messageOf,
  serverHeaders,
  type Api,
} from "../api/index.ts";
import type { RemoteKeeper } from "../container/index.ts";
import { createEngine, type Engine, type OpenEngine } from "../engine/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { connectKeeper } from "../keeper/index.ts";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import { digestOf } from "../layers/index.ts";
import { UndoStack } from "../undo/index.ts";
import { checkLogDriver, configuredEngine } from "./configured-engine.ts";
import { DAEMON_HELP } from "./flags.ts";
import { closer, listen, renewCertificates, type Listener } from "./listeners.ts";
import { createLogger, type Fields, type LogSettings, type Logger } from "./logger.ts";
import { parseDaemonOptions, type DaemonOptions } from "./options.ts";
import { writePidFile } from "./pid-file.ts";
import { createApiServer } from "./server.ts";
import { sourceMapper } from "./source-map.ts";
import { readTls } from "./tls.ts";
import { PROGRAM_VERSION } from "./version.ts";

const DEFAULT_ROOT = "/var/lib/drydock";

/** What holds of the log until the options are known. */
const FIRST_LOG: LogSettings = { debug: false, logLevel: "info", logFormat: "text" };

/** A daemon on its way: what it was told, which SIGHUP may change, and its log. */
interface Daemon {
  readonly args: readonly string[];
  options: DaemonOptions;
  readonly logger: Logger;
}

/**
 * Runs the daemon until it is told to stop.
 *
 * @param args the command line after the program's name
 * @returns the exit code: 0 after a signal to stop, 1 when it could not start
 */
export async function runDaemon(args: readonly string[]): Promise<number> {
  let logSettings = (): LogSettings => FIRST_LOG;
  const logger = createLogger(() => logSettings(), writeLine, timeNow);
  try {
    const daemon: Daemon = { args, options: parseDaemonOptions(args, readFile), logger };
    logSettings = () => daemon.options.settings;
    const { instead } = daemon.options;
    if (instead === "help") return print(DAEMON_HELP);
    if (instead === "version") return print(`Drydock version ${PROGRAM_VERSION}\n`);
    if (daemon.options.tls !== null) readTls(daemon.options.tls);
    if (instead === "validate") return print("configuration OK\n");
    requireRoot();
    await serve(daemon);
    return 0;
  } catch (error) {
    const { why, fields } = told(error);
    logger.log("fatal", `cannot start: ${why}`, fields);
    return 1;
  }
}

async function serve(daemon: Daemon): Promise<void> {
  await using undo = new UndoStack();
  const { options, logger } = daemon;
  const stopped = stopSignal();
  process.on("unhandledRejection", (error) => logBug(logger, error));
  if (options.pidFile !== null) {
    undo.push("remove the pid file", writePidFile(options.pidFile));
  }
  const keepers: RemoteKeeper[] = [];
  const opened = await openEngine(daemon, keepers);
  undo.push("close the engine", () => opened.close());
  // Takes effect when the engine has let go, and only if the keeper has nothing to keep.
  undo.push("retire the keeper", () => keepers.at(-1)?.retire());
  checkLogDriver(opened, options.settings);
  const engine = configuredEngine(opened, () => daemon.options.settings);
  const listeners = listenersOf(daemon, engine);
  const addresses: string[] = [];
  for (const listener of listeners) {
    undo.push("close a server", closer(listener.server));
    addresses.push(await listen(listener, options.group));
  }
  process.on("SIGHUP", () => reload(daemon, engine, listeners));
  for (const flag of options.ignored) logger.log("info", `${flag} is accepted and changes nothing`);
  logger.log(
    "info",
    `listening on ${addresses.join(", ")} ` +
      `(API ${MIN_API_VERSION} to ${API_VERSION}, root ${options.root}, ` +
      `cgroup parent ${cgroupParentOf(options)}, pid ${process.pid})`,
  );
  logger.log("info", `stopping on ${await stopped}; containers go on running`);
}

/** @param keepers receives each keeper that the engine is connected to, the current one last */
function openEngine({ options, logger }: Daemon, keepers: RemoteKeeper[]): Promise<OpenEngine> {
  const kernel = createLinuxKernel();
  return createEngine({
    kernel,
    connectKeeper: async () => {
      const keeper = await connectKeeper({ root: options.root });
      keepers.push(keeper);
      return keeper;
    },
    root: options.root,
    cgroupParent: cgroupParentOf(options),
    programVersion: PROGRAM_VERSION,
    onNotice: (line) => logger.log("warn", line),
    sha256: (bytes) => createHash("sha256").update(bytes).digest(),
  });
}

/** Engines with different roots must not share a cgroup: each counts what is below its own. */
function cgroupParentOf({ root, cgroupParent }: DaemonOptions): string {
  if (cgroupParent !== null) return cgroupParent;
  if (root === DEFAULT_ROOT) return "/drydock";
  return `/drydock-${digestOf(root).slice(-8)}`;
}

function listenersOf({ options, logger }: Daemon, engine: Engine): readonly Listener[] {
  const api = createApi({
    engine,
    mapSource: sourceMapper(),
    onBug: (error) => logBug(logger, error),
  });
  const tls = options.tls === null ? null : readTls(options.tls);
  return options.hosts.map((host) => {
    const isTcp = host.kind === "tcp";
    if (isTcp && (options.tls?.ca ?? null) === null) warnOfOpenDoor(logger, host.address);
    const headers = serverHeaders(engine);
    return { host, server: createApiServer(logged(api, logger), headers, isTcp ? tls : null) };
  });
}

function warnOfOpenDoor(logger: Logger, address: string): void {
  const message = "everybody who can reach this address is root on this machine";
  logger.log("warn", message, { address, remedy: "--tlsverify" });
}

/** Takes up what can change while the daemon runs; a file that cannot be obeyed changes nothing. */
function reload(daemon: Daemon, engine: Engine, listeners: readonly Listener[]): void {
  const { logger, options: before } = daemon;
  try {
    const { settings, ...rest } = parseDaemonOptions(daemon.args, readFile);
    checkLogDriver(engine, settings);
    if (before.tls !== null) renewCertificates(listeners, before.tls);
    daemon.options = { ...before, settings };
    logger.log("info", `configuration reloaded: ${JSON.stringify(settings)}`);
    const { settings: _, ...running } = before;
    if (JSON.stringify(rest) !== JSON.stringify(running)) {
      logger.log("warn", "the file also changes what takes effect only at the next start");
    }
  } catch (error) {
    const { why, fields } = told(error);
    logger.log("error", `configuration not reloaded, all stays as it was: ${why}`, fields);
  }
}

/** Resolves with the first signal to stop; the second one stops at once. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(1));
      });
    }
  });
}

function logged(api: Api, logger: Logger): Api {
  return async (request, platform) => {
    if (!logger.isOn("debug")) return api(request, platform);
    const started = performance.now();
    const response = await api(request, platform);
    const { pathname, search } = new URL(request.url);
    const ms = Math.round((performance.now() - started) * 10) / 10;
    logger.log("debug", `${request.method} ${pathname}${search}`, { status: response.status, ms });
    return response;
  };
}

function requireRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new RuntimeError({
    code: "request-invalid",
    class: "denied",
    message: "the daemon must run as root: it makes namespaces, cgroups and mounts",
    hint: "Start it with sudo; clients then need only be in the group docker.",
  });
}

/** What failed, with the remedy apart; of a bug, where it is. */
function told(error: unknown): { readonly why: string; readonly fields: Fields } {
  if (!(error instanceof RuntimeError)) {
    return { why: messageOf(error), fields: { stack: stackOf(error) } };
  }
  const { message, hint } = error;
  return { why: message, fields: hint === undefined ? {} : { hint } };
}

function logBug(logger: Logger, error: unknown): void {
  // A client that breaks off while it sends.
  const isBrokenOff = error instanceof Error && "code" in error && error.code === "ECONNRESET";
  if (isBrokenOff) return logger.log("debug", "a client left in the middle of its request");
  logger.log("error", `bug: ${messageOf(error)}`, { stack: stackOf(error) });
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function readFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

function timeNow(): string {
  return new Date().toISOString();
}

function writeLine(line: string): void {
  process.stderr.write(line);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
