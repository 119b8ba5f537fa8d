/**
 * Top: the processes of a container, as the host sees them.
 *
 * The cgroup says which processes there are, /proc says what each is. Docker hands its arguments to
 * the host's ps and cuts the answer; we print ps's columns ourselves, so the daemon needs no
 * program beside it.
 *
 * Kernel interface: cgroups(7), proc_pid_stat(5), proc_pid_status(5), proc_pid_cmdline(5).
 * Specification: Docker Engine API v1.50, ContainerTop; ps(1), "STANDARD FORMAT SPECIFIERS".
 * Invariants: none.
 * Left out: options of ps that sort, group or choose processes; columns beyond the table.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { readCgroupPids } from "../cgroups/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { Files, HostPid } from "../kernel/index.ts";
import { requireProcess } from "./container-table.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { ProcessTable } from "./engine.ts";
import { textOr } from "./look.ts";
import { zombiesOf } from "./zombies.ts";

/** USER_HZ: the unit of times in /proc/PID/stat. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;
const PAGE_BYTES = 4096;

/** One process, as /proc tells it. */
interface ProcessFacts {
  readonly pid: HostPid;
  readonly user: string;
  readonly group: string;
  readonly name: string;
  readonly words: string;
  /** Fields of /proc/PID/stat from the state on, which is the first. */
  readonly stat: readonly string[];
  readonly bootMs: number;
  readonly nowMs: number;
  readonly memoryBytes: number;
}

interface Column {
  readonly title: string;
  readonly show: (facts: ProcessFacts) => string;
}

const field = (facts: ProcessFacts, at: number): number => Number(facts.stat[at] ?? 0);
const cpuSeconds = (facts: ProcessFacts): number =>
  Math.floor((field(facts, 11) + field(facts, 12)) / TICKS_PER_SECOND);
const startMs = (facts: ProcessFacts): number =>
  facts.bootMs + (field(facts, 19) / TICKS_PER_SECOND) * 1000;
const ageSeconds = (facts: ProcessFacts): number =>
  Math.max(0, Math.floor((facts.nowMs - startMs(facts)) / 1000));
const cpuShare = (facts: ProcessFacts): number =>
  (100 * cpuSeconds(facts)) / Math.max(1, ageSeconds(facts));
const residentBytes = (facts: ProcessFacts): number => field(facts, 21) * PAGE_BYTES;

const COLUMNS = {
  user: { title: "USER", show: ({ user }) => user },
  group: { title: "GROUP", show: ({ group }) => group },
  uid: { title: "UID", show: ({ user }) => user },
  pid: { title: "PID", show: ({ pid }) => String(pid) },
  ppid: { title: "PPID", show: (facts) => String(field(facts, 1)) },
  pgid: { title: "PGID", show: (facts) => String(field(facts, 2)) },
  sid: { title: "SID", show: (facts) => String(field(facts, 3)) },
  c: { title: "C", show: (facts) => String(Math.floor(cpuShare(facts))) },
  pcpu: { title: "%CPU", show: (facts) => cpuShare(facts).toFixed(1) },
  pmem: {
    title: "%MEM",
    show: (facts) => ((100 * residentBytes(facts)) / facts.memoryBytes).toFixed(1),
  },
  vsz: { title: "VSZ", show: (facts) => String(Math.floor(field(facts, 20) / KIB)) },
  rss: { title: "RSS", show: (facts) => String(Math.floor(residentBytes(facts) / KIB)) },
  tty: { title: "TTY", show: (facts) => terminalName(field(facts, 4)) },
  tt: { title: "TT", show: (facts) => terminalName(field(facts, 4)) },
  stat: { title: "STAT", show: stateWithFlags },
  s: { title: "S", show: ({ stat }) => stat[0] ?? "?" },
  nlwp: { title: "NLWP", show: (facts) => String(field(facts, 17)) },
  nice: { title: "NI", show: (facts) => String(field(facts, 16)) },
  stime: { title: "STIME", show: (facts) => clockTime(startMs(facts), facts.nowMs) },
  start: { title: "START", show: (facts) => clockTime(startMs(facts), facts.nowMs) },
  time: { title: "TIME", show: (facts) => span(cpuSeconds(facts)) },
  lstart: { title: "STARTED", show: (facts) => wholeTime(startMs(facts)) },
  etimes: { title: "ELAPSED", show: (facts) => String(ageSeconds(facts)) },
  bsdtime: {
    title: "TIME",
    show: (facts) => {
      const seconds = cpuSeconds(facts);
      return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    },
  },
  psr: { title: "PSR", show: (facts) => String(field(facts, 36)) },
  pri: { title: "PRI", show: (facts) => String(39 - field(facts, 15)) },
  etime: { title: "ELAPSED", show: (facts) => age(ageSeconds(facts)) },
  comm: { title: "COMMAND", show: ({ name }) => name },
  command: { title: "COMMAND", show: ({ words }) => words },
  cmd: { title: "CMD", show: ({ words }) => words },
} as const satisfies Readonly<Record<string, Column>>;

type ColumnName = keyof typeof COLUMNS;

const ALIASES: Readonly<Record<string, ColumnName>> = {
  args: "command",
  ucmd: "comm",
  euser: "user",
  egroup: "group",
  "%cpu": "pcpu",
  "%mem": "pmem",
  rsz: "rss",
  vsize: "vsz",
  pgrp: "pgid",
  sess: "sid",
  state: "s",
  cputime: "time",
  ni: "nice",
};

const FULL: readonly ColumnName[] = ["uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"];
const BSD: readonly ColumnName[] = [
  ...(["user", "pid", "pcpu", "pmem", "vsz", "rss", "tty", "stat", "start"] as const),
  "bsdtime",
  "command",
];

/**
 * The columns that options of ps ask for. Pure.
 *
 * @throws RuntimeError request-invalid for what is not in the table
 * @example columnsOf("-o pid,comm") // ["pid", "comm"]
 */
export function columnsOf(options: string): readonly ColumnName[] {
  const list = /^\s*-?[aAdefx]*o\s*([a-z%]+(?:[,\s]+[a-z%]+)*)\s*$/u.exec(options)?.[1];
  if (list !== undefined) return list.split(/[,\s]+/u).map(columnNamed);
  const letters = options.replace(/[-\s]/gu, "");
  if (!/^[aAdefgTux]*$/u.test(letters)) throw unknownOption(options);
  return letters.includes("u") ? BSD : FULL;
}

function columnNamed(name: string): ColumnName {
  if (Object.hasOwn(COLUMNS, name)) return name as ColumnName; // it is one of the keys
  const alias = Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
  if (alias === undefined) throw unknownOption(name);
  return alias;
}

function unknownOption(what: string): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message: `ps: unknown option or column "${what}"`,
    operation: "list processes",
    hint: `Use -ef, aux, or -o with ${Object.keys(COLUMNS).join(",")}.`,
  });
}

/** The processes of a running container. @throws RuntimeError container-not-running */
export function containerTop(
  engine: EngineContext,
  container: Container,
  options: string,
): ProcessTable {
  const { kernel, machine } = engine;
  requireProcess(container);
  const columns: readonly Column[] = columnsOf(options).map((name) => COLUMNS[name]);
  const bootMs = Number(/^btime (\d+)$/mu.exec(kernel.readText("/proc/stat"))?.[1] ?? 0) * 1000;
  const machineFacts = { bootMs, nowMs: kernel.nowMs(), memoryBytes: machine.memoryBytes };
  const names = {
    users: parseNames(textOr(kernel, "/etc/passwd")),
    groups: parseNames(textOr(kernel, "/etc/group")),
  };
  const living = container.cgroup === null ? [] : readCgroupPids(kernel, container.cgroup);
  // As ps, which sees them too; Docker's list is the cgroup's, where they are gone.
  const pids = [...living, ...zombiesOf(kernel, container).map(({ pid }) => pid)];
  const rows = pids.flatMap((pid) => {
    const facts = readFacts(kernel, pid, names);
    return facts === null ? [] : [columns.map(({ show }) => show({ ...facts, ...machineFacts }))];
  });
  engine.events.tellContainer(container.definition, "top");
  return { Titles: columns.map(({ title }) => title), Processes: rows };
}

/** From a line of /proc/PID/status: real, effective, saved, of the file system. */
function effectiveId(status: string, kind: "Uid" | "Gid"): string {
  return new RegExp(`^${kind}:\\t\\d+\\t(\\d+)`, "mu").exec(status)?.[1] ?? "0";
}

/** null: it has ended since the cgroup was read. */
function readFacts(
  kernel: Files,
  pid: HostPid,
  names: Readonly<Record<"users" | "groups", ReadonlyMap<string, string>>>,
): Pick<ProcessFacts, "pid" | "user" | "group" | "name" | "words" | "stat"> | null {
  try {
    const text = kernel.readText(`/proc/${pid}/stat`);
    const status = kernel.readText(`/proc/${pid}/status`);
    const uid = effectiveId(status, "Uid");
    const gid = effectiveId(status, "Gid");
    const words = kernel.readText(`/proc/${pid}/cmdline`).replace(/\0+$/u, "");
    // The name may hold anything, also spaces and brackets: it ends at the last bracket.
    const end = text.lastIndexOf(")");
    const name = text.slice(text.indexOf("(") + 1, end);
    const stat = text
      .slice(end + 2)
      .trim()
      .split(" ");
    const mark = stat[0] === "Z" ? " <defunct>" : "";
    return {
      pid,
      user: names.users.get(uid) ?? uid,
      group: names.groups.get(gid) ?? gid,
      name: `${name}${mark}`,
      words: words === "" ? `[${name}]${mark}` : words.replaceAll("\0", " "),
      stat,
    };
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}

/** Names by number: passwd(5) and group(5) begin alike. */
function parseNames(text: string): ReadonlyMap<string, string> {
  const fields = text.split("\n").map((line) => line.split(":"));
  return new Map(fields.map(([name = "", , uid = ""]) => [uid, name]));
}

/** The two most common kinds by name: pseudo-terminals (major 136 on) and virtual consoles. */
function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  return major === 4 ? `tty${minor}` : "?";
}

/** The state, and what ps adds: priority, leader of a session, threads, foreground. */
function stateWithFlags(facts: ProcessFacts): string {
  const nice = field(facts, 16);
  const flags: readonly (readonly [holds: boolean, letter: string])[] = [
    [nice < 0, "<"],
    [nice > 0, "N"],
    [field(facts, 3) === facts.pid, "s"],
    [field(facts, 17) > 1, "l"],
    [field(facts, 5) === field(facts, 2), "+"],
  ];
  const letters = flags.filter(([holds]) => holds).map(([, letter]) => letter);
  return (facts.stat[0] ?? "?") + letters.join("");
}

/** @example wholeTime(0) // "Thu Jan  1 00:00:00 1970" */
function wholeTime(atMs: number): string {
  const [day = "", month = "", date = "", year = "", clock = ""] = new Date(atMs)
    .toString()
    .split(" ");
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${clock} ${year}`;
}

/** The hour today, the day before. */
function clockTime(atMs: number, nowMs: number): string {
  const text = new Date(atMs).toString();
  const isToday = new Date(nowMs).toDateString() === new Date(atMs).toDateString();
  return isToday ? text.slice(16, 21) : text.slice(4, 10).replace(" ", "");
}

/** How long ago: without hours while there are none. @example age(61) // "01:01" */
function age(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const text = span(seconds % 86_400);
  if (days > 0) return `${days}-${text}`;
  return seconds < 3600 ? text.slice(3) : text;
}

/** @example span(3661) // "01:01:01" */
function span(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60];
  return parts.map((part) => two(Math.floor(part))).join(":");
}
