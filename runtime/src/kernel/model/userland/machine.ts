/**
 * Machine: commands that tell about the machine and who one is.
 *
 * What they say comes from the kernel or from /proc, as the process sees them.
 *
 * Kernel interface: uname(2), getuid(2), proc(5).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: of df sizes, since nothing in the model is ever full; of date other zones than UTC.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError } from "../../port.ts";
import { idOf, ownerNames } from "./names.ts";
import { readOptions } from "./options.ts";
import { execute, findProgram } from "./programs.ts";
import { Failure, forEach, say, sayLines, variable, type Applet, type Tool } from "./tool.ts";

/** A line of /proc/self/status, as numbers. */
function statusIds({ kernel }: Tool, name: string): readonly number[] {
  const line = new RegExp(`^${name}:\\t(.*)$`, "m").exec(kernel.readText("/proc/self/status"));
  return (line?.[1] ?? "").split(/\s+/).filter(Boolean).map(Number);
}

/** Who one is; without /proc only the user is known. */
function identity(tool: Tool): { uid: number; gid: number; groups: readonly number[] } {
  try {
    const [, uid = 0] = statusIds(tool, "Uid");
    const [, gid = 0] = statusIds(tool, "Gid");
    return { uid, gid, groups: statusIds(tool, "Groups") };
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    return { uid: tool.kernel.identity().effectiveUid, gid: 0, groups: [] };
  }
}

/** `id [-ugGn] [USER]` */
export const id: Applet = async (tool) => {
  const options = readOptions(tool, "ugGnr");
  const names = ownerNames(tool.kernel);
  const [user] = options.operands;
  const who = user === undefined ? identity(tool) : ofUser(tool, user);
  const { uid, gid, groups } = who;
  const all = [...new Set([gid, ...groups])];
  const show = (kind: "user" | "group", number: number): string =>
    options.has("n") ? names[kind](number) : String(number);
  const full = (kind: "user" | "group", number: number): string => {
    const name = names[kind](number);
    return name === String(number) ? name : `${number}(${name})`;
  };
  const which = options.last("ugG");
  const text =
    which === "u"
      ? show("user", uid)
      : which === "g"
        ? show("group", gid)
        : which === "G"
          ? all.map((each) => show("group", each)).join(" ")
          : `uid=${full("user", uid)} gid=${full("group", gid)} groups=${all.map((each) => full("group", each)).join(",")}`;
  await sayLines(tool, [text]);
  return 0;
};

function ofUser(tool: Tool, user: string): ReturnType<typeof identity> {
  const uid = idOf(tool.kernel, "user", user);
  if (uid === undefined) throw new Failure(`unknown user ${user}`);
  const line = tool.kernel
    .readText("/etc/passwd")
    .split("\n")
    .find((each) => each.split(":")[2] === String(uid));
  return { uid, gid: Number(line?.split(":")[3] ?? 0), groups: [] };
}

/** `whoami` */
export const whoami: Applet = async (tool) => {
  const { uid } = identity(tool);
  const name = ownerNames(tool.kernel).user(uid);
  if (name === String(uid)) throw new Failure(`unknown uid ${uid}`);
  await sayLines(tool, [name]);
  return 0;
};

/** `hostname [NAME]` */
export const hostname: Applet = async (tool) => {
  const { operands } = readOptions(tool, "sfidF:");
  const [name] = operands;
  if (name === undefined) {
    await sayLines(tool, [tool.kernel.uname().nodename]);
    return 0;
  }
  return forEach(
    tool,
    [name],
    () => "sethostname",
    (each) => tool.kernel.setHostname(each),
  );
};

/** `uname [-asnrvm]` */
export const uname: Applet = async (tool) => {
  const options = readOptions(tool, "asnrvmpio");
  const { sysname, nodename, release, version, machine } = tool.kernel.uname();
  const fields = { s: sysname, n: nodename, r: release, v: version, m: machine };
  const all = Object.entries({ ...fields, o: "GNU/Linux" });
  const chosen = all.filter(([letter]) => options.has("a") || options.has(letter));
  const words = chosen.length === 0 ? [sysname] : chosen.map(([, word]) => word);
  await sayLines(tool, [words.join(" ")]);
  return 0;
};

const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const MONTHS =
  "January February March April May June July August September October November December".split(
    " ",
  );
const two = (value: number): string => String(value).padStart(2, "0");

const DATE_FIELDS: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getUTCFullYear()),
  y: (date) => two(date.getUTCFullYear() % 100),
  m: (date) => two(date.getUTCMonth() + 1),
  d: (date) => two(date.getUTCDate()),
  e: (date) => String(date.getUTCDate()).padStart(2),
  H: (date) => two(date.getUTCHours()),
  M: (date) => two(date.getUTCMinutes()),
  S: (date) => two(date.getUTCSeconds()),
  F: (date) => date.toISOString().slice(0, 10),
  T: (date) => date.toISOString().slice(11, 19),
  A: (date) => DAYS[date.getUTCDay()] ?? "",
  a: (date) => (DAYS[date.getUTCDay()] ?? "").slice(0, 3),
  B: (date) => MONTHS[date.getUTCMonth()] ?? "",
  b: (date) => (MONTHS[date.getUTCMonth()] ?? "").slice(0, 3),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  Z: () => "UTC",
  z: () => "+0000",
  n: () => "\n",
  "%": () => "%",
};

/** `date [-u] [-d @SECONDS] [+FORMAT]` */
export const date: Applet = async (tool) => {
  const options = readOptions(tool, "ud:r:IR");
  const wish = options.value("d");
  const ms =
    wish === undefined
      ? tool.kernel.nowMs()
      : wish.startsWith("@")
        ? Number(wish.slice(1)) * 1000
        : Date.parse(`${wish.replace(" ", "T")}Z`);
  if (Number.isNaN(ms)) throw new Failure(`invalid date '${wish}'`);
  const [format = "+%a %b %e %H:%M:%S %Z %Y"] = options.operands;
  const when = new Date(ms);
  await sayLines(tool, [
    format
      .slice(1)
      .replace(/%([a-zA-Z%])/g, (all, letter: string) => DATE_FIELDS[letter]?.(when) ?? all),
  ]);
  return 0;
};

/** `env [-i] [NAME=VALUE]… [COMMAND…]` */
export const env: Applet = async (tool) => {
  const options = readOptions(tool, "+iu:");
  const words = [...options.operands];
  const values = new Map<string, string>();
  const take = (each: string): void => {
    const at = each.indexOf("=");
    values.set(each.slice(0, at), each.slice(at + 1));
  };
  if (!options.has("i")) for (const each of tool.env) take(each);
  values.delete(options.value("u") ?? "");
  while (words[0]?.includes("=") === true) take(words.shift() ?? "");
  const all = [...values].map(([name, value]) => `${name}=${value}`);
  if (words.length > 0) return execute(tool, words, all);
  await sayLines(tool, all);
  return 0;
};

/** `printenv [NAME]…` */
export const printenv: Applet = async (tool) => {
  if (tool.args.length === 0) {
    await sayLines(tool, tool.env);
    return 0;
  }
  const values = tool.args.map((name) => variable(tool, name));
  await sayLines(
    tool,
    values.filter((each) => each !== undefined),
  );
  return values.includes(undefined) ? 1 : 0;
};

/** `nproc`: the processors that the process may run on. */
export const nproc: Applet = async (tool) => {
  const status = tool.kernel.readText("/proc/self/status");
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "0";
  const counts = list.split(",").map((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return last - first + 1;
  });
  await sayLines(tool, [String(counts.reduce((sum, count) => sum + count, 0))]);
  return 0;
};

/** `which NAME…` */
export const which: Applet = async (tool) => {
  let exitCode = 0;
  for (const name of readOptions(tool, "a").operands) {
    const path = findProgram(tool.kernel, name, variable(tool, "PATH"));
    if (path === undefined) exitCode = 1;
    else await sayLines(tool, [path]);
  }
  return exitCode;
};

/** `clear` */
export const clear: Applet = async (tool) => {
  await say(tool, "\x1b[H\x1b[J");
  return 0;
};

/** `uptime` */
export const uptime: Applet = async (tool) => {
  const [seconds = "0"] = tool.kernel.readText("/proc/uptime").split(" ");
  const minutes = Math.floor(Number(seconds) / 60);
  const now = new Date(tool.kernel.nowMs()).toISOString().slice(11, 19);
  await sayLines(tool, [` ${now} up ${minutes} min,  0 users,  load average: 0.00, 0.00, 0.00`]);
  return 0;
};
