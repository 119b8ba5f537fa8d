/**
 * A keeper in a process of its own, and busybox containers for it: what tests on the real kernel
 * need.
 */
import { spawnSync } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import {
  applyCgroup,
  joinFiles,
  killCgroup,
  openCgroupParent,
  readCgroupLayout,
  readCgroupPids,
  removeCgroup,
} from "../cgroups/index.ts";
import { mutantBundlePlugins } from "../../tools/seeded-mutants.mjs";
import type { CgroupParent, CgroupPlan } from "../cgroups/index.ts";
import { planContainer, planExec } from "../container/index.ts";
import { PLAIN_CONFIG, PLAIN_HOST_CONFIG } from "../container/plan.fixture.ts";
import type {
  Attached,
  ContainerConfig,
  ContainerPlan,
  ExecPlanInput,
  ExitRecord,
  HostConfig,
  PlanInput,
  RemoteKeeper,
  StartRequest,
  Started,
} from "../container/index.ts";
import type { BpfInstruction, HostPid, Kernel } from "../kernel/index.ts";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import { differingKinds, readNamespaces } from "../namespaces/index.ts";
import {
  DEFAULT_CAPABILITIES,
  parseCapabilityMask,
  parseLimits,
  planSeccomp,
} from "../security/index.ts";
import { UndoStack } from "../undo/index.ts";
import { connectKeeper } from "./launch.ts";
import { createFrameReader } from "../wire/index.ts";

const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"].find((path) => isProgram(path));

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why containers cannot run here; undefined when they can. */
export function whyNoContainers(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  if (process.geteuid?.() !== 0) return "not root";
  if (BUSYBOX === undefined) return "no busybox";
  const probe = spawnSync("unshare", ["-m", "-p", "-f", "true"]);
  return probe.status === 0 ? undefined : "no right to make namespaces";
}

/** What a test changes about a container. */
export interface Wishes {
  readonly config?: Partial<ContainerConfig>;
  readonly hostConfig?: Partial<HostConfig>;
  readonly input?: Partial<PlanInput>;
  readonly request?: Partial<StartRequest>;
}

/** A container that was prepared: directories and cgroup exist. */
export interface Prepared {
  readonly id: string;
  readonly directory: string;
  readonly logPath: string;
  readonly exitPath: string;
  readonly input: PlanInput;
  readonly plan: ContainerPlan;
  readonly request: StartRequest;
}

/** How a finished process went. */
export interface Ran {
  readonly exit: ExitRecord;
  readonly stdout: string;
  readonly stderr: string;
  readonly started: Started;
}

/** One keeper with its root, cgroup parent and containers. */
export class KeeperBench implements AsyncDisposable {
  readonly kernel: Kernel = createLinuxKernel();
  readonly root = mkdtempSync(join(tmpdir(), "drydock-keeper-"));
  readonly parent: CgroupParent;
  readonly #cgroups: CgroupPlan[] = [];
  readonly #exits = new Map<string, (record: ExitRecord) => void>();
  readonly #seccomp: readonly BpfInstruction[] | null;
  #keeper: RemoteKeeper | undefined;
  #count = 0;
  keeperLost: Promise<void> = Promise.resolve();

  constructor() {
    this.parent = openCgroupParent(
      this.kernel,
      readCgroupLayout(this.kernel),
      `/${basename(this.root)}`,
    );
    const { machine, release } = this.kernel.uname();
    this.#seccomp = planSeccomp({
      profile: "default",
      privilege: "normal",
      facts: { machine, kernelRelease: release, capabilities: DEFAULT_CAPABILITIES },
    });
    // Root of a user namespace is somebody else here, and has to get through to its tree.
    chmodSync(this.root, 0o711);
    makeBusyboxTree(join(this.root, "layer"));
    mkdirSync(join(this.root, "l"));
    symlinkSync("../layer", join(this.root, "l", "base"));
  }

  /** Starts the keeper. */
  static async open(): Promise<KeeperBench> {
    const bench = new KeeperBench();
    await bench.reconnect();
    return bench;
  }

  get keeper(): RemoteKeeper {
    if (this.#keeper === undefined) throw new Error("not connected");
    return this.#keeper;
  }

  /** Connects again, as a daemon that comes back. */
  async reconnect(): Promise<RemoteKeeper> {
    this.#keeper?.close();
    const keeper = await connectKeeper({ root: this.root, program: await keeperProgram() });
    keeper.onExit((record) => this.#exits.get(record.id)?.(record));
    this.keeperLost = new Promise((resolve) => keeper.onLost(resolve));
    this.#keeper = keeper;
    return keeper;
  }

  /** The keeper's pid. */
  keeperPid(): number {
    const title = `drydock-keeper ${this.root}`;
    const pid = readdirSync("/proc").find((name) => commandOf(name).startsWith(title));
    if (pid === undefined) throw new Error("the keeper does not run");
    return Number(pid);
  }

  /** Makes what a container needs before it can start. */
  async prepare(wishes: Wishes = {}): Promise<Prepared> {
    const id = String(++this.#count).padStart(6, "c").padEnd(64, "e");
    const directory = join(this.root, id);
    for (const name of ["", "rootfs", "diff", "work"]) mkdirSync(join(directory, name));
    for (const name of ["hostname", "hosts", "resolv.conf"]) {
      writeFileSync(join(directory, name), `${name} of ${id.slice(0, 4)}\n`);
    }
    const input = this.#inputFor(id, directory, wishes);
    const plan = planContainer(input);
    await using undo = new UndoStack();
    this.#cgroups.push(plan.cgroup);
    applyCgroup(this.kernel, plan.cgroup, undo);
    undo.commit();
    const { Tty, OpenStdin, StdinOnce } = input.config;
    const logPath = join(directory, "log.json");
    const exitPath = join(directory, "exit.json");
    const request: StartRequest = {
      id,
      kind: "container",
      plan: plan.init,
      pidNamespace: plan.pidNamespace,
      idMaps: plan.idMaps,
      stdio: { terminal: Tty, openStdin: OpenStdin, stdinOnce: StdinOnce, rows: 0, columns: 0 },
      outlivedByMounts: plan.outlivedByMounts,
      logPath,
      exitPath,
      fault: null,
      ...wishes.request,
    };
    return { id, directory, logPath, exitPath, input, plan, request };
  }

  #inputFor(id: string, directory: string, wishes: Wishes): PlanInput {
    const status = readFileSync("/proc/self/status", "utf8");
    return {
      id,
      config: { ...PLAIN_CONFIG, Hostname: id.slice(0, 12), ...wishes.config },
      hostConfig: { ...PLAIN_HOST_CONFIG, ...wishes.hostConfig },
      inheritedMounts: [],
      paths: {
        rootfs: join(directory, "rootfs"),
        layers: {
          directory: join(this.root, "l"),
          lowers: ["base"],
          upper: join(directory, "diff"),
          work: join(directory, "work"),
        },
        hostname: join(directory, "hostname"),
        hosts: join(directory, "hosts"),
        resolvConf: join(directory, "resolv.conf"),
        sharedMemory: null,
      },
      machine: {
        cgroupParent: this.parent,
        blockDevices: new Map(),
        capabilities: parseCapabilityMask(/^CapBnd:\s*(\S+)/m.exec(status)?.[1] ?? ""),
        limits: parseLimits(readFileSync("/proc/self/limits", "utf8")),
        filesystems: new Set(readFileSync("/proc/filesystems", "utf8").split(/\s+/)),
        mountinfo: readFileSync("/proc/self/mountinfo", "utf8"),
      },
      joins: {},
      idMaps: null,
      devices: [],
      seccomp: this.#seccomp,
      initProgram: null,
      ...wishes.input,
    };
  }

  /** The exit of a process, from now on. */
  exitOf(id: string): Promise<ExitRecord> {
    return new Promise((resolve) => this.#exits.set(id, resolve));
  }

  /** Runs a container to its end. */
  async run(wishes: Wishes, input = ""): Promise<Ran> {
    const { request } = await this.prepare(wishes);
    return this.runRequest(request, input);
  }

  /** Starts a process and waits for its end, with its output. */
  async runRequest(request: StartRequest, input = ""): Promise<Ran> {
    const { id, stdio } = request;
    const exited = this.exitOf(id);
    const client = await this.keeper.attach({ id, stdin: true, stdout: true, stderr: true });
    const output = collectOutput(client, stdio.terminal);
    const started = await this.keeper.start(request);
    if (input !== "") await client.write(new TextEncoder().encode(input));
    client.endInput();
    return { ...(await output), exit: await exited, started };
  }

  /** A request for one more process in a container. */
  execRequest(container: Prepared, hostPid: HostPid, wishes: Partial<ExecPlanInput>): StartRequest {
    const { input, plan } = container;
    const kinds = differingKinds(
      readNamespaces(this.kernel, "self"),
      readNamespaces(this.kernel, hostPid),
    );
    const exec = planExec({
      hostPid,
      kinds,
      cgroupFiles: joinFiles(plan.cgroup.cgroup),
      config: input.config,
      hostConfig: input.hostConfig,
      machine: input.machine,
      seccomp: input.seccomp,
      command: ["true"],
      env: [],
      user: "",
      workingDir: "",
      tty: false,
      privileged: false,
      ...wishes,
    });
    const terminal = wishes.tty ?? false;
    return {
      id: `e${++this.#count}`,
      kind: "exec",
      plan: exec.init,
      pidNamespace: exec.pidNamespace,
      idMaps: null,
      stdio: { terminal, openStdin: true, stdinOnce: true, rows: 0, columns: 0 },
      outlivedByMounts: false,
      logPath: null,
      exitPath: null,
      fault: null,
    };
  }

  /** Host pids in all containers of this bench. */
  pids(): readonly HostPid[] {
    return this.#cgroups.flatMap(({ cgroup }) => readCgroupPids(this.kernel, cgroup));
  }

  /** Waits until the keeper has written what it knows of everything that ended. */
  async #settled(): Promise<void> {
    while ((await this.keeper.list()).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends whatever runs. */
  async clear(): Promise<void> {
    for (const { cgroup } of this.#cgroups) killCgroup(this.kernel, cgroup);
    await this.#settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clear().catch(() => undefined);
    await this.#keeper?.retire().catch(() => undefined);
    this.#keeper?.close();
    for (const { cgroup } of this.#cgroups) await removeSoon(this.kernel, { cgroup, steps: [] });
    for (const { mountPoint } of this.parent.hierarchies) {
      await waitUntil(() => removed(this.kernel, `${mountPoint}${this.parent.path}`));
    }
    rmSync(this.root, { recursive: true, force: true });
  }
}

function commandOf(pid: string): string {
  try {
    return /^[0-9]+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : "";
  } catch {
    return "";
  }
}

async function removeSoon(kernel: Kernel, { cgroup }: CgroupPlan): Promise<void> {
  await waitUntil(() => removeCgroup(kernel, cgroup).length === 0);
}

function removed(kernel: Kernel, path: string): boolean {
  try {
    kernel.rmdir(path);
    return true;
  } catch {
    return false;
  }
}

/** Looks again and again until it is so: a hundred times a second, by default for twenty. */
export async function waitUntil(isSo: () => boolean, seconds = 20): Promise<void> {
  for (let tries = 0; tries < seconds * 100; tries++) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never came true: ${isSo.toString()}`);
}

/** Everything that a client receives. */
export async function collectOutput(
  client: Attached,
  raw: boolean,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const decoder = createFrameReader();
  const texts = { stdin: "", stdout: "", stderr: "", system: "" };
  for await (const bytes of client.output) {
    if (raw) texts.stdout += Buffer.from(bytes).toString();
    else {
      for (const { stream, payload } of decoder.push(bytes)) {
        texts[stream] += Buffer.from(payload).toString();
      }
    }
  }
  return { stdout: texts.stdout, stderr: texts.stderr };
}

function makeBusyboxTree(directory: string): void {
  for (const name of ["", "bin", "etc", "tmp", "root", "work"]) mkdirSync(join(directory, name));
  copyFileSync(BUSYBOX ?? "", join(directory, "bin", "busybox"));
  const applets = spawnSync(BUSYBOX ?? "", ["--list"], { encoding: "utf8" }).stdout.trim();
  for (const name of applets.split("\n")) {
    if (name !== "busybox") symlinkSync("busybox", join(directory, "bin", name));
  }
  writeFileSync(
    join(directory, "etc", "passwd"),
    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n",
  );
  writeFileSync(join(directory, "etc", "group"), "root:x:0:\napp:x:1000:\nextra:x:2000:app\n");
  writeFileSync(join(directory, "etc", "plain.txt"), "no program\n");
}

let program: Promise<string> | undefined;

/** Bundles the keeper of this source tree, beside the build so that it finds its packages. */
export function keeperProgram(): Promise<string> {
  program ??= bundleKeeper();
  return program;
}

/** Every test process writes the same file: under another name first, so that none sees a half. */
async function bundleKeeper(): Promise<string> {
  const plugins = mutantBundlePlugins();
  const name = plugins.length > 0 ? "keeper-mutant.js" : "keeper.js";
  const target = fileURLToPath(new URL(`../../build/${name}`, import.meta.url));
  const outfile = `${target}.${process.pid}`;
  await build({
    entryPoints: [fileURLToPath(new URL("main.ts", import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["koffi"],
    logLevel: "silent",
    plugins,
  });
  renameSync(outfile, target);
  return target;
}
