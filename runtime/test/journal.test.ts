/**
 * The story of a container against strace(1): who looks at daemon and keeper from outside sees no
 * mount, namespace, pivot_root or cgroup write that `explain` does not tell.
 */
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ExplainedCall } from "../src/engine/engine.ts";
import { skipped, until, whyNoContainers } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const whyNot = whyNoContainers() ?? (spawnSync("strace", ["-V"]).status === 0 ? null : "no strace");
const skip = skipped("explain against strace", whyNot);
const daemon = shareDaemon(skip);

/** Every call that could make or change a mount, a namespace or a cgroup. */
const WATCHED = `mount umount2 unshare setns pivot_root chroot mkdir mkdirat rmdir unlinkat write pwrite64
writev clone clone3 move_mount open_tree fsopen fsmount mount_setattr kill pidfd_send_signal`;

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
  const id = await must("run", "-d", ...limits, "--name", "seen", "busybox", "sleep", "100");
  await must("exec", "seen", "true");
  await must("pause", "seen");
  await must("unpause", "seen");
  await must("update", "-m", "32m", "--memory-swap", "64m", "seen");
  await must("stop", "-t", "0", "seen");
  await must("cp", "seen:/etc/passwd", "-");
  const told = await untilTold("seen");
  strace.kill("SIGTERM");
  await new Promise((resolve) => strace.once("exit", resolve));
  const seen = seenCalls(readFileSync(log, "utf8"), id);
  const journaled = told.flatMap(systemCalls());
  expect(seen.length, "strace saw too little").toBeGreaterThan(60);
  expect(missing(seen, journaled), "seen by strace, not told").toEqual([]);
  expect(missing(journaled, seen), "told, not seen by strace").toEqual([]);
  for (const call of ["mount", "unshare", "setns", "pivot_root", "umount2", "kill", "rmdir"]) {
    expect(
      seen.some((line) => line.startsWith(`${call} `)),
      call,
    ).toBe(true);
  }
});

const must = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await daemon.drydock(...args);
  if (code !== 0) throw new Error(`drydock ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
  return stdout.trimEnd();
};

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

/** What strace wrote, as "call object": what is about mounts, namespaces, cgroups and signals. */
function seenCalls(log: string, id: string): readonly string[] {
  return log.split("\n").flatMap((line): readonly string[] => {
    const [, call = "", words = ""] = /^\d+ +(\w+)\((.*)/.exec(line) ?? [];
    if (line.includes("resumed>")) return [];
    const paths = [...words.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text);
    switch (call) {
      case "mount":
        return [`mount ${paths[1]}`];
      case "write":
      case "pwrite64":
      case "writev": {
        const [, path = ""] = /^\d+<([^>]*)>/.exec(words) ?? [];
        return isCgroupFile(path) ? [`write ${fileName(path)} ${paths[0]}`] : [];
      }
      case "mkdir":
      case "rmdir":
        return (paths[0] ?? "").startsWith("/sys/fs/cgroup") ? [`${call} ${paths[0]}`] : [];
      case "setns":
        return [`setns ${/CLONE_NEW\w+/.exec(words)?.[0]}`];
      case "unshare":
        return [`unshare ${/CLONE_\S+(?=\))/.exec(words)?.[0]}`];
      case "clone":
      case "clone3":
        return words.includes("CLONE_NEW") ? [`clone ${/CLONE_NEW\w+/.exec(words)?.[0]}`] : [];
      case "kill":
        return words.includes(", 0)") ? [] : [`kill ${/SIG\w+/.exec(words)?.[0]}`];
      case "":
        return [];
      default:
        // Files of a removed container, and nothing that nobody expects.
        return line.includes(id) || call !== "unlinkat" ? [`${call} ${paths[0] ?? ""}`] : [];
    }
  });
}

function isCgroupFile(path: string): boolean {
  return path.startsWith("/sys/fs/cgroup") || /(?:\/|^)(?:tasks|cgroup\.procs)$/.test(path);
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The system calls that a told call stands for, in the words of `seenCalls`. */
function systemCalls(): (told: ExplainedCall) => readonly string[] {
  // A handle is a descriptor: in each process it stands for what was opened last.
  const opened = new Map<string, string>();
  return ({ call, args, result, hostPid }) => {
    // The journal's words are those of the port's arguments.
    const [first, second] = args as readonly [never, never];
    switch (call) {
      case "mount":
        return [`mount ${(first as { target: string }).target}`];
      case "umount":
        return [`umount2 ${String(first)}`];
      case "pivotRoot":
        return [`pivot_root ${String(first)}`];
      case "unshare":
        return [`unshare ${(first as readonly string[]).join("|")}`];
      case "joinNamespaces":
        return (second as readonly string[]).map((kind) => `setns ${kind}`);
      case "spawn":
        return spawnCalls((first as { pidNamespace: unknown }).pidNamespace);
      case "kill":
        return [`kill ${String(second)}`];
      case "mkdir":
      case "rmdir":
        return String(first).startsWith("/sys/fs/cgroup") ? [`${call} ${String(first)}`] : [];
      case "openCgroup":
        opened.set(`${hostPid} ${String(result)}`, fileName(String(first)));
        return [];
      case "joinCgroup":
        return [`write ${opened.get(`${hostPid} ${String(first)}`)} 0`];
      case "writeEach":
      case "writeFile":
        if (!isCgroupFile(String(first))) return [];
        return [second as string | readonly string[]]
          .flat()
          .map((text) => `write ${fileName(String(first))} ${text}`);
      default:
        return [];
    }
  };
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
