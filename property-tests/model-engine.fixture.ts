/**
 * An engine on the model, in a time of its own: nothing is waited for that nobody works on. When
 * everybody waits, the clock goes on to the next thing that was to come later.
 */
import { createLocalKeeper } from "../runtime/src/container/index.ts";
import { wish, type Wish } from "../runtime/src/engine/engine.fixture.ts";
import { createEngine, type OpenEngine } from "../runtime/src/engine/index.ts";
import { RuntimeError } from "../runtime/src/errors/index.ts";
import { injectFaults, type FaultyKernel, type Kernel } from "../runtime/src/kernel/index.ts";
import type { Clock } from "../runtime/src/kernel/index.ts";
import {
  createModel,
  installUserland,
  USERLAND,
  type CgroupMode,
  type Model,
} from "../runtime/src/kernel/model/index.ts";

/** A clock that goes on when it is told to. */
export interface TestClock extends Clock {
  /** Goes to the next timer and rings. @returns whether there was one */
  ring(): boolean;
}

/** Makes one. Its chance repeats itself in each run. */
export function createTestClock(): TestClock {
  let nowUs = 0;
  let state = 1;
  const timers = new Set<{ readonly atUs: number; readonly callback: () => void }>();
  return {
    nowMs: () => 1_800_000_000_000 + (nowUs += 1) / 1000,
    monotonicUs: () => (nowUs += 1),
    random: (count) =>
      Uint8Array.from({ length: count }, () => {
        // Park and Miller's generator: any will do that repeats itself in no test.
        state = (state * 48_271) % 0x7fff_ffff;
        return state & 0xff;
      }),
    after: (delayMs, callback) => {
      const timer = { atUs: nowUs + delayMs * 1000, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    ring: () => {
      const [first] = [...timers].toSorted((left, right) => left.atUs - right.atUs);
      if (first === undefined) return false;
      timers.delete(first);
      nowUs = Math.max(nowUs, first.atUs);
      first.callback();
      return true;
    },
  };
}

/** How many turns of the event loop the longest chain of promises between two timers takes. */
const TURNS = 8;

const RINGS = 1000;

/** Resolves after so many turns of the event loop. */
export async function pass(turns: number): Promise<void> {
  for (let at = 0; at < turns; at += 1) await new Promise((resolve) => void setImmediate(resolve));
}

/** Waits for work, and lets time pass for it. @throws what the work throws */
export async function quiet<T>(clock: TestClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  const end = (): void => {
    isDone = true;
  };
  work.then(end, end);
  for (let idle = 0; !isDone; idle += 1) {
    await pass(1);
    if (isDone || idle < TURNS) continue;
    if (!clock.ring()) throw new Error("everybody waits, and nothing is to come");
    idle = 0;
  }
  return work;
}

/** Lets everything happen that is to come. */
export async function settle(clock: TestClock, turns = TURNS): Promise<void> {
  for (let rings = 0; rings < RINGS; rings += 1) {
    await pass(turns);
    if (!clock.ring()) return;
  }
  throw new Error("there is no end of timers");
}

/** An engine, its keeper, its machine, and a fault that can be put into it. */
export class ModelBench {
  readonly model: Model;
  readonly #clock = createTestClock();
  readonly #kernel: Kernel;
  #faulty: FaultyKernel | undefined;
  #engine: OpenEngine | undefined;

  private constructor(cgroups: CgroupMode) {
    this.model = createModel({ clock: this.#clock, programs: USERLAND, cgroups });
    installUserland(this.model.kernel, "model");
    this.#kernel = this.#switchable(this.model.kernel);
  }

  /** Boots a machine and starts an engine that has run one container already. */
  static async open(cgroups: CgroupMode): Promise<ModelBench> {
    const bench = new ModelBench(cgroups);
    await bench.reopen();
    await bench.quiet(bench.run({}));
    await bench.clear();
    return bench;
  }

  get engine(): OpenEngine {
    if (this.#engine === undefined) throw new Error("no engine");
    return this.#engine;
  }

  /** Lets go of the root. */
  async close(): Promise<void> {
    await this.#engine?.close();
    this.#engine = undefined;
  }

  /** Closes the engine, and starts one on the same root with a keeper of its own. */
  async reopen(): Promise<void> {
    await this.close();
    const kernel = this.#kernel;
    const keeper = createLocalKeeper({ kernel, trace: {} });
    this.#engine = await createEngine({
      kernel,
      connectKeeper: async () => keeper,
      root: "/var/lib/drydock",
      cgroupParent: "/drydock",
      programVersion: "0.0.0-test",
      onNotice: () => undefined,
    });
  }

  /** The k-th kernel call from now on fails, of engine, keeper and init. */
  failAt(k: number): void {
    this.#faulty = injectFaults(this.model.kernel, { failAt: k, errno: "EIO" });
  }

  /** Ends that. @returns the call that failed, if it was made */
  heal(): string | undefined {
    const failed = this.#faulty?.failedCall();
    this.#faulty = undefined;
    return failed;
  }

  /** Waits for work, and lets time pass for it. @throws what the work throws */
  quiet<T>(work: Promise<T>): Promise<T> {
    return quiet(this.#clock, work);
  }

  /** Lets the next thing happen that is to come later. */
  async moment(): Promise<void> {
    await pass(TURNS);
    this.#clock.ring();
    await pass(TURNS);
  }

  /** Lets everything happen that is to come. */
  settle(): Promise<void> {
    return settle(this.#clock);
  }

  /** Removes every container, and lets everything happen that comes of it. */
  async clear(): Promise<void> {
    await this.settle();
    const all = { all: true, limit: 0, size: false, filters: {} };
    for (const { Id } of await this.engine.listContainers(all)) {
      const options = { force: true, volumes: true };
      await this.quiet(this.engine.removeContainer(String(Id), options));
    }
    await this.settle();
  }

  /** Creates, starts, waits for the end. */
  async run(wanted: Wish): Promise<number> {
    const { id } = await this.engine.createContainer(wish(wanted));
    const { done } = this.engine.waitContainer(id, "next-exit");
    await this.engine.startContainer(id);
    return (await done).exitCode;
  }

  /** Creates and starts one that runs until it is killed, and needs no timer for that. */
  async start(): Promise<string> {
    const reading = { cmd: ["cat"], config: { OpenStdin: true } };
    const { id } = await this.engine.createContainer(wish(reading));
    await this.engine.startContainer(id);
    return id;
  }

  /** Each method goes to the kernel of this moment: with a fault in it, or without. */
  #switchable(base: Kernel): Kernel {
    const methods = Object.keys(base).map((name) => [
      name,
      (...args: readonly unknown[]) => {
        const kernel = this.#faulty?.kernel ?? base;
        // Every property of a kernel is a method; the arguments are those of the one of this name.
        const method = Reflect.get(kernel, name) as (...given: readonly unknown[]) => unknown;
        return method.apply(kernel, [...args]);
      },
    ]);
    return Object.fromEntries(methods) as Kernel;
  }
}

/** A refusal, as a client may see it. @throws what is none */
export function expectRefusal(error: unknown): void {
  if (!(error instanceof RuntimeError)) throw error;
}
