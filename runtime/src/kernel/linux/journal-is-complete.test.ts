/**
 * The journal against strace(1): a program that looks from outside sees no effect that it lacks.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { expect, test } from "vitest";
import type { CallName } from "../calls.ts";
import type { JournalEntry } from "../recorded-call.ts";

/** Which of the system calls below one call of the port makes. */
const MADE: Partial<Record<CallName, readonly string[]>> = {
  spawn: ["clone"],
  unshare: ["unshare"],
  mount: ["mount"],
  umount: ["umount2"],
  mkdir: ["mkdir"],
  rmdir: ["rmdir"],
  symlink: ["symlink"],
  rename: ["rename"],
  unlink: ["unlink"],
  mknod: ["mknodat"],
  setHostname: ["sethostname"],
  setSession: ["setsid"],
  setResourceLimit: ["prlimit64"],
  setGroups: ["setgroups"],
  setGid: ["setresgid"],
  setUid: ["setresuid"],
  setCapabilities: ["capset"],
  installSeccomp: ["seccomp"],
  execve: ["execve"],
};

/** Calls that strace must look for: all of the above and their siblings, which nobody may make. */
const SIBLINGS = `
mkdirat unlinkat renameat renameat2 symlinkat link linkat mknod pivot_root chroot setdomainname setuid
setgid setreuid setregid umount move_mount open_tree fsopen fsmount mount_setattr bpf`;
const WATCHED = [...new Set(Object.values(MADE).flat()), ...SIBLINGS.trim().split(/\s+/)];

const isRoot = process.geteuid?.() === 0;
const hasStrace = spawnSync("strace", ["-V"]).status === 0;
// Elsewhere the same functions of the C library make other calls (mkdirat for mkdir).
const canRun = isRoot && hasStrace && process.arch === "x64";
if (!canRun) console.info("Skipped: the journal against strace needs root, strace and x86_64");

test.runIf(canRun)("strace sees exactly the effects that the journal tells", () => {
  const scratch = fs.mkdtempSync(`${os.tmpdir()}/drydock-strace-`);
  const log = `${scratch}/strace.log`;
  const program = new URL("traced-program.fixture.ts", import.meta.url).pathname;
  const known = WATCHED.map((name) => `?${name}`).join(",");
  const node = [process.execPath, "--single-threaded", "--import", "tsx", program, scratch];
  const { stdout, stderr } = spawnSync("strace", ["-f", "-qq", "-o", log, "-e", known, ...node], {
    encoding: "utf8",
  });
  const seen = fs.readFileSync(log, "utf8");
  fs.rmSync(scratch, { recursive: true });
  expect(stderr).toBe("");
  // This file's own fixture printed it.
  const told = JSON.parse(stdout) as { hostPid: number; entries: readonly JournalEntry[] };
  const callsOf = (isChild: boolean): readonly string[] =>
    told.entries
      .filter(({ hostPid }) => (hostPid === told.hostPid) === isChild)
      .flatMap(({ call }) => MADE[call] ?? []);
  const lines = seen.split("\n");
  const calls = lines.map((line) => {
    const [, pid, name] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    return { pid: Number(pid), name };
  });
  const child = calls.filter(({ pid }) => pid === told.hostPid).map(({ name }) => name);
  // What the program does that it has become is its own business.
  const ours = child.slice(0, child.indexOf("execve") + 1);
  // What comes before is Node, and the loader that translates the program.
  const first = lines.findIndex((line) => line.includes(`mkdir("${scratch}/root"`));
  const parent = calls.slice(first).filter(({ pid }) => pid === calls[first]?.pid);

  expect(callsOf(true).length).toBeGreaterThan(12);
  expect(ours).toEqual(callsOf(true));
  expect(parent.map(({ name }) => name)).toEqual(callsOf(false));
});
