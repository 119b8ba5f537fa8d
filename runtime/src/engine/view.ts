/**
 * View: what one process sees of the machine and may do to it, as tables of words.
 *
 * A container is nothing but a process with views and limits of its own; this reads them off it, in
 * the kernel's own words, so that two can be laid side by side: its namespaces, mounts, cgroup
 * values, capabilities, resource limits, and what else its status says. The engine's own process
 * stands for the host.
 *
 * Kernel interface: proc_pid_ns(5), proc_pid_mountinfo(5), proc_pid_status(5), proc_pid_limits(5),
 *   proc_pid_environ(5), cgroups(7).
 * Specification: none; GET /drydock/containers/NAME/view and GET /drydock/host/view.
 * Invariants: none.
 * Left out: addresses and routes; the host's environment, which is nobody's business.
 * Docs: docs/concepts/compare.md
 *
 * @module
 */

import type { Files, HostPid } from "../kernel/index.ts";
import { readNamespaces } from "../namespaces/index.ts";
import { parseCapabilityMask, parseLimits } from "../security/index.ts";
import { requireProcess } from "./container-table.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { lookOr } from "./look.ts";
import type { ProcessView, Table } from "./told.ts";
import { mountPointsIn } from "./tree.ts";

/** @throws RuntimeError container-not-running */
export function viewContainer({ kernel }: EngineContext, container: Container): ProcessView {
  const pid = requireProcess(container);
  const directories = container.cgroup?.directories.map(({ path }) => path) ?? [];
  const environment = tableOf(kernel.readText(`/proc/${pid}/environ`).split("\0"), "=");
  return { ...viewOf(kernel, pid, directories), name: container.name, environment };
}

/** The engine's own process and the top of each cgroup hierarchy. */
export function viewHost({ kernel, machine }: EngineContext): ProcessView {
  const directories = machine.cgroupParent.hierarchies.map(({ mountPoint }) => mountPoint);
  return { ...viewOf(kernel, "self", directories), name: "the host" };
}

function viewOf(
  kernel: Files,
  process: HostPid | "self",
  cgroups: readonly string[],
): Omit<ProcessView, "name"> {
  const status = tableOf(kernel.readText(`/proc/${process}/status`).split("\n"), ":");
  const limits = parseLimits(kernel.readText(`/proc/${process}/limits`));
  const namespaces = Object.entries(readNamespaces(kernel, process));
  return {
    namespaces: Object.fromEntries(namespaces.map(([kind, inode]) => [kind, String(inode)])),
    mounts: mountTable(kernel.readText(`/proc/${process}/mountinfo`)),
    cgroup: Object.assign({}, ...cgroups.map((directory) => cgroupTable(kernel, directory))),
    capabilities: capabilityTable(status),
    process: {
      ...pick(status, ["Uid", "Gid", "Groups", "NoNewPrivs"]),
      Seccomp: SECCOMP[status["Seccomp"] ?? ""] ?? "",
      ...Object.fromEntries(limits.map(({ name, soft, hard }) => [name, `${soft} ${hard}`])),
    },
  };
}

const SECCOMP: Readonly<Record<string, string>> = { 0: "none", 1: "strict", 2: "filter" };

/** Lines of "name SEPARATOR value". */
function tableOf(lines: readonly string[], separator: string): Table {
  return Object.fromEntries(
    lines.flatMap((line) => {
      const at = line.indexOf(separator);
      return at <= 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()]];
    }),
  );
}

function pick(table: Table, names: readonly string[]): Table {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = table[name];
      return value === undefined ? [] : [[name, value.replaceAll("\t", " ")]];
    }),
  );
}

/**
 * Mounts by place; the last one at a place covers those before it. Pure.
 *
 * @example mountTable("22 1 0:20 / /proc rw,nosuid - proc proc rw\n")
 *   // { "/proc": "proc proc rw,nosuid" }
 */
export function mountTable(mountinfo: string): Table {
  const lines = mountinfo.split("\n").filter((line) => line !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const options = before.split(" ")[5] ?? "";
      const [type = "", source = ""] = after.split(" ");
      return [mountPointsIn(line)[0] ?? "", `${type} ${source} ${options}`];
    }),
  );
}

/** Limits and weights, of both versions; what only counts is left out. */
const CGROUP_FILES = new Set(
  (
    "memory.limit_in_bytes memory.memsw.limit_in_bytes memory.soft_limit_in_bytes memory.swappiness " +
    "memory.max memory.high memory.low memory.swap.max cpu.shares cpu.cfs_quota_us " +
    "cpu.cfs_period_us cpu.weight cpu.max cpuset.cpus cpuset.mems pids.max blkio.weight " +
    "io.weight io.max devices.list freezer.state cgroup.freeze"
  ).split(" "),
);

function cgroupTable(kernel: Files, directory: string): Table {
  const names = lookOr(() => kernel.readdir(directory), []);
  const shown = names.filter((name) => CGROUP_FILES.has(name));
  return Object.fromEntries(
    shown.flatMap((name) => {
      const text = lookOr(() => kernel.readText(`${directory}/${name}`), null);
      return text === null ? [] : [[name, text.trim().replaceAll("\n", ", ")]];
    }),
  );
}

const SETS = { CapEff: "effective", CapPrm: "permitted", CapBnd: "bounding", CapAmb: "ambient" };

/** Capabilities with the sets that hold them, in the sets' order. */
function capabilityTable(status: Table): Table {
  const sets = new Map<string, string[]>();
  for (const [line, set] of Object.entries(SETS)) {
    for (const capability of parseCapabilityMask(status[line] ?? "0")) {
      const mine = sets.get(capability);
      if (mine === undefined) sets.set(capability, [set]);
      else mine.push(set);
    }
  }
  return Object.fromEntries([...sets].map(([capability, mine]) => [capability, mine.join(" ")]));
}
