/**
 * An engine on the model, with a slow line to its keeper, which can be killed at any moment. Calls
 * are made without waiting for the answers of others.
 */
import {
  createLocalKeeper,
  type Keeper,
  type StartRequest,
} from "../runtime/src/container/index.ts";
import { wish } from "../runtime/src/engine/engine.fixture.ts";
import { createEngine, PLAIN_EXEC, type OpenEngine } from "../runtime/src/engine/index.ts";
import { RuntimeError } from "../runtime/src/errors/index.ts";
import { decorate, KernelError, type Kernel } from "../runtime/src/kernel/index.ts";
import { createModel, installUserland, USERLAND } from "../runtime/src/kernel/model/index.ts";
import { createTestClock, pass, quiet, settle } from "./model-engine.fixture.ts";
import { describeFound, type Call, type Made } from "./sequential-engine.fixture.ts";

interface Victim {
  readonly maker: number;
  readonly madeAs: string;
  readonly run: number;
  readonly hostPid: number;
}

/** A daemon process: as long as it lives, what it does has effects. */
interface Life {
  isOver: boolean;
}

/** Longer than what is on a line takes to arrive. */
const SETTLED_TURNS = 60;
const now = { signal: null, timeoutSeconds: 1 };

/** See the head of this file. */
export class ConcurrentBench {
  readonly #clock = createTestClock();
  readonly #model = createModel({ clock: this.#clock, programs: USERLAND, cgroups: "v2" });
  readonly #keeper: Keeper;
  readonly #delay: () => number;
  /** By id: which call made it, and under which name. */
  readonly #made = new Map<string, { readonly maker: number; readonly madeAs: string }>();
  /** Every process that a container has had. */
  readonly #victims: Victim[] = [];
  #life: Life = { isOver: false };
  #releaseRoot: () => void = () => undefined;
  #engine: OpenEngine | undefined;
  #time = 0;
  #calls: Made[] = [];

  /** @param delay how long the next message is on the line, in turns */
  constructor(delay: () => number) {
    installUserland(this.#model.kernel, "model");
    this.#delay = delay;
    this.#keeper = createLocalKeeper({ kernel: this.#model.kernel, trace: {} });
  }

  /** Starts a daemon, after the one before has ended. */
  async open(): Promise<void> {
    const life: Life = { isOver: false };
    this.#life = life;
    const options = {
      kernel: this.#kernelOf(life),
      connectKeeper: async () => this.#lineOf(life),
      root: "/var/lib/drydock",
      cgroupParent: "/drydock",
      programVersion: "0.0.0-test",
      onNotice: () => undefined,
    };
    this.#engine = await quiet(this.#clock, createEngine(options));
  }

  /** kill -9: what is on the line arrives, and nothing else happens any more. */
  async crash(): Promise<void> {
    this.#life.isOver = true;
    this.#releaseRoot();
    await pass(SETTLED_TURNS);
    await this.open();
    await this.settle();
  }

  /** Everything happens that is to come. */
  async settle(): Promise<void> {
    await settle(this.#clock, SETTLED_TURNS);
  }

  /** Time goes on to the next timer. */
  ring(): void {
    this.#clock.ring();
  }

  /** The calls since this was last asked. */
  takeCalls(): readonly Made[] {
    return this.#calls.splice(0);
  }

  /** Each container with its status; and what is wrong with the machine, if it is. */
  async look(): Promise<string> {
    const all = { all: true, limit: 0, size: false, filters: {} };
    const listed = await this.#open.listContainers(all);
    const found = listed.map(({ Names, State }) => {
      return [String((Names as string[])[0]).slice(1), String(State)] as const;
    });
    const running = listed.filter(({ State }) => State === "running" || State === "paused");
    const ids = running.map(({ Id }) => String(Id)).toSorted();
    const { kernel } = this.#model;
    const cgroups = kernel.readdir("/sys/fs/cgroup/drydock").filter((name) => name.length === 64);
    const kept = (await this.#keeper.list()).filter(({ kind }) => kind === "container");
    const faults = [
      cgroups.toSorted().join() === ids.join() ? "" : " with other cgroups",
      kept
        .map(({ id }) => id)
        .toSorted()
        .join() === ids.join()
        ? ""
        : " with other processes",
    ];
    return `${describeFound(found)}${faults.join("")}`;
  }

  /** Makes a call and does not wait for its answer. */
  call(call: Call): void {
    const number = (this.#time += 1);
    const victim = call.does === "die" ? this.#victim(call.name) : undefined;
    if (call.does === "die" && victim === undefined) return;
    const made = { number, call, calledAt: number, answeredAt: Infinity, answer: "" };
    const place = this.#calls.push({ ...made, ...(victim === undefined ? {} : { victim }) }) - 1;
    const calls = this.#calls;
    const life = this.#life;
    const answered = (answer: string): void => {
      const before = calls[place];
      if (life.isOver || before === undefined) return;
      calls[place] = { ...before, answer, answeredAt: (this.#time += 1) };
    };
    this.#perform(call, number).then(
      (answer) => answered(answer ?? "ok"),
      (error: unknown) => answered(codeOf(error)),
    );
  }

  /** The present process of the container that was last made under a name. */
  #victim(name: string): Victim | undefined {
    return this.#victims.findLast((one) => one.madeAs === name);
  }

  async #perform({ does, name, newName }: Call, number: number): Promise<string | void> {
    const engine = this.#open;
    switch (does) {
      case "create": {
        const reading = { name, cmd: ["cat"], config: { OpenStdin: true } };
        const { id } = await engine.createContainer(wish(reading));
        this.#made.set(id, { maker: number, madeAs: name });
        return;
      }
      case "start":
        return engine.startContainer(name);
      case "stop":
        return engine.stopContainer(name, now);
      case "kill":
        return engine.killContainer(name, "KILL");
      case "restart":
        return engine.restartContainer(name, now);
      case "pause":
        return engine.pauseContainer(name);
      case "unpause":
        return engine.unpauseContainer(name);
      case "remove":
      case "remove by force":
        return engine.removeContainer(name, { force: does !== "remove", volumes: false });
      case "rename":
        return engine.renameContainer(name, newName);
      case "exec":
        return this.#exec(name);
      case "inspect":
        return this.#inspect(name);
      case "die":
        return this.#kill(this.#victim(name));
    }
  }

  /** A container can only be started by its name when the call that made it is over. */
  #note(id: string, hostPid: number): void {
    const made = this.#made.get(id);
    if (made === undefined) return;
    const run = this.#victims.filter(({ maker }) => maker === made.maker).length + 1;
    this.#victims.push({ ...made, run, hostPid });
  }

  async #exec(name: string): Promise<void> {
    const { id } = await this.#open.createExec(name, { ...PLAIN_EXEC, cmd: ["true"] });
    await this.#open.startExec(id, { detach: true, tty: false, consoleSize: [0, 0] });
  }

  async #inspect(name: string): Promise<string> {
    const { State } = await this.#open.inspectContainer(name, { size: false });
    return (State as { Status: string }).Status;
  }

  async #kill(victim: Victim | undefined): Promise<void> {
    try {
      this.#model.kernel.kill(victim?.hostPid ?? 0, "SIGKILL");
    } catch (error) {
      // It was dead already.
      if (!(error instanceof KernelError) || error.errno !== "ESRCH") throw error;
    }
    // Its end is noticed some time.
    await pass(SETTLED_TURNS);
  }

  get #open(): OpenEngine {
    if (this.#engine === undefined) throw new Error("no engine");
    return this.#engine;
  }

  /** The kernel as a process sees it that may be killed. */
  #kernelOf(life: Life): Kernel {
    const { kernel } = this.#model;
    const own: Pick<Kernel, "after" | "lockFile"> = {
      after: (delayMs, callback) => kernel.after(delayMs, () => life.isOver || callback()),
      lockFile: (path) => {
        const lock = kernel.lockFile(path);
        this.#releaseRoot = () => lock.release();
        return lock;
      },
    };
    const unlessOver: Parameters<typeof decorate>[1] = ({ name, proceed }) => {
      if (life.isOver) throw new KernelError(name, "EIO", "killed");
      return proceed();
    };
    return decorate(kernel, unlessOver, { own });
  }

  /** The keeper at the other end of a line: all arrives in order, and takes its time. */
  #lineOf(life: Life): Keeper {
    const keeper = this.#keeper;
    const line = { there: Promise.resolve(), back: Promise.resolve() };
    const deliver = (what: () => void): void => {
      line.back = line.back
        .then(() => pass(this.#delay()))
        .then(() => void (life.isOver || what()));
    };
    const over =
      <Args extends readonly unknown[], Result>(method: (...args: Args) => Promise<Result>) =>
      (...args: Args): Promise<Result> => {
        if (life.isOver) return new Promise(() => undefined);
        line.there = line.there.then(() => pass(this.#delay()));
        return new Promise((resolve, reject) => {
          void line.there.then(() =>
            method(...args).then(
              (result) => deliver(() => resolve(result)),
              (error: unknown) => deliver(() => reject(error)),
            ),
          );
        });
      };
    return {
      ...keeper,
      start: over(async (request: StartRequest) => {
        const started = await keeper.start(request);
        const { id, kind } = request;
        if (kind === "container") this.#note(id, started.hostPid);
        return started;
      }),
      takeJournal: over((id: string) => keeper.takeJournal(id)),
      signal: over((id: string, name: string) => keeper.signal(id, name)),
      resize: over((id: string, rows: number, columns: number) => keeper.resize(id, rows, columns)),
      list: over(() => keeper.list()),
      forget: over((id: string) => keeper.forget(id)),
      onExit: (listener) => keeper.onExit((record) => deliver(() => listener(record))),
    };
  }
}

/** What an exec says of a container that is dying depends on how far that is. */
const SAME: Readonly<Record<string, string>> = {
  "exec-not-found": "container-not-running",
  "keeper-failed": "container-not-running",
};

function codeOf(error: unknown): string {
  if (error instanceof RuntimeError) return SAME[error.code] ?? error.code;
  return String(error);
}
