/**
 * Starters: the processes that walk plans for a keeper.
 *
 * One does, as a rule. While it walks a plan the next start waits; the keeper does not. When it has
 * walked for a second it is set aside and another takes over; when it has walked for a minute it is
 * ended, and so is the start. One that is lost, because somebody killed the child in the middle of
 * its plan, has lost that start and nothing else.
 *
 * ```
 * keeper ──▶ starter 1: hangs in a network file system        set aside, ended after a minute
 *    └─────▶ starter 2: idle                                  gets the next start
 * ```
 *
 * Kernel interface: see `kernel/linux/foster.ts`.
 *
 * @module
 */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, readFileSync } from "node:fs";
import { Socket } from "node:net";
import {
  StartError,
  Teacher,
  createLineReader,
  encodeLine,
  spawnOptionsOf,
} from "../container/index.ts";
import type { Birth, StartRequest, Starter } from "../container/index.ts";
import type { BpfInstruction, HostPid, JournalEntry } from "../kernel/index.ts";
import type { FosterParent } from "../kernel/linux/index.ts";
import { STARTER_NAME, STARTER_PROTOCOL } from "./starter-process.ts";
import type { StartAnswer, StarterAnswer, StarterOrder } from "./starter-process.ts";

/** How starters are made, and how patient their keeper is. */
export interface StartersOptions {
  readonly foster: FosterParent;
  readonly root: string;
  /** The keeper's own program, and its flags of Node. */
  readonly program: string;
  readonly flags: readonly string[];
  /** How long a start may take before others no longer wait for it. */
  readonly slowMs?: number;
  /** How long it may take at all. */
  readonly limitMs?: number;
}

const SLOW_MS = 1000;
const LIMIT_MS = 60_000;
/** How long a starter that is through stays: a daemon asks for journals a moment later. */
const JOURNALS_MS = 5000;

/** See the head of this file. */
export class Starters implements Starter {
  readonly #options: Required<StartersOptions>;
  readonly #processes = new Set<StarterProcess>();
  readonly #starting = new Set<Promise<unknown>>();
  readonly #queue: Waiting[] = [];
  #current: StarterProcess | undefined;
  #count = 0;
  /** Whether a child may be left of a starter that is gone. */
  #hasStrays = false;

  constructor(options: StartersOptions) {
    this.#options = { slowMs: SLOW_MS, limitMs: LIMIT_MS, ...options };
    this.#current = this.#launch();
  }

  /** See `Starter.start`. */
  start(request: StartRequest): Promise<Birth> {
    const starting = this.#start(request);
    this.#starting.add(starting);
    const over = (): void => void this.#starting.delete(starting);
    starting.then(over, over);
    return starting;
  }

  /** See `Starter.settled`. */
  async settled(): Promise<void> {
    if (this.#starting.size === 0) return;
    const timer = setTimeout(() => {
      for (const process of this.#processes) if (process.isStarting) this.#end(process);
    }, this.#options.slowMs);
    await Promise.allSettled(this.#starting);
    clearTimeout(timer);
  }

  /** Lets go of them: they leave. */
  close(): void {
    for (const process of this.#processes) process.close();
  }

  async #start(request: StartRequest): Promise<Birth> {
    const process = await this.#free();
    const stopWatching = this.#watch(process);
    try {
      return await this.#startBy(process, request);
    } catch (error) {
      throw error instanceof StartError ? error : lost(error, process.isEnded);
    } finally {
      stopWatching();
      this.#release(process);
    }
  }

  async #startBy(process: StarterProcess, request: StartRequest): Promise<Birth> {
    const { foster } = this.#options;
    const expected = foster.expect(spawnOptionsOf(request), process.mail);
    try {
      const asked = process.start(request, expected.ends);
      const number = process.starts;
      expected.sent();
      const answer = await asked;
      for (const hostPid of answer.endings) foster.reap(hostPid);
      if ("error" in answer) throw new StartError(answer.error, answer.journal);
      return {
        child: expected.born(answer.hostPid),
        journal: () => process.journal(number),
      };
    } catch (error) {
      expected.never();
      throw error;
    }
  }

  #free(): StarterProcess | Promise<StarterProcess> {
    this.#current ??= this.#launch();
    if (this.#current.isIdle) return this.#current.taken();
    return new Promise((resolve, reject) => this.#queue.push({ resolve, reject }));
  }

  #launch(): StarterProcess {
    this.#count += 1;
    const process = new StarterProcess(this.#options, this.#count);
    this.#processes.add(process);
    process.ready.then(
      () => this.#release(process),
      (error: unknown) => {
        // Whoever waits for it hears why; the next start tries anew.
        for (const { reject } of this.#queue.splice(0)) reject(lost(error, false));
      },
    );
    void process.gone.then(() => this.#forget(process));
    return process;
  }

  /** Sets a slow start aside, and ends it when it is hopeless. @returns when it is over */
  #watch(process: StarterProcess): () => void {
    const { slowMs, limitMs } = this.#options;
    const slow = setTimeout(() => {
      if (this.#current === process) this.#replace();
    }, slowMs);
    const hopeless = setTimeout(() => this.#end(process), limitMs);
    return () => {
      clearTimeout(slow);
      clearTimeout(hopeless);
    };
  }

  #replace(): void {
    this.#current = this.#queue.length > 0 ? this.#launch() : undefined;
  }

  /** It has nothing to do: it gets the next start, or leaves if another one took over. */
  #release(process: StarterProcess): void {
    process.isStarting = false;
    if (this.#hasStrays) this.#sweep();
    if (process !== this.#current)
      return void setTimeout(() => process.close(), JOURNALS_MS).unref();
    if (process.isIdle) this.#queue.shift()?.resolve(process.taken());
  }

  #forget(process: StarterProcess): void {
    this.#processes.delete(process);
    if (this.#current === process) this.#replace();
    this.#hasStrays = true;
    this.#sweep();
  }

  /** Ends a starter and the child on its way, which has its memory and so its name. */
  #end(process: StarterProcess): void {
    process.isEnded = true;
    const name = commandOf(process.pid);
    for (const hostPid of this.#strays()) {
      if (name !== "" && commandOf(hostPid) === name) kill(hostPid);
    }
    kill(process.pid);
  }

  /** While somebody starts, a child that nobody knows may be the one that is on its way. */
  #sweep(): void {
    const isBusy = [...this.#processes].some(({ isStarting }) => isStarting);
    if (isBusy) return;
    this.#hasStrays = false;
    for (const hostPid of this.#strays()) {
      kill(hostPid);
      this.#options.foster.reap(hostPid);
    }
  }

  #strays(): readonly HostPid[] {
    const starters = new Set([...this.#processes].map(({ pid }) => pid));
    return this.#options.foster.strays(STARTER_NAME, starters);
  }
}

interface Waiting {
  readonly resolve: (process: StarterProcess) => void;
  readonly reject: (error: Error) => void;
}

interface Asked {
  readonly resolve: (answer: StarterAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** One starter. */
class StarterProcess {
  readonly #foster: FosterParent;
  readonly #line: Socket;
  readonly #fd: number;
  readonly #process: ChildProcess;
  readonly #asked: Asked[] = [];
  readonly #teacher: Teacher;
  #lesson: (readonly [number, readonly BpfInstruction[]])[] = [];
  #isReady = false;
  #isOver = false;
  /** Where the mounts of its children arrive. */
  readonly mail: number;
  /** How many starts it was asked for. */
  starts = 0;
  /** Whether somebody has it for a start. */
  isStarting = false;
  /** Whether it was ended because it took too long. */
  isEnded = false;
  /** It can be asked; it rejects when it cannot be started. */
  readonly ready: Promise<void>;
  /** It is gone. */
  readonly gone: Promise<void>;

  constructor({ foster, root, program, flags }: StartersOptions, number: number) {
    this.#foster = foster;
    const [ours, theirs] = foster.openLine();
    const [mail, theirMail] = foster.openLine();
    this.#fd = ours;
    this.mail = mail;
    const args = [...flags, program, "--starter", String(number), "--root", root];
    this.#process = spawn(process.execPath, args, {
      cwd: "/",
      env: {},
      stdio: ["ignore", "inherit", "inherit", theirs, theirMail],
    });
    for (const fd of [theirs, theirMail]) closeSync(fd);
    this.#line = new Socket({ fd: ours, readable: true, writable: true });
    this.#line.on("error", () => undefined);
    this.#teacher = new Teacher(async (n, instructions) => {
      this.#lesson.push([n, instructions]);
    });
    let reason = "it could not be started";
    this.gone = new Promise((resolve) => {
      this.#line.once("close", () => {
        closeSync(mail);
        this.#isOver = true;
        for (const { reject } of this.#asked.splice(0)) reject(new Error(reason));
      });
      this.#process.once("error", () => resolve());
      this.#process.once("exit", (code, signal) => {
        reason = `it ended with ${signal ?? code}`;
        this.#line.destroy();
        resolve();
      });
    });
    this.ready = this.#greeted();
    this.#listen();
  }

  /** 0 when there never was one. */
  get pid(): HostPid {
    return this.#process.pid ?? 0;
  }

  get isIdle(): boolean {
    return this.#isReady && !this.isStarting && !this.#isOver;
  }

  /** The same, for one start. */
  taken(): this {
    this.isStarting = true;
    return this;
  }

  /** Sends a start with the child's ends, before it returns. */
  start(request: StartRequest, ends: readonly number[]): Promise<StartAnswer> {
    this.starts += 1;
    const start = this.#teacher.shortened(request);
    const programs = this.#lesson;
    this.#lesson = [];
    const order: StarterOrder = { start, programs };
    const bytes = encodeLine(order);
    const answered = this.#ask((): void => {
      // It is idle and has read everything: there is room.
      const sent = this.#foster.send(this.#fd, bytes, ends);
      if (sent < bytes.length) this.#line.write(bytes.subarray(sent));
    });
    return answered as Promise<StartAnswer>; // a start is answered so
  }

  /** What init did in a start, told when the starter is idle; nothing of one that is gone. */
  async journal(number: number): Promise<readonly JournalEntry[]> {
    const order: StarterOrder = { journal: number };
    try {
      const answer = await this.#ask(() => void this.#line.write(encodeLine(order)));
      return "entries" in answer ? answer.entries : [];
    } catch {
      return [];
    }
  }

  /** It leaves when it has nothing more to do. */
  close(): void {
    this.#line.end();
    this.#process.unref();
  }

  #ask(send: () => void): Promise<StarterAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(new Error("it is gone"));
      this.#asked.push({ resolve, reject });
      send();
    });
  }

  async #greeted(): Promise<void> {
    // Its first line is no answer, but it comes as one.
    const greeting: unknown = await this.#ask(() => undefined);
    const { protocol } = greeting as { readonly protocol?: number };
    if (protocol !== STARTER_PROTOCOL) throw new Error("it is of another version of drydock");
    this.#isReady = true;
  }

  #listen(): void {
    const reader = createLineReader();
    this.#line.on("data", (bytes: Uint8Array) => {
      for (const line of reader.push(bytes)) {
        this.#asked.shift()?.resolve(JSON.parse(line) as StarterAnswer); // by starter-process.ts
      }
    });
  }
}

function kill(hostPid: HostPid): void {
  if (hostPid <= 0) return;
  try {
    process.kill(hostPid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** With its arguments: of a child before its execve they are its maker's. */
function commandOf(hostPid: HostPid): string {
  try {
    return readFileSync(`/proc/${hostPid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

function lost(error: unknown, isEnded: boolean): StartError {
  const text = error instanceof Error ? error.message : String(error);
  return new StartError(
    {
      code: "keeper-failed",
      class: "internal",
      message: isEnded
        ? "the process took too long to become the container's program and was ended"
        : `the process was lost before it became the container's program: ${text}`,
      operation: "start process",
      hint: isEnded
        ? "A file system that the container mounts may not answer: look at df and at its server."
        : "Somebody may have killed it: try again; keeper.log in the engine's root may say more.",
    },
    [],
  );
}
