/**
 * Process text: a process's credentials, limits and id maps, as /proc/PID shows them.
 *
 * Kernel interface: proc_pid_stat(5), proc_pid_status(5), proc_pid_limits(5), user_namespaces(7).
 * Invariants: none.
 * Left out: the lines of status about memory, scheduling and signals that are waiting.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { allowedCpus } from "../cgroups/files.ts";
import { idInside, idOutside, isCapable, OVERFLOW_ID } from "../files/permission.ts";
import { CAPABILITIES } from "../../capability-names.ts";
import { RESOURCE_LIMITS } from "../processes/resource-limits.ts";
import { refuse, refuseIf } from "../refusal.ts";
import type { GeneratedFile, IdRange, PidNamespace, Process, UserNamespace } from "../state.ts";

/** The text of /proc/PID/status. */
export function statusText(by: Process, process: Process, namespace: PidNamespace): string {
  const { credentials, parent, noNewPrivileges, filters, umask } = process;
  const viewer = by.credentials.userNamespace;
  const ids = (kind: "uid" | "gid", id: number): string => {
    const shown = idInside(viewer, kind, id) ?? OVERFLOW_ID;
    return Array.from({ length: 4 }, () => shown).join("\t");
  };
  const pid = process.pids.get(namespace) ?? 0;
  const ownPids = [...process.pids]
    .toSorted(([a], [b]) => a.level - b.level)
    .filter(([{ level }]) => level >= namespace.level)
    .map(([, number]) => number);
  const groups = credentials.groups.map((gid) => idInside(viewer, "gid", gid) ?? OVERFLOW_ID);
  const lines = [
    `Name:\t${process.comm}`,
    `Umask:\t${umask.toString(8).padStart(4, "0")}`,
    `State:\t${stateOf(by, process)}`,
    `Tgid:\t${pid}`,
    `Pid:\t${pid}`,
    `PPid:\t${parent?.pids.get(namespace) ?? 0}`,
    `Uid:\t${ids("uid", credentials.uid)}`,
    `Gid:\t${ids("gid", credentials.gid)}`,
    `Groups:\t${groups.map((gid) => `${gid} `).join("")}`,
    `NSpid:\t${ownPids.join("\t")}`,
    "Threads:\t1",
    `Cpus_allowed_list:\t${allowedCpus(process)}`,
    `SigBlk:\t${"0".repeat(16)}`,
    `SigIgn:\t${"0".repeat(16)}`,
    `CapInh:\t${capabilityMask(credentials.inheritable)}`,
    `CapPrm:\t${capabilityMask(credentials.permitted)}`,
    `CapEff:\t${capabilityMask(credentials.effective)}`,
    `CapBnd:\t${capabilityMask(credentials.bounding)}`,
    `CapAmb:\t${capabilityMask(credentials.ambient)}`,
    `NoNewPrivs:\t${noNewPrivileges ? 1 : 0}`,
    // 2 is SECCOMP_MODE_FILTER.
    `Seccomp:\t${filters.length > 0 ? 2 : 0}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Who reads about itself runs; whoever else there is, sleeps. */
function stateOf(by: Process, process: Process): string {
  if (process.status !== undefined) return "Z (zombie)";
  return by === process ? "R (running)" : "S (sleeping)";
}

/** How many fields /proc/PID/stat has; those that the model does not know are 0. */
const STAT_FIELDS = 52;
const SLAVE_MAJOR = 136;

/** The text of /proc/PID/stat. */
export function statText(process: Process, namespace: PidNamespace): string {
  const { comm, parent, group, session, world } = process;
  const inside = (hostPid: number): number =>
    world.processes.get(hostPid)?.pids.get(namespace) ?? 0;
  const terminal = [...world.terminals].find((each) => each.session === session);
  const device = (SLAVE_MAJOR << 8) + (terminal?.number ?? 0);
  const known = [
    inside(process.hostPid),
    `(${comm})`,
    "S",
    parent?.pids.get(namespace) ?? 0,
    inside(group),
    inside(session),
    terminal === undefined ? 0 : device,
    terminal === undefined ? -1 : inside(terminal.foreground),
  ];
  const rest = Array.from({ length: STAT_FIELDS - known.length }, () => 0);
  return `${[...known, ...rest].join(" ")}\n`;
}

/** The text of /proc/PID/limits. */
export function limitsText(process: Process): string {
  const show = (value: number): string => (value === Infinity ? "unlimited" : String(value));
  const line = (name: string, soft: string, hard: string, unit: string): string =>
    `${name.padEnd(26)}${soft.padEnd(21)}${hard.padEnd(21)}${unit.padEnd(10)}\n`;
  const lines = Object.entries(RESOURCE_LIMITS).map(([key, { title, unit, initial }]) => {
    const [soft, hard] = process.limits.get(key) ?? initial;
    return line(title, show(soft), show(hard), unit);
  });
  return [line("Limit", "Soft Limit", "Hard Limit", "Units"), ...lines].join("");
}

/** /proc/PID/uid_map and gid_map: written once, by somebody with power over both namespaces. */
export function idMapFile(process: Process, kind: "uid" | "gid"): GeneratedFile {
  const key = kind === "uid" ? "uidMap" : "gidMap";
  return {
    read: (by) => {
      const { userNamespace } = process.credentials;
      return userNamespace[key].map((range) => lineOf(by, kind, userNamespace, range)).join("");
    },
    write: (by, text) => {
      const { userNamespace } = process.credentials;
      const { parent } = userNamespace;
      if (parent === undefined || userNamespace[key].length > 0) return refuse("EPERM");
      const capability = kind === "uid" ? "CAP_SETUID" : "CAP_SETGID";
      refuseIf(!isCapable(by.credentials, parent, capability), "EPERM");
      userNamespace[key] = parseRanges(text);
    },
  };
}

/** A range with its outer ids as the reader's namespace numbers them. */
function lineOf(
  by: Process,
  kind: "uid" | "gid",
  namespace: UserNamespace,
  range: IdRange,
): string {
  const absolute = idOutside(namespace, kind, range.inside);
  const viewer = by.credentials.userNamespace;
  const over = viewer === namespace ? namespace.parent : viewer;
  const shown =
    absolute === undefined || over === undefined ? range.outside : idInside(over, kind, absolute);
  const columns = [range.inside, shown ?? 2 ** 32 - 1, range.count];
  return `${columns.map((value) => String(value).padStart(10)).join(" ")}\n`;
}

const RANGES_MAX = 340;

/** Lines of three numbers. @throws Refusal EINVAL for anything else, and for ranges that overlap */
export function parseRanges(text: string): readonly IdRange[] {
  const ranges = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const numbers = line.trim().split(/\s+/);
      refuseIf(numbers.length !== 3 || numbers.some((each) => !/^\d+$/.test(each)), "EINVAL");
      const [inside = 0, outside = 0, count = 0] = numbers.map(Number);
      refuseIf(count === 0, "EINVAL");
      return { inside, outside, count };
    });
  checkRanges(ranges);
  return ranges;
}

/** @throws Refusal EINVAL for no range, too many, or some that overlap */
export function checkRanges(ranges: readonly IdRange[]): void {
  refuseIf(ranges.length === 0 || ranges.length > RANGES_MAX, "EINVAL");
  const overlap = (a: IdRange, b: IdRange, key: "inside" | "outside"): boolean =>
    a[key] < b[key] + b.count && b[key] < a[key] + a.count;
  const clash = ranges.some((a, at) =>
    ranges.slice(0, at).some((b) => overlap(a, b, "inside") || overlap(a, b, "outside")),
  );
  refuseIf(clash, "EINVAL");
}

/** A set as /proc/PID/status shows it: 16 hexadecimal digits. */
function capabilityMask(names: readonly string[]): string {
  const bits = names.reduce((sum, name) => sum + 2 ** CAPABILITIES.indexOf(name), 0);
  return bits.toString(16).padStart(16, "0");
}
