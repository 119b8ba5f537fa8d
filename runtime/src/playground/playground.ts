/**
 * Playground: Drydock on a machine in memory, for a page and for tests.
 *
 *      page ──▶ shell on a terminal ──▶ drydock (the CLI) ──▶ API ──▶ engine ──▶ model kernel
 *        ▲                                                               │           ▲
 *        └──────────── journal: each call, with a snapshot ◀─────────────┴── keeper ─┘
 *
 * Nothing here is made for show: it is the engine, the API and the CLI that run on Linux.
 *
 * Docs: docs/concepts/playground.md
 *
 * @module
 */
import { createApi } from "../api/index.ts";
import { main, PROGRAM_VERSION } from "../cli/index.ts";
import { createLocalKeeper } from "../container/index.ts";
import { createEngine, type OpenEngine } from "../engine/index.ts";
import type { Clock, Kernel } from "../kernel/index.ts";
import {
  createModel,
  installUserland,
  programFile,
  type CgroupMode,
  type Model,
  type ModelProgram,
  type ProgramContext,
  type Snapshot,
  USERLAND,
} from "../kernel/model/index.ts";
import { connectTo } from "./memory-transport.ts";
import { createPageClock } from "./page-clock.ts";
import { consoleOf } from "./program-console.ts";
import { createRecorder, type PlaygroundCall, type Recorder } from "./recorder.ts";
import { openShell, type Shell, type ShellIo } from "./shell.ts";

/** A command of the host that is not Drydock's. @param kernel its own, which the journal hears */
export type HostProgram = (context: ProgramContext, kernel: Kernel) => number | Promise<number>;

/** What a playground may be told. */
export interface PlaygroundOptions {
  /** Time, chance and timers; those of the page by default. */
  readonly clock?: Clock;
  readonly hostname?: string;
  /** Files of the host, by path; their directories are made. */
  readonly files?: Readonly<Record<string, string>>;
  /** More commands of the host, by name. */
  readonly programs?: Readonly<Record<string, HostProgram>>;
  /** How the machine mounts its cgroups; `v2` by default. */
  readonly cgroups?: CgroupMode;
  /** From a place in the running script to one in the source, for `drydock explain`. */
  readonly mapSource?: (place: string) => string;
  /** Told what an administrator should know, one line each time. */
  readonly onNotice?: (line: string) => void;
}

/** A machine with Drydock on it. */
export interface Playground {
  /** The machine as plain data; what did not change is the same object as before. */
  snapshot(): Snapshot;
  /** Every kernel call of the engine, the keeper and what it starts, in order. */
  readonly journal: readonly PlaygroundCall[];
  /** Calls back after each call. @returns ends that */
  onCall(listener: (call: PlaygroundCall) => void): () => void;
  /** A shell on the host, outside of every container, that knows `drydock`. */
  openShell(io: ShellIo): Shell;
  /** The Docker Engine API. */
  readonly api: (request: Request) => Promise<Response>;
  /** Ends shells and containers. */
  close(): Promise<void>;
}

/**
 * Boots a machine and starts Drydock on it.
 *
 * @example const playground = await openPlayground();
 *   playground.openShell(io).input(new TextEncoder().encode("drydock run --rm busybox echo hi\r"));
 */
export async function openPlayground(options: PlaygroundOptions = {}): Promise<Playground> {
  const drydock: { run: ModelProgram } = { run: () => 1 };
  const hostname = options.hostname ?? "playground";
  const model = createModel({
    clock: options.clock ?? createPageClock(),
    programs: {
      ...USERLAND,
      ...recorded(options.programs ?? {}, (kernel) => recorder.traced(kernel, "program")),
      drydock: (context) => drydock.run(context),
    },
    cgroups: options.cgroups ?? "v2",
    hostname,
  });
  installUserland(model.kernel, hostname);
  furnish(model, ["drydock", ...Object.keys(options.programs ?? {})], options.files ?? {});
  const recorder = createRecorder(model.snapshot);
  const engine = await startEngine(model, recorder, options.onNotice ?? (() => undefined));
  const api = createApi({ engine, mapSource: options.mapSource ?? String, onBug: report });
  const connect = connectTo(api);
  drydock.run = (context) => main({ console: consoleOf(context), connect }, context.argv.slice(1));
  const login = model.startProcess("login");
  const shells = new Set<Shell>();
  return {
    snapshot: model.snapshot,
    journal: recorder.calls,
    onCall: (listener) => recorder.onCall(listener),
    openShell: (io) => {
      const shell = openShell(login, io);
      shells.add(shell);
      return shell;
    },
    api: (request) => api(request, {}),
    close: async () => {
      for (const shell of shells) shell.close();
      for (const id of await containerIds(engine)) {
        await engine.removeContainer(id, { force: true, volumes: true });
      }
      await engine.close();
    },
  };
}

/** Programs of the machine whose calls somebody hears. */
function recorded(
  programs: Readonly<Record<string, HostProgram>>,
  traced: (kernel: Kernel) => Kernel,
): Readonly<Record<string, ModelProgram>> {
  return Object.fromEntries(
    Object.entries(programs).map(([name, run]) => {
      const program: ModelProgram = (context) => run(context, traced(context.kernel));
      return [name, program];
    }),
  );
}

/** Files of the host: programs, and what the reader of a page finds there. */
function furnish(
  { kernel }: Model,
  programs: readonly string[],
  files: Readonly<Record<string, string>>,
): void {
  makeParents(kernel, "/usr/bin/");
  for (const name of programs) {
    kernel.writeFile(`/usr/bin/${name}`, programFile(name), "create", 0o755);
  }
  for (const [path, text] of Object.entries(files)) {
    makeParents(kernel, path);
    kernel.writeFile(path, text, "create");
  }
}

function makeParents(kernel: Model["kernel"], path: string): void {
  const parts = path.split("/").slice(1, -1);
  for (const depth of parts.keys()) {
    const [name = "", ...above] = parts.slice(0, depth + 1).toReversed();
    const parent = `/${above.toReversed().join("/")}`;
    if (!kernel.readdir(parent).includes(name)) kernel.mkdir(`${parent}/${name}`, 0o755);
  }
}

function startEngine(
  model: Model,
  recorder: Recorder,
  onNotice: (line: string) => void,
): Promise<OpenEngine> {
  const keeperKernel = recorder.traced(model.startProcess("drydock-keeper"), "keeper");
  const keeper = createLocalKeeper({ kernel: keeperKernel, trace: { sources: true } });
  return createEngine({
    kernel: recorder.traced(model.kernel, "engine"),
    connectKeeper: async () => recorder.watched(keeper),
    root: "/var/lib/drydock",
    cgroupParent: "/drydock",
    programVersion: PROGRAM_VERSION,
    onNotice,
  });
}

async function containerIds(engine: OpenEngine): Promise<readonly string[]> {
  const listed = await engine.listContainers({ all: true, limit: 0, size: false, filters: {} });
  return listed.map(({ Id }) => String(Id));
}

/** A bug of ours: it is thrown where nobody catches it, so that whoever develops sees it. */
function report(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
