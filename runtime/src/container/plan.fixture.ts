/**
 * Plain requests, and a machine that exists on paper only: what tests of plans need.
 */
import type { CgroupParent } from "../cgroups/index.ts";
import { CAPABILITIES } from "../security/index.ts";
import type { ContainerConfig, HostConfig, PlanInput } from "./index.ts";

/** A container's configuration with every default, as the API fills it in. */
export const PLAIN_CONFIG: ContainerConfig = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: true,
  AttachStderr: true,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: [],
  Cmd: ["true"],
  Entrypoint: null,
  Image: "busybox",
  WorkingDir: "",
  Labels: {},
  ExposedPorts: {},
  Volumes: {},
  StopSignal: "",
  StopTimeout: null,
};

/** The machine's part with every default, as the API fills it in. */
export const PLAIN_HOST_CONFIG: HostConfig = {
  Memory: 0,
  MemorySwap: 0,
  MemoryReservation: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  NanoCpus: 0,
  CpuShares: 0,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpusetCpus: "",
  CpusetMems: "",
  PidsLimit: null,
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  Devices: [],
  DeviceCgroupRules: [],
  Ulimits: [],
  Binds: [],
  Mounts: [],
  Tmpfs: {},
  NetworkMode: "none",
  PidMode: "",
  IpcMode: "",
  UTSMode: "",
  UsernsMode: "",
  CgroupnsMode: "",
  CgroupParent: "",
  AutoRemove: false,
  Privileged: false,
  ReadonlyRootfs: false,
  CapAdd: [],
  CapDrop: [],
  SecurityOpt: [],
  GroupAdd: [],
  OomScoreAdj: 0,
  ShmSize: 0,
  Sysctls: {},
  Init: null,
  RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  LogConfig: { Type: "json-file", Config: {} },
  ExtraHosts: [],
  Dns: [],
  DnsSearch: [],
  DnsOptions: [],
  PortBindings: {},
  PublishAllPorts: false,
  MaskedPaths: null,
  ReadonlyPaths: null,
  ConsoleSize: [0, 0],
};

const V1_HIERARCHIES = ["cpu,cpuacct", "memory", "pids", "devices", "freezer"].map((name) => ({
  version: 1 as const,
  mountPoint: `/sys/fs/cgroup/${name}`,
  controllers: name.split(","),
}));

const V2_HIERARCHY = {
  version: 2 as const,
  mountPoint: "/sys/fs/cgroup",
  controllers: ["cpu", "memory", "pids"],
};

/** An engine's cgroup parent on a machine with every controller. */
export function paperCgroups(mode: "v1" | "v2"): CgroupParent {
  const hierarchies = mode === "v1" ? V1_HIERARCHIES : [V2_HIERARCHY];
  return {
    layout: { mode, hierarchies },
    path: "/drydock",
    hierarchies,
    files: new Set(["io.weight"]),
    support: {
      memoryLimit: true,
      swapLimit: true,
      memoryReservation: true,
      memorySwappiness: true,
      oomKillDisable: true,
      pidsLimit: true,
      cpuShares: true,
      cpuQuota: true,
      cpuRealtime: true,
      cpuset: true,
      blkioWeight: true,
      blkioWeightDevice: true,
      blkioThrottle: true,
      devices: true,
      freezer: true,
      cpuCount: 4,
      cpus: "0-3",
      mems: "0",
    },
  };
}

/**
 * The directory of the container that `paperInput` plans: whatever is below is a path of the host.
 */
export const PAPER_DIRECTORY = "/host/containers/c1";

/** What a test changes about a paper container. */
export interface PaperWishes {
  readonly config?: Partial<ContainerConfig>;
  readonly hostConfig?: Partial<HostConfig>;
  readonly input?: Partial<PlanInput>;
  readonly cgroups?: "v1" | "v2";
}

/** A complete input for `planContainer` without asking any machine. */
export function paperInput(wishes: PaperWishes = {}): PlanInput {
  return {
    id: "0123456789abcdef".repeat(4),
    config: { ...PLAIN_CONFIG, ...wishes.config },
    hostConfig: { ...PLAIN_HOST_CONFIG, ...wishes.hostConfig },
    inheritedMounts: [],
    paths: {
      rootfs: `${PAPER_DIRECTORY}/rootfs`,
      layers: {
        directory: "/host/layers/l",
        lowers: ["aa", "bb"],
        upper: `${PAPER_DIRECTORY}/diff`,
        work: `${PAPER_DIRECTORY}/work`,
      },
      hostname: `${PAPER_DIRECTORY}/hostname`,
      hosts: `${PAPER_DIRECTORY}/hosts`,
      resolvConf: `${PAPER_DIRECTORY}/resolv.conf`,
      sharedMemory: null,
    },
    machine: {
      cgroupParent: paperCgroups(wishes.cgroups ?? "v1"),
      blockDevices: new Map(),
      capabilities: CAPABILITIES.map(({ name }) => name),
      limits: [],
      filesystems: new Set(["mqueue"]),
      mountinfo: "",
    },
    joins: {},
    idMaps: null,
    devices: [],
    seccomp: [{ code: 6, jt: 0, jf: 0, k: 0 }],
    initProgram: null,
    ...wishes.input,
  };
}
