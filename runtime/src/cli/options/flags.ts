/**
 * Options, flags: every flag of run and create, as data.
 *
 * One table for parsing, help and completion. Each help text names what the flag touches in the
 * kernel, so that reading the help of `run` is a first tour of what a container is made of.
 *
 * Kernel interface: as named by each flag.
 * Specification: docker run reference (CLI 28).
 * Invariants: none.
 * Left out: nothing; what has no meaning here is in elsewhere.ts.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Concept, Flag } from "../grammar.ts";
import {
  checkAddress,
  checkAttach,
  checkCgroupConf,
  checkCgroupRule,
  checkExtraHost,
  checkLabel,
  checkSysctl,
  checkUlimit,
} from "./checks.ts";
import { checkRate, checkThrottle, checkWeightDevice } from "./devices.ts";
import { checkGpus, WINDOWS } from "./elsewhere.ts";
import { checkEnv } from "./key-values.ts";
import { checkMount } from "./mounts.ts";
import { checkNetwork } from "./network.ts";

type Given = Omit<Flag, "name" | "concept">;

function flagsOf(concept: Concept, table: Readonly<Record<string, Given>>): readonly Flag[] {
  return Object.entries(table).map(([name, flag]) => ({ name, concept, ...flag }));
}

const PROCESS = flagsOf("process", {
  entrypoint: { kind: "string", help: "Program to run instead of the image's ENTRYPOINT (execve)" },
  env: {
    kind: "list",
    short: "e",
    check: checkEnv,
    help: "Environment variable K=V, or K to copy",
  },
  "env-file": { kind: "list", help: "File of environment variables, one K=V a line" },
  "group-add": { kind: "list", help: "Supplementary group to join (setgroups)" },
  user: {
    kind: "string",
    short: "u",
    help: "Who it runs as: <name|uid>[:<group|gid>] (setuid, setgid)",
  },
  workdir: { kind: "string", short: "w", help: "Directory it starts in (chdir); made if missing" },
  init: { kind: "bool", help: "Run an init as PID 1 that forwards signals and reaps processes" },
  "oom-score-adj": {
    kind: "int",
    help: "How gladly the kernel kills it without memory, -1000 to 1000 (/proc/PID/oom_score_adj)",
  },
  ulimit: {
    kind: "list",
    check: checkUlimit,
    help: "Limit of one process: name=soft[:hard] (setrlimit)",
  },
});

const STREAMS = flagsOf("streams", {
  attach: {
    kind: "list",
    short: "a",
    check: checkAttach,
    help: "Stream to attach: STDIN, STDOUT or STDERR",
  },
  interactive: { kind: "bool", short: "i", help: "Keep standard input open" },
  tty: { kind: "bool", short: "t", help: "Give it a terminal (a pair from /dev/ptmx)" },
  "log-driver": { kind: "string", help: "Where its output is kept" },
  "log-opt": { kind: "list", help: "Option of the log driver, K=V" },
});

const LIFE_CYCLE = flagsOf("life-cycle", {
  cidfile: { kind: "string", help: "File to write the container's id to" },
  rm: { kind: "bool", help: "Remove the container and its anonymous volumes when it ends" },
  restart: {
    kind: "string",
    initial: "no",
    help: "Restart policy: no, always, unless-stopped, on-failure[:N], on-unhealthy[:N]",
  },
  "stop-signal": { kind: "string", help: "Signal that stop sends first" },
  "stop-timeout": { kind: "int", help: "Seconds that stop waits before SIGKILL" },
  "health-cmd": { kind: "string", help: "Command that tells whether it is healthy" },
  "health-interval": { kind: "duration", help: "Time between two checks" },
  "health-retries": { kind: "int", help: "Failures in a row until it counts as unhealthy" },
  "health-start-interval": { kind: "duration", help: "Time between two checks while it starts" },
  "health-start-period": { kind: "duration", help: "Time it may take to start" },
  "health-timeout": { kind: "duration", help: "Time a check may take" },
  "no-healthcheck": { kind: "bool", help: "Switch off the image's health check" },
  label: { kind: "list", short: "l", check: checkLabel, help: "Label K=V" },
  "label-file": { kind: "list", help: "File of labels, one K=V a line" },
  annotation: { kind: "map", help: "Annotation K=V, passed through to the runtime" },
  runtime: { kind: "string", help: "Runtime to use" },
});

const NAMESPACES = flagsOf("namespaces", {
  hostname: { kind: "string", short: "h", help: "Host name in its UTS namespace (sethostname)" },
  domainname: { kind: "string", help: "NIS domain name in its UTS namespace (setdomainname)" },
  uts: { kind: "string", help: "UTS namespace: its own, or host" },
  pid: { kind: "string", help: "PID namespace: its own, host, or container:NAME" },
  ipc: { kind: "string", help: "IPC namespace: private, shareable, host, none, or container:NAME" },
  userns: { kind: "string", help: "User namespace: host for none of its own" },
  cgroupns: { kind: "string", help: "Cgroup namespace: private or host" },
  sysctl: {
    kind: "map",
    check: checkSysctl,
    help: "Kernel parameter of its namespaces, K=V (/proc/sys)",
  },
});

const CGROUPS = flagsOf("cgroups", {
  memory: {
    kind: "bytes",
    short: "m",
    help: "Most memory; beyond it the kernel kills (memory.max, v1 memory.limit_in_bytes)",
  },
  "memory-reservation": {
    kind: "bytes",
    help: "Memory it is pushed back to when memory is short (memory.low, v1 soft_limit)",
  },
  "memory-swap": {
    kind: "swap-bytes",
    help: "Most memory and swap together; -1 for any swap (memory.swap.max, v1 memsw.limit_in_bytes)",
  },
  "memory-swappiness": {
    kind: "int",
    initial: -1,
    help: "How early it swaps, 0 to 100 (v1 memory.swappiness)",
  },
  "oom-kill-disable": {
    kind: "bool",
    help: "Stop it instead of killing it without memory (v1 memory.oom_control)",
  },
  cpus: {
    kind: "decimal",
    help: "Processors it may use, for example 1.5 (cpu.max, v1 cpu.cfs_quota_us)",
  },
  "cpu-shares": {
    kind: "int",
    short: "c",
    help: "Weight against others when processors are short (cpu.weight, v1 cpu.shares)",
  },
  "cpu-period": {
    kind: "int",
    help: "Length of a CFS period in microseconds (cpu.max, v1 cpu.cfs_period_us)",
  },
  "cpu-quota": {
    kind: "int",
    help: "Microseconds of run time in each period (cpu.max, v1 cpu.cfs_quota_us)",
  },
  "cpu-rt-period": { kind: "int", help: "Real-time period in microseconds (v1 cpu.rt_period_us)" },
  "cpu-rt-runtime": {
    kind: "int",
    help: "Real-time run time in microseconds (v1 cpu.rt_runtime_us)",
  },
  "cpuset-cpus": { kind: "string", help: "Processors it may run on: 0-3 or 0,1 (cpuset.cpus)" },
  "cpuset-mems": { kind: "string", help: "Memory nodes it may use: 0-3 or 0,1 (cpuset.mems)" },
  "pids-limit": { kind: "int", help: "Most processes; -1 for any (pids.max)" },
  "blkio-weight": {
    kind: "uint16",
    help: "Weight of its disk access, 10 to 1000 (io.bfq.weight, v1 blkio.bfq.weight)",
  },
  "blkio-weight-device": {
    kind: "list",
    check: checkWeightDevice,
    help: "The same for one device: /dev/NAME:weight",
  },
  "device-read-bps": {
    kind: "list",
    check: checkRate,
    help: "Most bytes a second read from a device: /dev/NAME:10mb (io.max)",
  },
  "device-write-bps": {
    kind: "list",
    check: checkRate,
    help: "Most bytes a second written to a device (io.max)",
  },
  "device-read-iops": {
    kind: "list",
    check: checkThrottle,
    help: "Most reads a second from a device: /dev/NAME:100 (io.max)",
  },
  "device-write-iops": {
    kind: "list",
    check: checkThrottle,
    help: "Most writes a second to a device (io.max)",
  },
  "cgroup-parent": { kind: "string", help: "Cgroup above its own" },
  "cgroup-conf": {
    kind: "map",
    check: checkCgroupConf,
    help: "Any other file of its cgroup, K=V: net_cls.classid=0x100001, memory.high=64M",
  },
});

const SECURITY = flagsOf("security", {
  "cap-add": { kind: "list", help: "Capability to add to the default fourteen (capset)" },
  "cap-drop": { kind: "list", help: "Capability to drop, or ALL (capset, PR_CAPBSET_DROP)" },
  privileged: {
    kind: "bool",
    help: "All capabilities, all devices, no seccomp filter: nearly no wall",
  },
  "security-opt": {
    kind: "list",
    help: "no-new-privileges, seccomp=FILE|unconfined, apparmor=…, systempaths=unconfined",
  },
  device: {
    kind: "list",
    help: "Device to add: /dev/HOST[:/dev/INSIDE][:rwm] (mknod, devices cgroup)",
  },
  "device-cgroup-rule": {
    kind: "list",
    check: checkCgroupRule,
    help: "Rule for the devices cgroup: 'c 42:* rmw'",
  },
});

const LAYERS = flagsOf("layers", {
  "read-only": {
    kind: "bool",
    help: "Mount the root read-only. Without it the container writes to a layer of its own; the image never changes",
  },
  "storage-opt": { kind: "list", help: "Option of the storage driver, K=V" },
});

const VOLUMES = flagsOf("volumes", {
  volume: {
    kind: "list",
    short: "v",
    help: "Bind mount /host:/inside[:ro,z,…], or a volume NAME:/inside (mount MS_BIND)",
  },
  mount: {
    kind: "list",
    check: checkMount,
    help: "The same in words: type=bind|tmpfs|volume,source=…,target=…",
  },
  tmpfs: { kind: "list", help: "Files in memory: /inside[:size=64m,mode=1777]" },
  "shm-size": { kind: "bytes", help: "Size of /dev/shm" },
  "volumes-from": { kind: "list", help: "Mount what another container mounts: NAME[:ro]" },
  "volume-driver": { kind: "string", help: "Driver of its volumes" },
  "use-api-socket": { kind: "bool", help: "Mount the daemon's socket, with which it is root here" },
});

const NETWORK = flagsOf("network", {
  network: {
    kind: "list",
    check: checkNetwork,
    help: "Network: none, host, container:NAME, or a network's name",
  },
  net: { kind: "list", check: checkNetwork, aliasOf: "network", help: "" },
  "network-alias": { kind: "list", help: "Further name in its network" },
  "net-alias": { kind: "list", aliasOf: "network-alias", help: "" },
  publish: { kind: "list", short: "p", help: "Publish a port: [[ip:]host:]inside[/tcp|udp|sctp]" },
  "publish-all": { kind: "bool", short: "P", help: "Publish every exposed port at a free one" },
  expose: { kind: "list", help: "Port, or range of ports, that it serves" },
  ip: { kind: "string", help: "IPv4 address" },
  ip6: { kind: "string", help: "IPv6 address" },
  "link-local-ip": { kind: "list", help: "Link-local address" },
  "mac-address": { kind: "string", help: "MAC address, for example 92:d0:c6:0a:29:33" },
  link: { kind: "list", help: "Name of another container under an alias: NAME[:alias]" },
  "add-host": { kind: "list", check: checkExtraHost, help: "Line for /etc/hosts: host:ip" },
  dns: { kind: "list", check: checkAddress, help: "Name server for /etc/resolv.conf" },
  "dns-option": { kind: "list", help: "Option for /etc/resolv.conf" },
  "dns-opt": { kind: "list", aliasOf: "dns-option", help: "" },
  "dns-search": { kind: "list", help: "Search domain for /etc/resolv.conf" },
});

const IMAGES = flagsOf("images", {
  pull: {
    kind: "string",
    initial: "missing",
    help: "When to fetch the image: always, missing or never",
  },
  platform: { kind: "string", help: "Platform of the image, for example linux/arm64" },
  quiet: { kind: "bool", short: "q", help: "Do not show how fetching proceeds" },
});

/** What run and create know, and mostly refuse. */
const ELSEWHERE = flagsOf("elsewhere", {
  ...Object.fromEntries(WINDOWS.map(([name, kind]) => [name, { kind, help: "Windows only" }])),
  isolation: { kind: "string", help: "Windows only, but for 'default'" },
  gpus: { kind: "string", check: checkGpus, help: "GPUs, which need a driver for them" },
  "kernel-memory": { kind: "bytes", help: "Gone from the kernel: has no effect" },
  "disable-content-trust": {
    kind: "bool",
    initial: true,
    help: "Signatures of images are not checked, so only 'true' can be had",
  },
});

/** The flags that run and create share. */
export const CONTAINER_FLAGS: readonly Flag[] = [
  { name: "name", kind: "string", concept: "life-cycle", help: "Name; one is made up without it" },
  ...PROCESS,
  ...STREAMS,
  ...LIFE_CYCLE,
  ...NAMESPACES,
  ...CGROUPS,
  ...SECURITY,
  ...LAYERS,
  ...VOLUMES,
  ...NETWORK,
  ...IMAGES,
  ...ELSEWHERE,
  {
    name: "plan",
    kind: "bool",
    concept: "output",
    help: "Print every step that would be taken, and take none",
  },
  {
    name: "as-shell",
    kind: "bool",
    concept: "output",
    help: "Print a script that does the same by hand",
  },
  {
    name: "format",
    kind: "string",
    concept: "output",
    help: "With --plan: 'json' for the steps as data",
  },
  { name: "json", kind: "bool", concept: "output", help: "With --plan: the same as --format json" },
];
