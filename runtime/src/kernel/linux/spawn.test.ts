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
import { createJournal, traceKernel, withContext } from "../trace.ts";
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
    const child = kernel.spawn({ ...NEW, pidNamespace: "inherit" }, (inside) => {
      inside.report("started");
      if (fails) throw new Error("on purpose");
      inside.kernel.execve("/bin/true", ["true"], []);
    });
    ignore(child);
    expect(await child.exited).toEqual({ exitCode: fails ? 70 : 0 });
  };
  await run(false);
  await pause(50);
  const before = descriptors();
  for (let i = 0; i < 60; i++) await run(i % 3 === 0);
  await pause(50);
  expect(descriptors()).toBe(before);
  expect(zombies()).toEqual([]);
});

test("spawn() that cannot fork leaves no descriptor behind", () => {
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
  for (let i = 0; i < 20; i++) {
    const child = kernel.spawn(PLAIN, (inside) => {
      const parts = Array.from({ length: 50_000 }, (_, index) => ({ index, text: `x${index}` }));
      inside.report(String(JSON.stringify(parts).length > 1_000_000));
      inside.kernel.execve("/bin/true", ["true"], []);
    });
    const lines: string[] = [];
    child.onReport(
      (line) => lines.push(line),
      () => undefined,
    );
    expect([await child.exited, lines]).toEqual([{ exitCode: 0 }, ["true"]]);
  }
  clearInterval(load);
});

test("a terminal whose program does not read holds nobody up", async () => {
  const child = kernel.spawn({ ...PLAIN, stdio: "terminal" }, (inside) => {
    inside.kernel.setSession();
    inside.handOver(inside.kernel.openTerminal("/dev/ptmx").masterFd);
    inside.kernel.execve(
      "/bin/sh",
      ["sh", "-c", "stty raw -echo; sleep 0.3; head -c 100000 | wc -c"],
      ENV,
    );
  });
  const terminal = await child.terminal;
  let text = "";
  const ended = new Promise<void>((resolve) => {
    terminal.listen((bytes) => (text += new TextDecoder().decode(bytes)), resolve);
  });
  await pause(150);
  const start = performance.now();
  const room = Array.from({ length: 10 }, () => terminal.write(new Uint8Array(10_000).fill(120)));
  expect(performance.now() - start).toBeLessThan(100);
  expect(room.at(-1)).toBe(false);
  await terminal.drained();
  expect(await child.exited).toEqual({ exitCode: 0 });
  await ended;
  expect(text.trim()).toBe("100000");
});

test("a parent that is gone ends the child's question", async () => {
  const child = kernel.spawn(PLAIN, (inside) => {
    inside.kernel.setParentDeathSignal("SIGKILL");
    inside.ask("never answered");
  });
  await new Promise<void>((resolve) => {
    child.onReport(() => resolve(), resolve);
  });
  kernel.kill(child.hostPid, "SIGTERM");
  expect(await child.exited).toEqual({ signal: "SIGTERM", coreDumped: false });
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
        inside.kernel.execve("/bin/sh", ["sh", "-c", script], ENV);
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

  test("joinCgroup() moves the child by a handle that was opened before", async () => {
    const [, hierarchy = ""] =
      /^cgroup2? (\S+) cgroup2? /m.exec(fs.readFileSync("/proc/mounts", "utf8")) ?? [];
    const group = `${hierarchy}/drydock-kernel-test-${process.pid}`;
    kernel.mkdir(group, 0o755);
    const procs = `${group}/cgroup.procs`;
    const child = kernel.spawn({ ...PLAIN, pidNamespace: "new" }, (inside) => {
      const handle = inside.kernel.openCgroup(procs);
      inside.kernel.joinCgroup(handle);
      inside.ask("joined");
    });
    await new Promise<void>((resolve) => {
      child.onReport(() => resolve(), resolve);
    });
    const members = kernel.readText(procs).trim();
    child.answer("go on");
    await child.exited;
    kernel.rmdir(group);
    expect(members).toBe(String(child.hostPid));
  });

  test("a child hides its binary until it is another program", async () => {
    const NONE = { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [] };
    // Two processes of the same user without any capability may look at each other, normally.
    const holder = kernel.spawn(PLAIN, (inside) => {
      inside.kernel.setBoundingSet([]);
      inside.kernel.setCapabilities(NONE);
      inside.ask("ready");
      inside.kernel.execve("/bin/sleep", ["sleep", "1000"], []);
    });
    const path = `/proc/${holder.hostPid}/exe`;
    const look = async (): Promise<readonly string[]> => {
      const looker = kernel.spawn(PLAIN, (inside) => {
        inside.kernel.setBoundingSet([]);
        inside.kernel.setCapabilities(NONE);
        inside.report(inside.kernel.readlink(path));
      });
      const lines: string[] = [];
      looker.onReport(
        (line) => lines.push(line),
        () => undefined,
      );
      await looker.exited;
      return lines;
    };
    const replaced = new Promise<void>((resolve) => {
      holder.onReport(() => undefined, resolve);
    });
    await pause(50);
    expect(await look()).toEqual([`uncaught KernelError: readlink "${path}": EACCES`]);
    holder.answer("go on");
    await replaced;
    expect(await look()).toEqual([fs.realpathSync("/bin/sleep")]);
    kernel.kill(holder.hostPid, "SIGKILL");
    await holder.exited;
  });

  test("a traced child's journal comes home with the end of its execve", async () => {
    const journal = createJournal(100);
    const traced = withContext(traceKernel(kernel, journal, { sources: true }), { subject: "c1" });
    const child = traced.spawn({ ...PLAIN, pidNamespace: "new" }, (inside) => {
      inside.kernel.unshare(["CLONE_NEWUTS"]);
      withContext(inside.kernel, { concept: "namespaces" }).setHostname("boat");
      try {
        inside.kernel.execve("/no/such", ["x"], []);
      } catch {
        inside.kernel.execve("/bin/true", ["true"], ["KEY=value"]);
      }
    });
    expect(await child.exited).toEqual({ exitCode: 0 });
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
    ]);
  });

  test("an injected fault strikes once, on whichever side of the fork it falls", async () => {
    const operation = async (failAt: number): Promise<readonly unknown[]> => {
      const faulty = injectFaults(kernel, { failAt, errno: "ENOMEM" });
      const lines: string[] = [];
      try {
        const child = faulty.kernel.spawn({ ...PLAIN, pidNamespace: "new" }, (inside) => {
          inside.kernel.unshare(["CLONE_NEWUTS"]);
          inside.kernel.setHostname(inside.ask("name?"));
          inside.kernel.execve("/bin/true", ["true"], []);
        });
        child.onReport(
          (line) => {
            lines.push(line);
            if (line === "name?") child.answer(faulty.kernel.readlink("/proc/self/ns/uts"));
          },
          () => undefined,
        );
        lines.push(JSON.stringify(await child.exited));
      } catch (error) {
        lines.push(String(error));
      }
      return [faulty.failedCall(), faulty.callsMade(), lines.at(-1)];
    };
    const failed = '{"exitCode":70}';
    expect(await operation(1)).toEqual(["spawn", 1, 'KernelError: spawn "new": ENOMEM']);
    expect(await operation(2)).toEqual(["unshare", 2, failed]);
    expect(await operation(4)).toEqual(["setHostname", 4, failed]);
    expect(await operation(5)).toEqual(["execve", 5, failed]);
    expect(await operation(6)).toEqual([undefined, 5, '{"exitCode":0}']);
  });
});
