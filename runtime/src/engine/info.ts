/**
 * Info: what this engine and this machine are, in Docker's shape.
 *
 * Kernel interface: uname(2), proc(5) (meminfo), os-release(5).
 * Specification: Docker Engine API v1.50, SystemInfo and SystemVersion.
 * Invariants: none.
 * Left out: swarm, plugins, registries: shown as absent.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { architectureOf } from "../images/index.ts";
import type { Files } from "../kernel/index.ts";
import type { EngineContext } from "./context.ts";
import { rfc3339 } from "./durations.ts";
import type { ApiObject } from "./engine.ts";
import { STORAGE_DRIVER } from "./inspect.ts";
import { textOr } from "./look.ts";

/** The newest version of the API that the engine speaks. */
export const API_VERSION = "1.50";
/** The oldest. */
export const MIN_API_VERSION = "1.24";

/** The answer of `GET /version`. */
export function versionObject({ options, machine }: EngineContext): ApiObject {
  const { release, machine: hardware } = machine.uname;
  const common = {
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: "",
    GoVersion: "none: TypeScript",
    Os: "linux",
    Arch: architectureOf(hardware),
    KernelVersion: release,
    BuildTime: "",
    Experimental: false,
  };
  return {
    Platform: { Name: "Drydock" },
    Version: options.programVersion,
    ...common,
    Components: [
      {
        Name: "Engine",
        Version: options.programVersion,
        Details: { ...common, Experimental: "false" },
      },
    ],
  };
}

/**
 * The answer of `GET /info`.
 *
 * @param id of this engine, stable over restarts
 * @param imageCount how many images there are
 */
export function infoObject(engine: EngineContext, id: string, imageCount: number): ApiObject {
  const { machine, options } = engine;
  return {
    ID: id,
    ...containerCounts(engine),
    Images: imageCount,
    Driver: STORAGE_DRIVER,
    DriverStatus: [["Backing Filesystem", filesystemOf(engine.kernel, engine.root)]],
    Plugins: {
      Volume: [],
      Network: ["host", "none"],
      Authorization: null,
      Log: ["json-file", "local", "none"],
    },
    ...cgroupInfo(engine),
    IPv4Forwarding: readSwitch(engine.kernel, "/proc/sys/net/ipv4/ip_forward"),
    Debug: false,
    NFd: -1,
    NGoroutines: -1,
    NEventsListener: engine.events.size,
    SystemTime: rfc3339(engine.kernel.nowMs()),
    LoggingDriver: "json-file",
    KernelVersion: machine.uname.release,
    OperatingSystem: osRelease(engine.kernel, "PRETTY_NAME") ?? "Linux",
    OSVersion: osRelease(engine.kernel, "VERSION_ID") ?? "",
    OSType: "linux",
    Architecture: machine.uname.machine,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: { InsecureRegistryCIDRs: [], IndexConfigs: {}, Mirrors: [] },
    NCPU: machine.cgroupParent.support.cpuCount,
    MemTotal: machine.memoryBytes,
    GenericResources: null,
    DockerRootDir: engine.root,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Name: machine.uname.nodename,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: options.programVersion,
    Runtimes: { drydock: { path: "drydock" } },
    DefaultRuntime: "drydock",
    Swarm: INACTIVE_SWARM,
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: "docker-init",
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: "" },
    InitCommit: { ID: "" },
    SecurityOptions: ["name=seccomp,profile=builtin"],
    CDISpecDirs: [],
    Warnings: missingControllers(engine),
  };
}

const INACTIVE_SWARM = {
  NodeID: "",
  NodeAddr: "",
  LocalNodeState: "inactive",
  ControlAvailable: false,
  Error: "",
  RemoteManagers: null,
};

function containerCounts({ containers }: EngineContext): ApiObject {
  const statuses = containers.all().map(({ history }) => history.state.status);
  const count = (status: string) => statuses.filter((each) => each === status).length;
  const running = count("running");
  const paused = count("paused");
  return {
    Containers: statuses.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: statuses.length - running - paused,
  };
}

function cgroupInfo({ machine: { cgroupParent } }: EngineContext): ApiObject {
  const { support, layout } = cgroupParent;
  return {
    CgroupDriver: layout.mode === "none" ? "none" : "cgroupfs",
    CgroupVersion: layout.mode === "v2" ? "2" : "1",
    MemoryLimit: support.memoryLimit,
    SwapLimit: support.swapLimit,
    CpuCfsPeriod: support.cpuQuota,
    CpuCfsQuota: support.cpuQuota,
    CPUShares: support.cpuShares,
    CPUSet: support.cpuset,
    PidsLimit: support.pidsLimit,
    OomKillDisable: support.oomKillDisable,
  };
}

function missingControllers({ machine: { cgroupParent } }: EngineContext): readonly string[] {
  const { support } = cgroupParent;
  const missing: readonly (readonly [boolean, string])[] = [
    [support.memoryLimit, "WARNING: No memory limit support"],
    [support.swapLimit, "WARNING: No swap limit support"],
    [support.cpuQuota, "WARNING: No cpu cfs quota support"],
    [support.cpuShares, "WARNING: No cpu shares support"],
    [support.cpuset, "WARNING: No cpuset support"],
    [support.pidsLimit, "WARNING: No pids limit support"],
  ];
  return missing.filter(([isThere]) => !isThere).map(([, text]) => text);
}

/** The type of the file system that a path is on, by the longest mount point above it. */
function filesystemOf(kernel: Files, path: string): string {
  let best = { mountPoint: "", type: "unknown" };
  for (const line of textOr(kernel, "/proc/self/mountinfo").split("\n")) {
    const mountPoint = line.split(" ")[4] ?? "";
    const isAbove = mountPoint === "/" || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (!isAbove || mountPoint.length < best.mountPoint.length) continue;
    best = { mountPoint, type: line.split(" - ")[1]?.split(" ")[0] ?? "unknown" };
  }
  return best.type;
}

function osRelease(kernel: Files, field: string): string | undefined {
  const text = textOr(kernel, "/etc/os-release");
  return new RegExp(`^${field}="?([^"\\n]*)"?$`, "mu").exec(text)?.[1];
}

/** Bytes of memory in this machine. */
export function readMemoryBytes(kernel: Files): number {
  const kib = /^MemTotal:\s+(\d+) kB/mu.exec(textOr(kernel, "/proc/meminfo"))?.[1] ?? "0";
  return Number(kib) * 1024;
}

function readSwitch(kernel: Files, path: string): boolean {
  return textOr(kernel, path).trim() === "1";
}
