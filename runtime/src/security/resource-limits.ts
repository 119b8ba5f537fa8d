/**
 * Resource limits: how much one process may use.
 *
 * Long before cgroups every process had limits of its own: open files, locked memory, core dumps.
 * A process may lower its hard limit and move its soft limit below it; only CAP_SYS_RESOURCE raises
 * a hard one. So a container can never get more than the engine has, unless the engine may raise.
 *
 * Kernel interface: getrlimit(2), prlimit(2), /proc/PID/limits.
 * Specification: Docker Engine API v1.50, HostConfig.Ulimits; OCI runtime-spec v1.2, rlimits.
 * Invariants:
 *   limits-within-ours   a planned hard limit is never above our own unless we may raise it
 *   limits-round-trip    printing a limit and parsing it gives the same limit
 * Left out: RLIMIT_AS, which Docker does not offer either.
 * Docs: docs/concepts/capabilities.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { ResourceLimit } from "../kernel/index.ts";

/** One `--ulimit` as the API spells it; -1 is unlimited. */
export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/** What the engine itself has and may do. */
export interface LimitFacts {
  readonly own: readonly ResourceLimit[];
  readonly mayRaise: "yes" | "no";
}

const NAMES = [
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
];

function invalid(message: string, subject: string): RuntimeError {
  return new RuntimeError({
    code: "resource-invalid",
    class: "invalid",
    message,
    operation: "set a resource limit",
    subject,
    hint: `Write NAME=SOFT[:HARD], for example nofile=1024:2048; names are ${NAMES.join(", ")}.`,
  });
}

function parseValue(text: string): number {
  if (text === "infinity" || text === "-1") return -1;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw invalid(`strconv.ParseInt: parsing "${text}": invalid syntax`, text);
  }
  return value;
}

function checkOrder(soft: number, hard: number, subject: string): void {
  const wrong = "ulimit soft limit must be less than or equal to hard limit";
  if (hard === -1) return;
  if (soft === -1) throw invalid(`${wrong}: soft: -1 (unlimited), hard: ${hard}`, subject);
  if (soft > hard) throw invalid(`${wrong}: ${soft} > ${hard}`, subject);
}

/**
 * Parses `--ulimit`.
 *
 * @throws RuntimeError `resource-invalid` (400) in Docker's words
 * @example parseUlimit("nofile=1024:2048") // { Name: "nofile", Soft: 1024, Hard: 2048 }
 */
export function parseUlimit(text: string): Ulimit {
  const equals = text.indexOf("=");
  if (equals === -1) throw invalid(`invalid ulimit argument: ${text}`, text);
  const Name = text.slice(0, equals);
  if (!NAMES.includes(Name)) throw invalid(`invalid ulimit type: ${Name}`, text);
  const values = text.slice(equals + 1).split(":");
  const [soft = "", hard = soft] = values;
  if (values.length > 2) {
    const given = values.join(":");
    throw invalid(
      `too many limit value arguments - ${given}, can only have up to two, \`soft[:hard]\``,
      text,
    );
  }
  const ulimit = { Name, Soft: parseValue(soft), Hard: parseValue(hard) };
  checkOrder(ulimit.Soft, ulimit.Hard, text);
  return ulimit;
}

/**
 * Prints a limit as `docker inspect` and `--ulimit` write it.
 *
 * @example printUlimit({ Name: "core", Soft: 0, Hard: -1 }) // "core=0:-1"
 */
export function printUlimit(ulimit: Ulimit): string {
  return `${ulimit.Name}=${ulimit.Soft}:${ulimit.Hard}`;
}

function limitOf(ulimit: Ulimit): ResourceLimit {
  const value = (number: number) => (number === -1 ? Infinity : number);
  return {
    name: `RLIMIT_${ulimit.Name.toUpperCase()}`,
    soft: value(ulimit.Soft),
    hard: value(ulimit.Hard),
  };
}

/**
 * Turns the API's limits into calls; the last of two with one name wins.
 *
 * @throws RuntimeError `resource-invalid`: unknown name or soft above hard (400); a hard limit
 * above the engine's own, which it may not raise (403)
 * @example planResourceLimits([{ Name: "core", Soft: 0, Hard: 0 }], { own: [], mayRaise: "yes" })
 * // [{ name: "RLIMIT_CORE", soft: 0, hard: 0 }]
 */
export function planResourceLimits(
  ulimits: readonly Ulimit[],
  facts: LimitFacts,
): readonly ResourceLimit[] {
  const byName = new Map<string, ResourceLimit>();
  for (const ulimit of ulimits) {
    if (!NAMES.includes(ulimit.Name))
      throw invalid(`invalid ulimit type: ${ulimit.Name}`, ulimit.Name);
    checkOrder(ulimit.Soft, ulimit.Hard, printUlimit(ulimit));
    const limit = limitOf(ulimit);
    const own = facts.own.find(({ name }) => name === limit.name);
    if (facts.mayRaise === "no" && own !== undefined && limit.hard > own.hard) {
      throw new RuntimeError({
        code: "resource-invalid",
        class: "denied",
        message: `error setting rlimit ${limit.name}: hard limit ${limit.hard} exceeds ${own.hard}`,
        operation: "set a resource limit",
        subject: printUlimit(ulimit),
        errno: "EPERM",
        hint: `Ask for at most ${own.hard}: the engine lacks CAP_SYS_RESOURCE to raise its own.`,
      });
    }
    byName.set(limit.name, limit);
  }
  return [...byName.values()];
}

const LIMITS_FILE: Readonly<Record<string, string>> = {
  "Max cpu time": "RLIMIT_CPU",
  "Max file size": "RLIMIT_FSIZE",
  "Max data size": "RLIMIT_DATA",
  "Max stack size": "RLIMIT_STACK",
  "Max core file size": "RLIMIT_CORE",
  "Max resident set": "RLIMIT_RSS",
  "Max processes": "RLIMIT_NPROC",
  "Max open files": "RLIMIT_NOFILE",
  "Max locked memory": "RLIMIT_MEMLOCK",
  "Max address space": "RLIMIT_AS",
  "Max file locks": "RLIMIT_LOCKS",
  "Max pending signals": "RLIMIT_SIGPENDING",
  "Max msgqueue size": "RLIMIT_MSGQUEUE",
  "Max nice priority": "RLIMIT_NICE",
  "Max realtime priority": "RLIMIT_RTPRIO",
  "Max realtime timeout": "RLIMIT_RTTIME",
};

/**
 * Parses /proc/PID/limits: what a process has now.
 *
 * @example parseLimits("Max open files            1024      4096      files     \n")
 * // [{ name: "RLIMIT_NOFILE", soft: 1024, hard: 4096 }]
 */
export function parseLimits(text: string): readonly ResourceLimit[] {
  const value = (word: string) => (word === "unlimited" ? Infinity : Number(word));
  return text.split("\n").flatMap((line) => {
    const match = /^(Max [a-z ]+?)\s{2,}(\d+|unlimited)\s+(\d+|unlimited)/.exec(line);
    const name = LIMITS_FILE[match?.[1] ?? ""];
    if (match === null || name === undefined) return [];
    return [{ name, soft: value(match[2] ?? ""), hard: value(match[3] ?? "") }];
  });
}
