/**
 * The story of a container against strace(1): who looks at daemon and keeper from outside sees no
 * mount, namespace, pivot_root or cgroup write that `explain` does not tell.
 */
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ExplainedCall } from "../src/engine/told.ts";
import { skipped, until, whyNoContainers } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const whyNot = whyNoContainers() ?? (spawnSync("strace", ["-V"]).status === 0 ? null : "no strace");
const skip = skipped("explain against strace", whyNot);
const daemon = shareDaemon(skip);

/** Every call that could make or change a mount, a namespace or a cgroup. */
const WATCHED = `mount umount2 unshare setns pivot_root chroot mkdir mkdirat rmdir write clone clone3 move_mount open_tree fsopen fsmount mount_setattr kill pidfd_send_signal`;

test("strace sees no mount, namespace, signal or cgroup write that explain does not tell", async () => {
  const keeper = daemon.processes().find((pid) => pid !== daemon.pid) ?? 0;
  const log = join(daemon.directory, "strace.log");
  const names = WATCHED.split(/\s+/).map((name) => `?${name}`);
  const pids = [daemon.pid, keeper].flatMap((pid) => ["-p", String(pid)]);
  const options = [
    "-f",
    "-y",
    "-qq",
    "-v",
    "-s",
    "200",
    "-o",
    log,
    "-e",
    `trace=${names.join(",")}`,
  ];
  const strace = spawn("strace", [...options, ...pids], { stdio: "inherit" });
  const traces = async (): Promise<boolean> => [daemon.pid, keeper].every(isTraced);
  await until("strace watches both", traces, (holds) => holds);
  const limits = ["-m", "64m", "-v", "/tmp:/mnt:ro"];
  await must("run", "-d", ...limits, "--name", "seen", "busybox", "sleep", "100");
  await must("exec", "seen", "true");
  await must("pause", "seen");
  await must("unpause", "seen");
  await must("update", "-m", "32m", "--memory-swap", "64m", "seen");
  await must("stop", "-t", "0", "seen");
  await must("cp", "seen:/etc/passwd", "-");
  const told = await untilTold("seen");
  strace.kill("SIGTERM");
  await new Promise((resolve) => strace.once("exit", resolve));
  const seen = seenCalls(readFileSync(log, "utf8"));
  const journaled = meantCalls(told);
  expect(seen.length, "strace saw too little").toBeGreaterThan(60);
  expect(missing(seen, journaled), "seen by strace, not told").toEqual([]);
  expect(missing(journaled, seen), "told, not seen by strace").toEqual([]);
  const kinds = new Set(seen.map((line) => line.split(" ", 1)[0]));
  const all = ["clone", "kill", "mkdir", "mount", "pivot_root", "rmdir", "setns", "umount2"];
  expect(kinds).toEqual(new Set([...all, "unshare", "write"]));
});

const must = (...args: string[]): Promise<string> => daemon.mustDrydock(...args);

/** Its cgroup goes a moment after the answer. */
async function untilTold(name: string): Promise<readonly ExplainedCall[]> {
  const read = async (): Promise<readonly ExplainedCall[]> =>
    (await daemon.api("GET", `/drydock/containers/${name}/journal`)).json();
  return until("the cgroup is gone", read, (told) => told.some(({ call }) => call === "rmdir"));
}

function isTraced(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((tid) =>
    /^TracerPid:\s*[1-9]/m.test(readFileSync(`/proc/${pid}/task/${tid}/status`, "utf8")),
  );
}

/** A line of strace: its words after the bracket, and the texts among them. */
interface Line {
  readonly words: string;
  readonly texts: readonly string[];
}

/** What is left to say of a call; undefined: it is about something else. */
const SEEN: Readonly<Record<string, (line: Line) => string | undefined>> = {
  mount: ({ texts }) => texts[1],
  write: ({ words, texts }) => cgroupWrite(words, texts[0] ?? ""),
  mkdir: ({ texts }) => cgroupDirectory(texts[0] ?? ""),
  rmdir: ({ texts }) => cgroupDirectory(texts[0] ?? ""),
  setns: ({ words }) => /CLONE_NEW\w+/.exec(words)?.[0],
  unshare: ({ words }) => /CLONE_\S+(?=\))/.exec(words)?.[0],
  clone: ({ words }) => /CLONE_NEW\w+/.exec(words)?.[0],
  clone3: ({ words }) => /CLONE_NEW\w+/.exec(words)?.[0],
  // Signal 0 only asks.
  kill: ({ words }) => /SIG\w+/.exec(words)?.[0],
};

/** What strace wrote, as "call object": what is about mounts, namespaces, cgroups and signals. */
function seenCalls(log: string): readonly string[] {
  return log.split("\n").flatMap((line) => {
    const [, call, words = ""] = /^\d+ +(\w+)\((.*)/.exec(line) ?? [];
    if (call === undefined) return [];
    const texts = [...words.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text);
    const say = SEEN[call] ?? (() => texts[0] ?? "");
    const said = say({ words, texts });
    return said === undefined ? [] : [`${call} ${said}`];
  });
}

function cgroupWrite(words: string, text: string): string | undefined {
  const [, path = ""] = /^\d+<([^>]*)>/.exec(words) ?? [];
  return isCgroupFile(path) ? `${fileName(path)} ${text}` : undefined;
}

function cgroupDirectory(path: string): string | undefined {
  return path.startsWith("/sys/fs/cgroup") ? path : undefined;
}

function isCgroupFile(path: string): boolean {
  return path.startsWith("/sys/fs/cgroup") || /(?:\/|^)(?:tasks|cgroup\.procs)$/.test(path);
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The arguments of a told call; which they are is known from the call. */
interface Told {
  readonly path: string;
  readonly first: unknown;
  readonly second: unknown;
  /** The name of the file that a handle of this process stands for. */
  readonly opened: (handle: unknown) => string;
}

const list = (value: unknown): readonly string[] => [value].flat().map(String);

const MEANT: Readonly<Record<string, (told: Told) => readonly string[]>> = {
  mount: ({ first }) => [`mount ${(first as { target: string }).target}`],
  umount: ({ path }) => [`umount2 ${path}`],
  pivotRoot: ({ path }) => [`pivot_root ${path}`],
  unshare: ({ first }) => [`unshare ${list(first).join("|")}`],
  joinNamespaces: ({ second }) => list(second).map((kind) => `setns ${kind}`),
  spawn: ({ first }) => spawnCalls((first as { pidNamespace: unknown }).pidNamespace),
  kill: ({ second }) => [`kill ${String(second)}`],
  mkdir: ({ path }) => (cgroupDirectory(path) === undefined ? [] : [`mkdir ${path}`]),
  rmdir: ({ path }) => (cgroupDirectory(path) === undefined ? [] : [`rmdir ${path}`]),
  joinCgroups: ({ first, opened }) => list(first).map((handle) => `write ${opened(handle)} 0`),
  writeEach: writesOf,
  writeFile: writesOf,
};

function writesOf({ path, second }: Told): readonly string[] {
  if (!isCgroupFile(path)) return [];
  return list(second).map((text) => `write ${fileName(path)} ${text}`);
}

/** The system calls that told calls stand for, in the words of `seenCalls`. */
function meantCalls(told: readonly ExplainedCall[]): readonly string[] {
  const handles = new Map<string, string>();
  return told.flatMap(({ call, args: [first, second], result, hostPid }) => {
    const path = typeof first === "string" ? first : "";
    const keyOf = (handle: unknown): string => JSON.stringify([hostPid, String(handle)]);
    if (call === "openCgroups") {
      for (const [at, handle] of list(result).entries()) {
        handles.set(keyOf(handle), fileName(list(first)[at] ?? ""));
      }
    }
    const opened = (handle: unknown): string => handles.get(keyOf(handle)) ?? "?";
    return MEANT[call]?.({ path, first, second, opened }) ?? [];
  });
}

function spawnCalls(pidNamespace: unknown): readonly string[] {
  if (pidNamespace === "new") return ["clone CLONE_NEWPID"];
  return pidNamespace === "inherit" ? [] : ["setns CLONE_NEWPID"];
}

/** What is in the first list more often than in the second. */
function missing(wanted: readonly string[], found: readonly string[]): readonly string[] {
  const left = [...found];
  return wanted.filter((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
