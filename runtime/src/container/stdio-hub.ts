/**
 * Stdio hub: one process's streams, any number of clients.
 *
 * What a process writes goes into its log first and then to every attached client that wants that
 * stream; what a client writes goes to the process. Clients may come before the process is there
 * and leave at any time. A client that does not read makes the process wait, as a terminal would
 * (its pipe fills), but never loses a line of the log.
 *
 *                    ┌──▶ log file ──▶ followers
 *      stdout ──┐    │
 *      stderr ──┴────┼──▶ client 1 (frames, or raw with a terminal)
 *                    └──▶ client 2
 *      stdin  ◀──────────── clients, in the order of arrival
 *
 * Kernel interface: pipe(7), pty(7).
 * Specification: Docker Engine API v1.50, `POST /containers/{id}/attach`.
 * Invariants:
 *   hub-delivers-to-all   every attached client gets the bytes written since it attached, of the
 *     streams it wants, in order
 *   hub-logs-before-sending   whatever a client has received is in the log, however slow other
 *     clients are
 * Left out: a limit on how long a client may hold up a process.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import type { ByteSink, ByteSource, Terminal } from "../kernel/index.ts";
import type { FrameSink } from "./connection.ts";
import type { AttachRequest } from "./keeper.ts";
import type { LogWriter } from "./log-writer.ts";
import type { LogStream } from "./logs.ts";

/** The ends of a process's streams that its keeper holds. */
export interface ProcessStreams {
  readonly stdin: ByteSink | undefined;
  readonly stdout: ByteSource | undefined;
  readonly stderr: ByteSource | undefined;
}

/** How a process is connected. */
export interface HubOptions {
  readonly terminal: boolean;
  readonly stdinOnce: boolean;
  readonly log: LogWriter | undefined;
}

/** One attached client's way in. */
export interface HubClient {
  /**
   * Bytes for stdin; before the process is there, they wait. `end` says that the client has no
   * more.
   */
  readonly input: ByteSink;
  /** Leaves; the process goes on. Idempotent. */
  detach(): void;
}

interface Client {
  readonly wants: Omit<AttachRequest, "id">;
  readonly sink: FrameSink;
}

/** See the head of this file. */
export class StdioHub {
  readonly #clients = new Set<Client>();
  readonly #followers = new Set<ByteSink>();
  /** Clients that must catch up before the process may write more. */
  readonly #behind = new Set<ByteSink>();
  readonly #sources: ByteSource[] = [];
  readonly #openSources = new Set<ByteSource>();
  readonly #waitingInput: (() => void)[] = [];
  #state: "waiting" | "connected" | "ended" = "waiting";
  #options: HubOptions = { terminal: false, stdinOnce: false, log: undefined };
  #stdin: ByteSink | undefined;
  #terminal: Terminal | undefined;
  #size: { readonly rows: number; readonly columns: number } | undefined;
  #onDrained: (() => void) | undefined;
  #letFlow = false;

  /** Whether nobody is attached. */
  get isDeserted(): boolean {
    return this.#clients.size === 0 && this.#followers.size === 0;
  }

  /** Whether a process is or was connected. */
  get isConnected(): boolean {
    return this.#state !== "waiting";
  }

  /** Connects the process: clients that wait get its output from the first byte. */
  connect(streams: ProcessStreams, options: HubOptions): void {
    this.#options = options;
    this.#state = "connected";
    this.#stdin = streams.stdin;
    this.#listen("stdout", streams.stdout);
    this.#listen("stderr", streams.stderr);
    if (!options.terminal) this.#releaseInput();
  }

  /** Connects the master of a terminal that the process opened. */
  connectTerminal(terminal: Terminal): void {
    this.#terminal = terminal;
    this.#stdin = terminal;
    if (this.#size !== undefined) terminal.resize(this.#size.rows, this.#size.columns);
    this.#listen("stdout", terminal);
    this.#releaseInput();
  }

  /** Sets the terminal's size now or when there is one. */
  resize(rows: number, columns: number): void {
    this.#size = { rows, columns };
    this.#terminal?.resize(rows, columns);
  }

  /** Adds a client. @param sink takes its output and is ended when there will be no more */
  attach(wants: Omit<AttachRequest, "id">, sink: FrameSink): HubClient {
    const client: Client = { wants, sink };
    if (this.#state === "ended") sink.end();
    else this.#clients.add(client);
    const input = this.#inputOf(client);
    return {
      input,
      detach: () => {
        if (!this.#clients.delete(client)) return;
        this.#caughtUp(sink);
        input.end();
      },
    };
  }

  /**
   * Adds somebody who wants the lines of the log as they are written. The sink is ended when there
   * will be no more, and when it is full: whoever fell behind reads on in the file.
   *
   * @returns how to leave
   */
  follow(sink: ByteSink): () => void {
    if (this.#state === "ended") sink.end();
    else this.#followers.add(sink);
    return () => void this.#followers.delete(sink);
  }

  /** Hands lines that were appended to the log to those who follow it. */
  passAppended(text: string): void {
    if (this.#followers.size === 0) return;
    const bytes = new TextEncoder().encode(text);
    for (const sink of this.#followers) {
      if (sink.write(bytes) || this.#letFlow) continue;
      // Who does not keep up has the file: a reader of logs is no reason to hold a process up.
      this.#followers.delete(sink);
      sink.end();
    }
  }

  /**
   * The process has ended: what is still in its pipes flows now, however slow the clients are.
   *
   * @returns resolves when nobody can write to its streams any more
   */
  drained(): Promise<void> {
    this.#letFlow = true;
    for (const source of this.#sources) source.resume();
    return new Promise((resolve) => {
      if (this.#openSources.size === 0) resolve();
      else this.#onDrained = resolve;
    });
  }

  /** The pipes that somebody could still write to, as /proc/PID/fd shows them with him. */
  get heldPipes(): readonly string[] {
    return [...this.#openSources]
      .map((source) => source.link?.() ?? "")
      .filter((link) => link !== "");
  }

  /** Everything was delivered, or will not come: ends all clients. Idempotent. */
  end(): void {
    if (this.#state === "ended") return;
    this.#options.log?.end();
    this.#state = "ended";
    for (const { sink } of this.#clients) sink.end();
    for (const sink of this.#followers) sink.end();
    this.#clients.clear();
    this.#followers.clear();
    this.#behind.clear();
    this.#stdin?.end();
    this.#stdin = undefined;
    this.#releaseInput();
    // Whoever still holds the pipe may write on: it is read and dropped, so that they do not hang.
    for (const source of this.#sources) source.resume();
  }

  #listen(stream: LogStream, source: ByteSource | undefined): void {
    if (source === undefined) return;
    this.#sources.push(source);
    this.#openSources.add(source);
    source.listen(
      (bytes) => this.#receive(stream, bytes),
      () => {
        this.#openSources.delete(source);
        if (this.#openSources.size === 0) this.#onDrained?.();
      },
    );
  }

  #receive(stream: LogStream, bytes: Uint8Array): void {
    if (this.#state === "ended") return;
    this.#options.log?.write(stream, bytes);
    for (const { wants, sink } of this.#clients) {
      if (wants[stream]) this.#send(sink, stream, bytes);
    }
  }

  #send(sink: FrameSink, stream: LogStream, bytes: Uint8Array): void {
    const { terminal } = this.#options;
    const isReady = terminal ? sink.write(bytes) : sink.writeFrame(stream, bytes);
    if (isReady || this.#letFlow || this.#behind.has(sink)) return;
    this.#behind.add(sink);
    for (const source of this.#sources) source.pause();
    void sink.drained().then(() => this.#caughtUp(sink));
  }

  #caughtUp(sink: ByteSink): void {
    if (!this.#behind.delete(sink) || this.#behind.size > 0) return;
    for (const source of this.#sources) source.resume();
  }

  #inputOf(client: Client): ByteSink {
    const early: Uint8Array[] = [];
    let endsEarly = false;
    const isWaiting = (): boolean => this.#state !== "ended" && this.#stdinIsComing();
    if (isWaiting()) {
      this.#waitingInput.push(() => {
        for (const bytes of early.splice(0)) this.#stdin?.write(bytes);
        if (endsEarly) this.#endInput(client);
      });
    }
    return {
      write: (bytes) => {
        if (!client.wants.stdin) return true;
        if (!isWaiting()) return this.#stdin?.write(bytes) ?? true;
        early.push(bytes);
        return false;
      },
      drained: async () => {
        if (isWaiting()) await new Promise<void>((resolve) => this.#waitingInput.push(resolve));
        await this.#stdin?.drained();
      },
      end: () => {
        if (isWaiting()) endsEarly = true;
        else this.#endInput(client);
      },
    };
  }

  /** Stdin of a terminal comes with its master, which is handed over in the middle of init. */
  #stdinIsComing(): boolean {
    if (this.#state === "waiting") return true;
    return this.#options.terminal && this.#terminal === undefined;
  }

  #releaseInput(): void {
    for (const release of this.#waitingInput.splice(0)) release();
  }

  #endInput(client: Client): void {
    if (!client.wants.stdin || this.#options.terminal || !this.#options.stdinOnce) return;
    this.#stdin?.end();
    this.#stdin = undefined;
  }
}
