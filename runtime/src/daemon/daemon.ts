/**
 * Daemon: puts the parts together, listens, and leaves the containers running when it goes.
 *
 *      flags ─▶ kernel ─▶ engine ─▶ API ─▶ server ─▶ unix socket
 *                           │
 *                           └─▶ keeper (a process of its own, parent of every container)
 *
 * The daemon can be stopped, killed and upgraded at any time, because everything that a container
 * needs is elsewhere: its process, its terminal and its log in the keeper, its state in files.
 *
 * Kernel interface: signal(7), for SIGTERM and SIGINT.
 * Specification: none.
 * Invariants: none.
 * Left out: reloading a configuration on SIGHUP; logs go to stderr and nowhere else.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import type { Server } from "node:http";
import type { Socket } from "node:net";
import {
  API_VERSION,
  MIN_API_VERSION,
  createApi,
  messageOf,
  serverHeaders,
  type Api,
} from "../api/index.ts";
import type { RemoteKeeper } from "../container/index.ts";
import { createEngine, type OpenEngine } from "../engine/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { connectKeeper } from "../keeper/index.ts";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import { digestOf } from "../layers/index.ts";
import { UndoStack } from "../undo/index.ts";
import { DAEMON_HELP, parseDaemonOptions, type DaemonOptions, type Host } from "./options.ts";
import { writePidFile } from "./pid-file.ts";
import { createApiServer } from "./server.ts";
import { sourceMapper } from "./source-map.ts";
import { listenOnUnixSocket } from "./unix-socket.ts";
import { PROGRAM_VERSION } from "./version.ts";

const DEFAULT_ROOT = "/var/lib/drydock";

/**
 * Runs the daemon until it is told to stop.
 *
 * @param args the command line after the program's name
 * @returns the exit code: 0 after a signal to stop, 1 when it could not start
 */
export async function runDaemon(args: readonly string[]): Promise<number> {
  try {
    const options = parseDaemonOptions(args);
    if (options.help) return print(DAEMON_HELP);
    if (options.version) return print(`Drydock version ${PROGRAM_VERSION}\n`);
    requireRoot();
    await serve(options);
    return 0;
  } catch (error) {
    log(`cannot start: ${messageOf(error)}`);
    if (!(error instanceof RuntimeError)) log(stackOf(error));
    return 1;
  }
}

async function serve(options: DaemonOptions): Promise<void> {
  await using undo = new UndoStack();
  const stopped = stopSignal();
  process.on("unhandledRejection", (error) => log(`bug: ${stackOf(error)}`));
  if (options.pidFile !== null) {
    undo.push("remove the pid file", writePidFile(options.pidFile));
  }
  const keepers: RemoteKeeper[] = [];
  const engine = await openEngine(options, keepers);
  undo.push("close the engine", () => engine.close());
  // Takes effect when the engine has let go, and only if the keeper has nothing to keep.
  undo.push("retire the keeper", () => keepers.at(-1)?.retire());
  const api = createApi({
    engine,
    mapSource: sourceMapper(),
    onBug: (error) => log(stackOf(error)),
  });
  for (const host of options.hosts) {
    const server = createApiServer(options.debug ? logged(api) : api, serverHeaders(engine));
    undo.push("close a server", closer(server));
    await listen(server, host, options.group);
  }
  for (const flag of options.ignored) log(`${flag} is accepted and changes nothing`);
  log(
    `listening on ${options.hosts.map(hostText).join(", ")} ` +
      `(API ${MIN_API_VERSION} to ${API_VERSION}, root ${options.root}, ` +
      `cgroup parent ${cgroupParentOf(options)}, pid ${process.pid})`,
  );
  log(`stopping on ${await stopped}; containers go on running`);
}

/** @param keepers receives each keeper that the engine is connected to, the current one last */
function openEngine(options: DaemonOptions, keepers: RemoteKeeper[]): Promise<OpenEngine> {
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
    onNotice: log,
  });
}

/** Engines with different roots must not share a cgroup: each counts what is below its own. */
function cgroupParentOf({ root, cgroupParent }: DaemonOptions): string {
  if (cgroupParent !== null) return cgroupParent;
  if (root === DEFAULT_ROOT) return "/drydock";
  return `/drydock-${digestOf(root).slice(-8)}`;
}

async function listen(server: Server, host: Host, group: string | null): Promise<void> {
  if (host.kind === "unix") return listenOnUnixSocket(server, host.path, group);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(host.port, host.address, resolve);
  });
}

/**
 * Stops listening at once, and ends the connections that would otherwise last as long as
 * containers.
 */
function closer(server: Server): () => void {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return () => {
    server.close();
    for (const socket of sockets) socket.destroySoon();
  };
}

function hostText(host: Host): string {
  return host.kind === "unix" ? `unix://${host.path}` : `tcp://${host.address}:${host.port}`;
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
    process.on("SIGHUP", () => log("SIGHUP: there is no configuration to read again"));
  });
}

function logged(api: Api): Api {
  return async (request, platform) => {
    const started = performance.now();
    const response = await api(request, platform);
    const { pathname, search } = new URL(request.url);
    const ms = (performance.now() - started).toFixed(1);
    log(`${request.method} ${pathname}${search} ${response.status} ${ms} ms`);
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

function log(line: string): void {
  process.stderr.write(`drydock: ${line}\n`);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
