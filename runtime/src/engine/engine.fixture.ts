/** An engine on a root of its own, with a keeper of its own, on the real kernel. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { readCgroupLayout } from "../cgroups/index.ts";
import { PLAIN_CONFIG, PLAIN_HOST_CONFIG } from "../container/plan.fixture.ts";
import type { ContainerConfig, HostConfig, Keeper, RemoteKeeper } from "../container/index.ts";
import { collectOutput, keeperProgram, waitUntil } from "../keeper/keeper.fixture.ts";
import { connectKeeper } from "../keeper/index.ts";
import { CALLS, injectFaults, KernelError } from "../kernel/index.ts";
import type { FaultyKernel, Kernel, Lock } from "../kernel/index.ts";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import { createEngine } from "./create-engine.ts";
import { PLAIN_EXEC, type CreateContainer } from "./engine.ts";
import type { EngineOptions, OpenEngine } from "./options.ts";
import { QUIET_MS } from "./quiet.ts";

/** What a test changes about a container. */
export interface Wish {
  readonly name?: string;
  readonly cmd?: readonly string[];
  readonly config?: Partial<ContainerConfig>;
  readonly hostConfig?: Partial<HostConfig>;
}

/** A request with every default. */
export function wish({
  name = "",
  cmd = ["true"],
  config,
  hostConfig,
}: Wish = {}): CreateContainer {
  return {
    name,
    config: { ...PLAIN_CONFIG, Cmd: cmd, ...config },
    hostConfig: { ...PLAIN_HOST_CONFIG, ...hostConfig },
    networkingConfig: {},
  };
}

/** How a container that ran to its end went. */
export interface Run {
  readonly id: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A kernel that a test can make fail: for one call, or for good as when a process is killed. */
export interface SwitchableKernel {
  readonly kernel: Kernel;
  /** The k-th call from now on fails; others go on. */
  failAt(k: number, errno: string): void;
  /** No call from the k-th on has an effect any more. */
  crashAt(k: number): void;
  /** Ends `failAt`. @returns whether the call that was to fail was made */
  heal(): boolean;
  /** Whether the crash has come. */
  hasCrashed(): boolean;
  /** Gives free what the kernel gives free when a process is killed. */
  releaseLocks(): void;
}

/** Makes one over a real kernel. */
export function switchable(base: Kernel): SwitchableKernel {
  let faulty: FaultyKernel | undefined;
  let callsLeft = Infinity;
  const locks: Lock[] = [];
  const call = (name: keyof Kernel, args: readonly unknown[]): unknown => {
    if (CALLS[name].kind !== "own" && --callsLeft <= 0) {
      if (callsLeft === 0 && name === "writeFile") writeHalf(base, args);
      throw new KernelError(name, "EIO", String(args[0]));
    }
    const kernel = faulty?.kernel ?? base;
    // The arguments are those of the method of this name.
    return (kernel[name] as (...args: readonly unknown[]) => unknown)(...args);
  };
  const kernel = Object.fromEntries(
    (Object.keys(base) as (keyof Kernel)[]).map((name) => [
      name,
      (...args: readonly unknown[]) => call(name, args),
    ]),
  ) as unknown as Kernel;
  const lockFile: Kernel["lockFile"] = (path) => {
    const lock = base.lockFile(path);
    locks.push(lock);
    return lock;
  };
  return {
    kernel: { ...kernel, lockFile },
    failAt: (k, errno) => (faulty = injectFaults(base, { failAt: k, errno })),
    crashAt: (k) => (callsLeft = k),
    heal: () => {
      const reached = faulty?.failedCall() !== undefined;
      faulty = undefined;
      return reached;
    },
    hasCrashed: () => callsLeft <= 0,
    releaseLocks: () => locks.splice(0).forEach((lock) => lock.release()),
  };
}

/** A process may be killed in the middle of a write: the file is there with a part of its bytes. */
function writeHalf(base: Kernel, args: readonly unknown[]): void {
  // The arguments of writeFile.
  const [path, data, mode, permissions] = args as Parameters<Kernel["writeFile"]>;
  if (mode !== "existing") base.writeFile(path, data.slice(0, data.length / 2), mode, permissions);
}

/** An engine with its root, cgroup parent and keeper. */
export class EngineBench implements AsyncDisposable {
  readonly kernel: Kernel = createLinuxKernel();
  readonly root = mkdtempSync(join(tmpdir(), "drydock-engine-"));
  readonly cgroupParent = `/${basename(this.root)}`;
  readonly notices: string[] = [];
  readonly #layout = readCgroupLayout(this.kernel);
  /** Init's next fault: see `EngineOptions.nextInitFault`. */
  initFault: { failAt: number; errno: string } | null = null;
  /** What the next engine gets for its keeper. */
  wrapKeeper: (keeper: Keeper) => Keeper = (keeper) => keeper;
  #keeper: RemoteKeeper | undefined;
  #engine: OpenEngine | undefined;
  #keeperPid = 0;

  static async open(kernel?: Kernel): Promise<EngineBench> {
    const bench = new EngineBench();
    await bench.reopen(kernel);
    return bench;
  }

  get engine(): OpenEngine {
    if (this.#engine === undefined) throw new Error("no engine");
    return this.#engine;
  }

  /** What `createEngine` takes here. */
  async options(kernel: Kernel = this.kernel): Promise<EngineOptions> {
    const program = await keeperProgram();
    return {
      kernel: { ...kernel, after: withoutQuiet(kernel) },
      root: this.root,
      cgroupParent: this.cgroupParent,
      programVersion: "0.0.0-test",
      onNotice: (line) => this.notices.push(line),
      connectKeeper: async () => {
        this.#keeper = await connectKeeper({ root: this.root, program });
        return this.wrapKeeper(this.#keeper);
      },
      nextInitFault: () => {
        const fault = this.initFault;
        this.initFault = null;
        return fault;
      },
    };
  }

  /** Another engine on the same root, after the one before was closed. */
  async reopen(kernel?: Kernel): Promise<OpenEngine> {
    await this.#engine?.close();
    this.#engine = await createEngine(await this.options(kernel));
    return this.#engine;
  }

  /** Forgets the engine without closing it, as a kill would. */
  abandon(): void {
    this.#engine = undefined;
    this.#keeper?.close();
  }

  /** Every container, by id. */
  async ids(): Promise<readonly string[]> {
    const all = { all: true, limit: 0, size: false, filters: {} };
    return (await this.engine.listContainers(all)).map(({ Id }) => String(Id));
  }

  /** Resolves when nothing runs that ends by itself, and what removes itself is gone. */
  async settled(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const all = { all: true, limit: 0, size: false, filters: {} };
      const moving = [];
      for (const { Id, State } of await this.engine.listContainers(all)) {
        const { HostConfig } = await this.engine.inspectContainer(String(Id), { size: false });
        const { AutoRemove } = HostConfig as HostConfig;
        if (State === "running" || State === "removing" || (AutoRemove && State !== "created")) {
          moving.push(Id);
        }
      }
      if (moving.length === 0) return this.#swept();
      if (tries === 2000) throw new Error(`never settled: ${moving.join()}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Removes every container, by force. */
  async clear(): Promise<void> {
    for (const id of await this.ids()) {
      await this.engine.removeContainer(id, { force: true, volumes: true });
    }
    await this.#swept();
  }

  /** Cgroups of runs that ended and files of removed containers go a moment later. */
  async #swept(): Promise<void> {
    const all = { all: true, limit: 0, size: false, filters: {} };
    const listed = await this.engine.listContainers(all);
    const running = listed.filter(({ State }) => State === "running");
    await waitUntil(() => {
      const files = readdirSync(`${this.root}/containers`);
      const cgroups = new Set(this.#cgroups().map((path) => basename(path)));
      return files.length === listed.length && cgroups.size === running.length;
    });
  }

  /** Creates, attaches, starts and waits. */
  async run(wanted: Wish): Promise<Run> {
    const { id } = await this.engine.createContainer(wish(wanted));
    const streams = { stdin: false, stdout: true, stderr: true, logs: false, stream: true };
    const line = await this.engine.attachContainer(id, streams);
    const output = collectOutput(line, line.raw);
    const { done } = this.engine.waitContainer(id, "next-exit");
    await this.engine.startContainer(id);
    const { exitCode } = await done;
    return { id, exitCode, ...(await output) };
  }

  /** Runs a command in a container. */
  async exec(id: string, cmd: readonly string[], user = ""): Promise<Run> {
    const { id: execId } = await this.engine.createExec(id, {
      ...PLAIN_EXEC,
      cmd,
      user,
    });
    const line = await this.engine.startExec(execId, {
      detach: false,
      tty: false,
      consoleSize: [0, 0],
    });
    if (line === null) throw new Error("detached");
    const output = await collectOutput(line, line.raw);
    await waitUntil(() => this.engine.inspectExec(execId)["ExitCode"] !== null);
    return { id: execId, exitCode: Number(this.engine.inspectExec(execId)["ExitCode"]), ...output };
  }

  /** The keeper's pid, by its command line; 0 when there is none. */
  keeperPid(): number {
    if (titleOf(String(this.#keeperPid)) === `drydock-keeper ${this.root}`) return this.#keeperPid;
    const found = readdirSync("/proc").find((name) => {
      return /^\d+$/.test(name) && titleOf(name) === `drydock-keeper ${this.root}`;
    });
    this.#keeperPid = Number(found ?? 0);
    return this.#keeperPid;
  }

  /** What containers leave in the machine: mounts, namespaces, cgroups, processes, files. */
  snapshot(): Readonly<Record<string, readonly string[]>> {
    const keeper = this.keeperPid();
    return {
      mounts: readFileSync("/proc/self/mountinfo", "utf8")
        .split("\n")
        .filter((l) => l.includes(this.root)),
      processes: childrenOf(keeper),
      namespaces: [...new Set(childrenOf(keeper).flatMap((pid) => namespacesOf(pid)))],
      cgroups: this.#cgroups(),
      files: [
        ...readdirSync(this.root).filter((name) => !/^keeper|^engine\.lock/.test(name)),
        ...readdirSync(`${this.root}/containers`, { recursive: true, encoding: "utf8" }),
      ].toSorted(),
    };
  }

  /** As somebody else might, who found it empty. */
  removeCgroupParent(): void {
    for (const path of this.#parents()) this.kernel.rmdir(path);
  }

  #parents(): readonly string[] {
    return this.#layout.hierarchies
      .map(({ mountPoint }) => `${mountPoint}${this.cgroupParent}`)
      .filter((path) => existsSync(path));
  }

  #cgroups(): readonly string[] {
    return this.#parents().flatMap((path) =>
      readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => `${path}/${name}`),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { engine } = this;
    await this.clear().catch(() => undefined);
    await engine.close();
    const keeper = await connectKeeper({ root: this.root, program: await keeperProgram() });
    await keeper.retire();
    keeper.close();
    for (const path of this.#parents()) await waitUntil(() => isRemoved(this.kernel, path));
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** What waits for a quiet moment is done at once: tests wait for it hundreds of times. */
function withoutQuiet(kernel: Kernel): Kernel["after"] {
  return (delayMs, callback) => kernel.after(delayMs === QUIET_MS ? 0 : delayMs, callback);
}

function isRemoved(kernel: Kernel, path: string): boolean {
  try {
    kernel.rmdir(path);
    return true;
  } catch {
    return false;
  }
}

function titleOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/\0+$/, "");
  } catch {
    return "";
  }
}

function childrenOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ");
}

function namespacesOf(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/ns`).map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`));
  } catch {
    return [];
  }
}
