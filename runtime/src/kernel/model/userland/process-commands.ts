/**
 * Processes: commands about processes, and those that start others.
 *
 * ps reads /proc, so it shows what the mounted proc shows: the processes of one PID namespace.
 *
 * Kernel interface: proc(5), kill(2), fork(2), execve(2).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: times and sizes, which the model does not count; of xargs all but -n, -I, -0 and -t.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError } from "../../port.ts";
import { signalName, signalNumber } from "../../signals.ts";
import { bytesOf } from "./sizes.ts";
import { errnoText } from "./errno-text.ts";
import { ownerNames } from "./names.ts";
import { readOptions, type Options } from "./options.ts";
import { execute, findProgram, start } from "./programs.ts";
import {
  complain,
  Failure,
  forEach,
  readAll,
  sayLines,
  variable,
  type Applet,
  type Tool,
} from "./tool.ts";

/** `ps`, with any options */
export const ps: Applet = async (tool) => {
  const names = ownerNames(tool.kernel);
  const pids = tool.kernel
    .readdir("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b);
  const rows = pids.flatMap((pid) => {
    const found = describe(tool, pid);
    if (found === undefined) return [];
    const user = names.user(found.uid).slice(0, 8).padEnd(8);
    return [`${String(pid).padStart(5)} ${user}  0:00 ${found.command}`];
  });
  await sayLines(tool, ["PID   USER     TIME  COMMAND", ...rows]);
  return 0;
};

/** What /proc tells of a process; undefined when it is gone. */
function describe(
  { kernel }: Tool,
  pid: number,
): { readonly uid: number; readonly name: string; readonly command: string } | undefined {
  try {
    const status = kernel.readText(`/proc/${pid}/status`);
    const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1] ?? 0);
    const name = kernel.readText(`/proc/${pid}/comm`).trimEnd();
    const words = kernel.readText(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
    return { uid, name, command: words.length === 0 ? `[${name}]` : words.join(" ") };
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") return undefined;
    throw error;
  }
}

/** `pidof NAME…` */
export const pidof: Applet = async (tool) => {
  const pids = tool.kernel.readdir("/proc").filter((name) => /^\d+$/.test(name));
  const found = pids.filter((pid) => tool.args.includes(describe(tool, Number(pid))?.name ?? ""));
  if (found.length === 0) return 1;
  await sayLines(tool, [found.toSorted((a, b) => Number(b) - Number(a)).join(" ")]);
  return 0;
};

/** `TERM`, `SIGTERM` or `15`. */
function signalOf(word: string): string {
  if (word === "0") return "0";
  const name = /^\d+$/.test(word)
    ? signalName(Number(word))
    : word.toUpperCase().replace(/^(SIG)?/, "SIG");
  if (signalNumber(name) === undefined) throw new Failure(`bad signal name '${word}'`);
  return name;
}

/** `kill [-SIGNAL] PID…`, `kill -l` */
export const kill: Applet = async (tool) => {
  if (tool.args[0] === "-l") {
    const all = Array.from({ length: 31 }, (_, at) => at + 1);
    const rows = all.map((each) => `${String(each).padStart(2)}) ${signalName(each).slice(3)}`);
    await sayLines(tool, rows);
    return 0;
  }
  const { signal, pids } = readKill(tool.args);
  if (pids.length === 0) throw new Failure("you need to specify whom to kill");
  return forEach(tool, pids, String, (pid) => killOne(tool, pid, signal));
};

function readKill(args: readonly string[]): { signal: string; pids: readonly string[] } {
  const [first = "", second = ""] = args;
  if (first === "-s" || first === "-n") return { signal: signalOf(second), pids: args.slice(2) };
  if (first === "--") return { signal: "SIGTERM", pids: args.slice(1) };
  if (!first.startsWith("-")) return { signal: "SIGTERM", pids: args };
  return { signal: signalOf(first.slice(1)), pids: args.slice(1) };
}

function killOne({ kernel }: Tool, pid: string, signal: string): void {
  if (!/^\d+$/.test(pid)) throw new Failure(`invalid number '${pid}'`);
  try {
    kernel.kill(Number(pid), signal);
  } catch (error) {
    // That there is no such process is a message; that we are none any more must pass.
    if (!(error instanceof KernelError) || error.syscall !== "kill") throw error;
    throw new Failure(`can't kill pid ${pid}: ${errnoText(error.errno)}`);
  }
}

const UNITS_MS: Readonly<Record<string, number>> = {
  "": 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `sleep SECONDS…` */
export const sleep: Applet = async (tool) => {
  if (tool.args.length === 0) throw new Failure("missing operand");
  const parts = tool.args.map((word) => {
    const [, digits, unit = ""] = /^(\d*\.?\d+)([smhd]?)$/.exec(word) ?? [];
    if (digits !== undefined) return Number(digits) * (UNITS_MS[unit] ?? 0);
    if (word === "infinity" || word === "inf") return Infinity;
    throw new Failure(`invalid number '${word}'`);
  });
  const ms = parts.reduce((sum, each) => sum + each, 0);
  await new Promise<void>((resolve) => {
    if (ms !== Infinity) tool.kernel.after(ms, resolve);
  });
  return 0;
};

/** `timeout [-s SIGNAL] SECONDS COMMAND…`: it becomes the command, which is ended in time. */
export const timeout: Applet = (tool) => {
  const options = readOptions(tool, "+s:k:");
  const [seconds = "", ...words] = options.operands;
  const signal = signalOf(options.value("s") ?? "TERM");
  const { hostPid } = tool.kernel.identity();
  tool.kernel.after(Number(seconds) * 1000, () => {
    try {
      tool.kernel.kill(hostPid, signal);
    } catch (error) {
      // It ended in time.
      if (!(error instanceof KernelError)) throw error;
    }
  });
  return execute(tool, words);
};

/** `xargs [-n N] [-I WORD] [-0rt] [COMMAND…]` */
export const xargs: Applet = async (tool) => {
  const options = readOptions(tool, "+n:I:0rtL:");
  const place = options.value("I");
  const text = new TextDecoder().decode(await readAll(tool, tool.streams.stdin));
  const items = itemsOf(text, options);
  const command = options.operands.length === 0 ? ["echo"] : options.operands;
  if (items.length === 0 && (options.has("r") || place !== undefined)) return 0;
  const [name = ""] = command;
  if (findProgram(tool.kernel, name, variable(tool, "PATH")) === undefined) {
    await complain(tool, `${name}: ${errnoText("ENOENT")}`);
    return 127;
  }
  const size = place === undefined ? Number(options.value("n") ?? items.length) : 1;
  const lines = grouped(items, Math.max(size, 1)).map((own) =>
    place === undefined
      ? [...command, ...own]
      : command.map((word) => word.replaceAll(place, own[0] ?? "")),
  );
  return startAll(tool, lines);
};

async function startAll(tool: Tool, lines: readonly (readonly string[])[]): Promise<number> {
  let exitCode = 0;
  for (const words of lines) {
    const code = await start(tool, words).ended;
    if (code === 127 || code === 126) return code;
    if (code !== 0) exitCode = 123;
  }
  return exitCode;
}

/** In groups of so many; one group of nothing when there is nothing. */
function grouped(items: readonly string[], size: number): readonly (readonly string[])[] {
  const count = Math.max(Math.ceil(items.length / size), 1);
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size));
}

function itemsOf(text: string, options: Options): readonly string[] {
  if (options.has("0")) return text.split("\0").filter(Boolean);
  if (options.value("I") === undefined) return wordsOf(text);
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter(Boolean);
}

/** Words that white space separates, with quotes. */
function wordsOf(text: string): readonly string[] {
  const found = text.matchAll(/(?:"[^"\n]*"|'[^'\n]*'|\\[\s\S]|[^\s"'\\])+/g);
  return [...found].map(([word]) =>
    word.replace(
      /"([^"]*)"|'([^']*)'|\\([\s\S])/g,
      (_, a?: string, b?: string, c?: string) => a ?? b ?? c ?? "",
    ),
  );
}

/** `nohup COMMAND…` */
export const nohup: Applet = (tool) => {
  tool.context.onSignal("SIGHUP", "ignore");
  return execute(tool, tool.args);
};

/** `setsid COMMAND…` */
export const setsid: Applet = (tool) => {
  tool.kernel.setSession();
  return execute(tool, tool.args);
};

/** `memory BYTES`: holds so much memory until it ends; not of busybox, for trying limits. */
export const memory: Applet = async (tool) => {
  const [word = "0"] = tool.args;
  try {
    tool.context.useMemory(bytesOf(word));
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== "ENOMEM") throw error;
    throw new Failure(`cannot hold ${word} bytes: ${errnoText(error.errno)}`);
  }
  await sayLines(tool, [`holding ${word} bytes`]);
  return new Promise(() => undefined);
};
