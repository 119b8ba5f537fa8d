/**
 * Keeper, the process side: parent of every container process.
 *
 * For each process it has init started, connects its streams to a hub, and waits. The order at the
 * end is what others rely on:
 *
 *     process exits ─▶ its pipes are drained ─▶ log complete, clients end
 *                   ─▶ exit file on disk ─▶ exit is announced
 *
 * A process exits when it exits: if somebody whom it left behind still holds its pipe, the wait for
 * the pipe is bounded. Nobody is left when the keeper dies: each init asks the kernel for SIGKILL
 * at the death of its parent.
 *
 * Kernel interface: vfork(2), wait(2), prctl(2) PR_SET_PDEATHSIG.
 * Specification: none.
 * Invariants:
 *   exit-after-log   when an exit is announced, the log and the exit file hold everything
 *   exit-status-is-real   the status that is announced is the one that the process ended with
 * Left out: a program with set-user-id bits clears its parent-death signal; the next start of an
 *   engine kills what is left in the container's cgroup.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { KernelError, createJournal, traceKernel, withContext, within } from "../kernel/index.ts";
import type { ByteSink, Child, JournalEntry, WaitStatus } from "../kernel/index.ts";
import type { FrameSink } from "./connection.ts";
import { EndedExecs } from "./ended-execs.ts";
import { exitCodeOfFailure } from "./exit-code.ts";
import { StartError } from "./keeper.ts";
import type { AttachRequest, ExitRecord, Kept, StartRequest, Started } from "./keeper.ts";
import { NOWHERE, endOfLog } from "./log-reader.ts";
import { createLogWriter } from "./log-writer.ts";
import type { LogWriter } from "./log-writer.ts";
import { createStarter } from "./starter.ts";
import type { Birth, Starter, StarterOptions } from "./starter.ts";
import { StdioHub } from "./stdio-hub.ts";
import type { HubClient } from "./stdio-hub.ts";

/** How long to wait for the pipes of a process that has exited, as Docker does. */
const DRAIN_MS = 2000;

/** What a keeper needs. */
export interface KeeperServerOptions extends StarterOptions {
  /** By default the keeper starts processes itself. */
  readonly starter?: Starter;
}

/** How many ids may have journals that nobody has asked for. */
const JOURNALS_KEPT = 64;

/** Somebody who follows a log. */
export interface Following {
  /** See `FollowedLog`. */
  readonly offsetBytes: number;
  readonly born: string;
  readonly leave: () => void;
}

interface KeptProcess {
  readonly hub: StdioHub;
  logPath: string | null;
  isStarting: boolean;
  kept: Kept | undefined;
  child: Child | undefined;
}

/**
 * The keeper: see the head of this file. `keeper-protocol.ts` and `local-keeper.ts` put it behind
 * `Keeper`.
 */
export class KeeperServer {
  readonly #options: KeeperServerOptions;
  readonly #starter: Starter;
  readonly #processes = new Map<string, KeptProcess>();
  readonly #journals = new Map<string, readonly Birth["journal"][]>();
  readonly #endedExecs = new EndedExecs();
  /** Mounts of processes that have ended. */
  readonly #unmounting = new Map<string, Promise<void>>();
  readonly #exitListeners = new Set<(record: ExitRecord) => void>();

  constructor(options: KeeperServerOptions) {
    this.#options = options;
    this.#starter = options.starter ?? createStarter(options);
  }

  /** How many processes it keeps, those that are starting included. */
  get size(): number {
    return [...this.#processes.values()].filter(isThere).length;
  }

  /** See `Keeper.start`. @throws StartError */
  async start(request: StartRequest): Promise<Started> {
    // Two mounts of one upper layer would disturb each other.
    await this.#unmounting.get(request.id);
    const process = this.#processOf(request.id);
    if (process.isStarting || process.hub.isConnected) throw alreadyKept(request.id);
    process.isStarting = true;
    const { child, journal } = await this.#startOrDrop(request, process);
    this.#connect(request, process, child);
    const startedAtMs = this.#options.kernel.nowMs();
    const { id, kind, note } = request;
    process.kept = { id, kind, hostPid: child.hostPid, startedAtMs, note };
    void this.#awaitExit(request, process, child);
    this.#keepJournal(id, journal);
    return { hostPid: child.hostPid, startedAtMs };
  }

  /** See `Keeper.takeJournal`. */
  async takeJournal(id: string): Promise<readonly JournalEntry[]> {
    const journals = this.#journals.get(id) ?? [];
    this.#journals.delete(id);
    const entries = await Promise.all(journals.map(async (journal) => journal()));
    return entries.flat();
  }

  #keepJournal(id: string, journal: Birth["journal"]): void {
    this.#journals.set(id, [...(this.#journals.get(id) ?? []), journal]);
    const [oldest = id] = this.#journals.keys();
    if (this.#journals.size > JOURNALS_KEPT) this.#journals.delete(oldest);
  }

  /** See `Keeper.attach`. @param sink takes the output, and is ended after the last of it */
  attach({ id, ifAbsent, ...wants }: AttachRequest, sink: FrameSink): HubClient {
    if (ifAbsent === "end" && !isThere(this.#processes.get(id))) return tooLate(sink);
    const { hub } = this.#processOf(id);
    const client = hub.attach(wants, sink);
    return {
      input: client.input,
      detach: () => {
        client.detach();
        this.#dropIfDeserted(id);
      },
    };
  }

  /** See `Keeper.followLog`. @returns undefined when no such process runs */
  followLog(id: string, sink: ByteSink): Following | undefined {
    const process = this.#processes.get(id);
    if (process?.child === undefined) return undefined;
    const { kernel } = this.#options;
    const { logPath } = process;
    const place = logPath === null ? NOWHERE : endOfLog({ kernel, path: logPath, maxFiles: 1 });
    return { ...place, leave: process.hub.follow(sink) };
  }

  /** See `Keeper.signal`. @throws KernelError EINVAL for an unknown signal */
  signal(id: string, signal: string): void {
    const child = this.#processes.get(id)?.child;
    if (child === undefined) return;
    const journal = createJournal(1);
    const traced = traceKernel(this.#options.kernel, journal, this.#options.trace);
    try {
      withContext(traced, { operation: "send a signal" }).kill(child.hostPid, signal);
    } catch (error) {
      if (!(error instanceof KernelError && error.errno === "ESRCH")) throw error;
    } finally {
      this.#keepJournal(id, () => journal.entries());
    }
  }

  /** See `Keeper.resize`. */
  resize(id: string, rows: number, columns: number): void {
    this.#processes.get(id)?.hub.resize(rows, columns);
  }

  /** See `Keeper.list`. Whoever asks must hear of what an earlier daemon began to start. */
  async list(): Promise<readonly Kept[]> {
    await this.#starter.settled();
    const running = [...this.#processes.values()].flatMap(({ kept }) => kept ?? []);
    return [...this.#endedExecs.all(), ...running];
  }

  /** See `Keeper.forget`. */
  forget(id: string): void {
    this.#journals.delete(id);
    const process = this.#processes.get(id);
    if (process !== undefined && !isThere(process)) this.#drop(id, process);
  }

  /** See `Keeper.onExit`. @returns how to stop listening */
  onExit(listener: (record: ExitRecord) => void): () => void {
    this.#exitListeners.add(listener);
    return () => void this.#exitListeners.delete(listener);
  }

  #processOf(id: string): KeptProcess {
    const known = this.#processes.get(id);
    if (known !== undefined) return known;
    const process: KeptProcess = {
      hub: new StdioHub(),
      logPath: null,
      isStarting: false,
      kept: undefined,
      child: undefined,
    };
    this.#processes.set(id, process);
    return process;
  }

  async #startOrDrop(request: StartRequest, process: KeptProcess): Promise<Birth> {
    try {
      return await this.#starter.start(request);
    } catch (error) {
      this.#drop(request.id, process);
      if (!(error instanceof StartError)) throw error;
      const { id, kind, note } = request;
      const never = { id, kind, hostPid: 0, startedAtMs: 0, note };
      this.#rememberEnd(never, { exitCode: exitCodeOfFailure(error) });
      throw error;
    } finally {
      process.isStarting = false;
    }
  }

  #connect(
    { stdio, logPath, logRotation }: StartRequest,
    process: KeptProcess,
    child: Child,
  ): void {
    const { hub } = process;
    process.child = child;
    process.logPath = logPath;
    if (stdio.rows > 0 && stdio.columns > 0) hub.resize(stdio.rows, stdio.columns);
    const { terminal, stdinOnce } = stdio;
    hub.connect(child, { terminal, stdinOnce, log: this.#openLog(logPath, hub, logRotation) });
    if (child.terminal !== undefined) hub.connectTerminal(child.terminal);
  }

  #openLog(
    path: string | null,
    hub: StdioHub,
    rotation: StartRequest["logRotation"],
  ): LogWriter | undefined {
    if (path === null) return undefined;
    const { kernel } = this.#options;
    return createLogWriter({
      kernel,
      path,
      rotation,
      continues: rotation?.continues ?? false,
      onAppended: (text) => hub.passAppended(text),
    });
  }

  async #awaitExit(request: StartRequest, process: KeptProcess, child: Child): Promise<void> {
    const status = await child.exited;
    const finishedAtMs = this.#options.kernel.nowMs();
    await within(this.#options.kernel, DRAIN_MS, process.hub.drained());
    const { heldPipes } = process.hub;
    const end = { id: request.id, hostPid: child.hostPid, status, finishedAtMs };
    const record: ExitRecord = heldPipes.length === 0 ? end : { ...end, heldPipes };
    if (process.kept !== undefined) this.#rememberEnd(process.kept, status);
    process.kept = undefined;
    this.#endedExecs.forget(request.id);
    this.#drop(request.id, process);
    this.#awaitUnmounting(request.id, child);
    if (request.exitPath !== null) this.#writeExitFile(request.exitPath, record);
    for (const listener of this.#exitListeners) listener(record);
  }

  #rememberEnd(kept: Kept, ended: WaitStatus): void {
    const container = this.#processes.get(kept.note?.containerId ?? "");
    if (container?.child !== undefined) this.#endedExecs.add(kept, ended);
  }

  #awaitUnmounting(id: string, { unmounted }: Child): void {
    const over = unmounted.then(() => {
      if (this.#unmounting.get(id) === over) this.#unmounting.delete(id);
    });
    this.#unmounting.set(id, over);
  }

  /**
   * For a daemon that is not here now. One write(2) of so few bytes is whole or not at all, short
   * of a loss of the machine, after which nobody asks how a process ended. A disk that is full must
   * not cost the announcement.
   */
  #writeExitFile(path: string, record: ExitRecord): void {
    try {
      this.#options.kernel.writeFile(path, `${JSON.stringify(record)}\n`, "create");
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  }

  #drop(id: string, process: KeptProcess): void {
    process.child = undefined;
    process.hub.end();
    if (this.#processes.get(id) === process) this.#processes.delete(id);
  }

  #dropIfDeserted(id: string): void {
    const process = this.#processes.get(id);
    if (process === undefined || isThere(process)) return;
    if (process.hub.isDeserted) this.#drop(id, process);
  }
}

function isThere(process: KeptProcess | undefined): boolean {
  return process !== undefined && (process.isStarting || process.child !== undefined);
}

/** A client of a process that has ended. */
function tooLate(sink: ByteSink): HubClient {
  sink.end();
  const input = { write: () => true, drained: () => Promise.resolve(), end: () => undefined };
  return { input, detach: () => undefined };
}

function alreadyKept(id: string): RuntimeError {
  return new RuntimeError({
    code: "container-already-started",
    class: "conflict",
    message: `process ${id} is already running`,
    operation: "start process",
    subject: id,
  });
}
