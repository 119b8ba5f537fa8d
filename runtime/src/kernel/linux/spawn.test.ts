/**
 * What spawn must do on Linux beyond the conformance suite: leave nothing behind, and leave Node's
 * own children and the event loop alone.
 */
import { execFile } from "node:child_process";
import fs from "node:fs";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { injectFaults } from "../faults.ts";
import type { Child } from "../port.ts";
import { createJournal } from "../recorded-call.ts";
import { traceKernel, withContext } from "../trace.ts";
import { createLinuxKernel } from "./index.ts";

const kernel = createLinuxKernel();
const isRoot = process.geteuid?.() === 0;
if (!isRoot) console.info("Skipped: spawn's tests of new namespaces need root");

const NEW = { pidNamespace: "new", stdio: "pipes", stdin: true } as const;
const PLAIN = { pidNamespace: "inherit", stdio: "null", stdin: false } as const;
const ENV = ["PATH=/usr/bin:/bin"];

function ignore(child: Child): void {
  child.stdin?.end();
  for (const source of [child.stdout, child.stderr]) {
    source?.listen(
      () => undefined,
      () => undefined,
    );
  }
}

const descriptors = (): number => fs.readdirSync("/proc/self/fd").length;

function zombies(): readonly string[] {
  const children = fs.readFileSync(`/proc/self/task/${process.pid}/children`, "utf8");
  return children.split(" ").filter((pid) => {
    if (pid === "") return false;
    return fs.readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  });
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

test("spawn() leaves no descriptor and no process behind, also when children fail", async () => {
  const run = async (fails: boolean): Promise<void> => {
    const start = (): Child =>
      kernel.spawn({ ...NEW, pidNamespace: "inherit" }, (inside) => {
        if (fails) throw new Error("on purpose");
        return inside.kernel.execve("/bin/true", ["true"], []);
      });
    let outcome = "";
    try {
      const child = start();
      ignore(child);
      outcome = JSON.stringify(await child.exited);
    } catch (error) {
      outcome = String(error);
    }
    expect(outcome).toBe(fails ? "Error: on purpose" : '{"exitCode":0}');
  };
  await run(false);
  await pause(50);
  const before = descriptors();
  for (let i = 0; i < 60; i++) await run(i % 3 === 0);
  await pause(50);
  expect(descriptors()).toBe(before);
  expect(zombies()).toEqual([]);
});

test("spawn() that makes no child leaves no descriptor behind", () => {
  kernel.spawn(PLAIN, (inside) => inside.kernel.execve("/bin/true", ["true"], []));
  const before = descriptors();
  for (let i = 0; i < 5; i++) {
    expect(() => kernel.spawn({ ...NEW, pidNamespace: 4_194_304 }, () => undefined)).toThrow(
      "ENOENT",
    );
  }
  expect(descriptors()).toBe(before);
});

test("children of node:child_process keep their exit codes", async () => {
  const node = promisify(execFile);
  const theirs = Array.from({ length: 10 }, (_, index) =>
    node("/bin/sh", ["-c", `sleep 0.0${index}; exit ${index + 1}`]).catch(
      (error: unknown) => error,
    ),
  );
  const ours = Array.from({ length: 10 }, (_, index) => {
    const script = `sleep 0.0${index}; exit ${index + 101}`;
    const child = kernel.spawn(PLAIN, (inside) =>
      inside.kernel.execve("/bin/sh", ["sh", "-c", script], ENV),
    );
    return child.exited;
  });
  const codes = (await Promise.all(theirs)).map((error) => (error as { code: number }).code);
  expect(codes).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const statuses = await Promise.all(ours);
  expect(statuses).toEqual(codes.map((code) => ({ exitCode: code + 100 })));
});

test("spawn() works while other threads are busy, and children may use much memory", async () => {
  const load = setInterval(() => {
    fs.readFile("/proc/self/maps", () => undefined);
  }, 1);
  const kept: unknown[] = [];
  for (let i = 0; i < 50; i++) {
    const child = kernel.spawn(PLAIN, (inside) => {
      const parts = Array.from({ length: 50_000 }, (_, index) => ({ index, text: `x${index}` }));
      kept.push(JSON.stringify(parts).length, parts.slice(0, 100));
      return inside.kernel.execve("/bin/true", ["true"], []);
    });
    expect(await child.exited).toEqual({ exitCode: 0 });
  }
  expect(kept).toHaveLength(100);
  expect(new Set(kept.filter((each) => typeof each === "number")).size).toBe(1);
  clearInterval(load);
});

test("spawn() keeps this process's signals, umask, directory and dumpable state", async () => {
  const state = (): readonly unknown[] => [
    /Sig(?:Blk|Ign|Cgt).*$/gm.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[0],
    process.umask(),
    process.cwd(),
    fs.statSync("/proc/self/fd").uid,
  ];
  const before = state();
  const child = kernel.spawn(PLAIN, (inside) => {
    inside.kernel.umask(0o777);
    inside.kernel.chdir("/proc");
    return inside.kernel.execve("/bin/true", ["true"], []);
  });
  await child.exited;
  expect(state()).toEqual(before);
});

test.each([
  ["by itself", false],
  ["while it waits", true],
])(
  "a child that is killed in main, %s, takes its parent with it",
  async (_, waits) => {
    const program = new URL("killed-child.fixture.ts", import.meta.url).pathname;
    const directory = fs.mkdtempSync("/tmp/drydock-spawn-");
    const fifo = `${directory}/fifo`;
    await promisify(execFile)("mkfifo", [fifo]);
    const args = ["--import", "tsx", program, ...(waits ? [fifo] : [])];
    const running = promisify(execFile)(process.execPath, args);
    while (waits && !fs.existsSync(`${fifo}.pid`)) await pause(10);
    if (waits) process.kill(Number(fs.readFileSync(`${fifo}.pid`, "utf8")), "SIGKILL");
    const error: unknown = await running.catch((thrown: unknown) => thrown);
    fs.rmSync(directory, { recursive: true });
    // Node may notice before we do.
    const words = /open_handle_scopes|in disorder/;
    expect(error).toHaveProperty("stderr", expect.stringMatching(words));
    expect(error).not.toHaveProperty("stderr", expect.stringContaining("it went on"));
  },
  20_000,
);

test("a terminal whose program does not read holds nobody up", async () => {
  const child = kernel.spawn({ ...PLAIN, stdio: "terminal" }, (inside) => {
    inside.kernel.setSession();
    inside.handOver(inside.kernel.openTerminal("/dev/ptmx").masterFd);
    return inside.kernel.execve(
      "/bin/sh",
      ["sh", "-c", "stty raw -echo; echo ready; sleep 1; head -c 100000 | wc -c"],
      ENV,
    );
  });
  const { terminal } = child;
  if (terminal === undefined) throw new Error("no terminal");
  let text = "";
  const ended = new Promise<void>((resolve) => {
    terminal.listen((bytes) => (text += new TextDecoder().decode(bytes)), resolve);
  });
  await expect.poll(() => text).toContain("ready");
  const start = performance.now();
  const room = Array.from({ length: 10 }, () => terminal.write(new Uint8Array(10_000).fill(120)));
  // Nobody reads for a second.
  expect(performance.now() - start).toBeLessThan(500);
  expect(room.at(-1)).toBe(false);
  await terminal.drained();
  expect(await child.exited).toEqual({ exitCode: 0 });
  await ended;
  expect(text.split(/\s+/)).toEqual(["ready", "100000", ""]);
});

describe.runIf(isRoot)("as root", () => {
  test("ownStdio() lets another user open /dev/stdout again", async () => {
    const outputOf = async (isOwner: boolean): Promise<string> => {
      const child = kernel.spawn({ ...PLAIN, stdio: "pipes" }, (inside) => {
        if (isOwner) inside.kernel.ownStdio(65_534, 65_534);
        inside.kernel.setGroups([]);
        inside.kernel.setGid(65_534);
        inside.kernel.setUid(65_534);
        const script = "(echo log > /dev/stdout) 2>/dev/null || echo refused";
        return inside.kernel.execve("/bin/sh", ["sh", "-c", script], ENV);
      });
      let text = "";
      await new Promise<void>((resolve) => {
        child.stdout?.listen((bytes) => (text += new TextDecoder().decode(bytes)), resolve);
      });
      await child.exited;
      return text;
    };
    expect([await outputOf(false), await outputOf(true)]).toEqual(["refused\n", "log\n"]);
  });

  test("joinCgroups() moves the child by a handle that was opened before", async () => {
    const [, hierarchy = ""] =
      /^cgroup2? (\S+) cgroup2? /m.exec(fs.readFileSync("/proc/mounts", "utf8")) ?? [];
    const group = `${hierarchy}/drydock-kernel-test-${process.pid}`;
    kernel.mkdir(group, 0o755);
    const procs = `${group}/cgroup.procs`;
    const child = kernel.spawn({ ...PLAIN, pidNamespace: "new" }, (inside) => {
      const handles = inside.kernel.openCgroups([procs]);
      inside.kernel.joinCgroups(handles);
      return inside.kernel.execve("/bin/sleep", ["sleep", "1000"], []);
    });
    const members = kernel.readText(procs).trim();
    kernel.kill(child.hostPid, "SIGKILL");
    await child.exited;
    kernel.rmdir(group);
    expect(members).toBe(String(child.hostPid));
  });

  test("a child's memory is closed to its user until it is another program", async () => {
    const owners: number[] = [];
    const child = kernel.spawn(PLAIN, (inside) => {
      inside.kernel.setUid(65_534);
      // Whoever may attach to a process owns its files: see proc(5).
      owners.push(inside.kernel.stat("/proc/self/mem").hostUid);
      return inside.kernel.execve("/bin/sleep", ["sleep", "1000"], []);
    });
    // It is a new program's from a moment in the middle of execve(2) on.
    await expect.poll(() => kernel.stat(`/proc/${child.hostPid}/mem`).hostUid).toBe(65_534);
    kernel.kill(child.hostPid, "SIGKILL");
    await child.exited;
    expect(owners).toEqual([0]);
  });

  test("limits on memory are set for the program, and do not strike the parent", async () => {
    const child = kernel.spawn({ ...PLAIN, stdio: "pipes" }, (inside) => {
      for (const name of ["RLIMIT_AS", "RLIMIT_DATA", "RLIMIT_STACK"]) {
        inside.kernel.setResourceLimit({ name, soft: 64 << 20, hard: 128 << 20 });
      }
      expect(Array.from({ length: 1e5 }, (_, index) => [index])).toHaveLength(1e5);
      return inside.kernel.execve("/bin/sh", ["sh", "-c", "ulimit -v; ulimit -Hv"], ENV);
    });
    let text = "";
    await new Promise<void>((resolve) => {
      child.stdout?.listen((bytes) => (text += new TextDecoder().decode(bytes)), resolve);
    });
    expect([await child.exited, text]).toEqual([{ exitCode: 0 }, "65536\n131072\n"]);
    const beyond = { name: "RLIMIT_STACK", soft: 2 ** 40, hard: 2 ** 30 };
    expect(() =>
      kernel.spawn(PLAIN, (inside) => {
        inside.kernel.setResourceLimit(beyond);
        return undefined;
      }),
    ).toThrow("EINVAL");
  });

  test("a traced child's calls are in the journal of its parent, execve last", async () => {
    const journal = createJournal(100);
    const traced = withContext(traceKernel(kernel, journal, { sources: true }), { subject: "c1" });
    const child = traced.spawn({ ...PLAIN, pidNamespace: "new" }, (inside) => {
      inside.kernel.unshare(["CLONE_NEWUTS"]);
      withContext(inside.kernel, { concept: "namespaces" }).setHostname("boat");
      try {
        return inside.kernel.execve("/no/such", ["x"], []);
      } catch {
        return inside.kernel.execve("/bin/true", ["true"], ["KEY=value"]);
      }
    });
    expect(await child.exited).toEqual({ exitCode: 0 });
    expect(() =>
      traced.spawn(PLAIN, (inside) => inside.kernel.execve("/etc/passwd", ["x"], [])),
    ).toThrow("EACCES");
    const told = journal.entries().map((entry) => {
      const { call, concept, errno, hostPid, subject, source } = entry;
      expect(source).toMatch(/spawn\.test\.ts:\d+:\d+$/);
      return [call, concept, errno, hostPid === child.hostPid, subject];
    });
    expect(told).toEqual([
      ["spawn", undefined, undefined, false, "c1"],
      ["unshare", undefined, undefined, true, "c1"],
      ["setHostname", "namespaces", undefined, true, "c1"],
      ["execve", undefined, "ENOENT", true, "c1"],
      ["execve", undefined, undefined, true, "c1"],
      ["spawn", undefined, undefined, false, "c1"],
      ["execve", undefined, "EACCES", false, "c1"],
    ]);
  });

  test("an injected fault strikes once, in the parent or in the child", async () => {
    const operation = async (failAt: number): Promise<readonly unknown[]> => {
      const faulty = injectFaults(kernel, { failAt, errno: "ENOMEM" });
      let outcome: string;
      try {
        const child = faulty.kernel.spawn({ ...PLAIN, pidNamespace: "new" }, (inside) => {
          inside.kernel.unshare(["CLONE_NEWUTS"]);
          inside.kernel.setHostname("boat");
          return inside.kernel.execve("/bin/true", ["true"], []);
        });
        outcome = JSON.stringify(await child.exited);
      } catch (error) {
        outcome = String(error);
      }
      return [faulty.failedCall(), faulty.callsMade(), outcome];
    };
    expect(await operation(1)).toEqual(["spawn", 1, 'KernelError: spawn "new": ENOMEM']);
    expect(await operation(2)).toEqual(["unshare", 2, 'KernelError: unshare "": ENOMEM']);
    expect(await operation(3)).toEqual([
      "setHostname",
      3,
      'KernelError: setHostname "boat": ENOMEM',
    ]);
    expect(await operation(4)).toEqual(["execve", 4, 'KernelError: execve "/bin/true": ENOMEM']);
    expect(await operation(5)).toEqual([undefined, 4, '{"exitCode":0}']);
  });
});
