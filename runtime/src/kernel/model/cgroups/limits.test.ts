/**
 * Limits of version 2, which machines with version 1 cannot show us on Linux.
 */
import { expect, test } from "vitest";
import { createLinuxKernel } from "../../linux/index.ts";
import { errnoOf } from "../../conformance/case.ts";
import type { Child } from "../../port.ts";
import { createModelKernel, programFile, type ModelKernel } from "../index.ts";

const clock = createLinuxKernel();
const BOX = "/sys/fs/cgroup/box";

/** A machine with a cgroup that has all controllers, and programs that wait and that eat. */
function machine(): ModelKernel {
  const kernel = createModelKernel({
    clock,
    programs: {
      sleep: () => new Promise(() => undefined),
      eat: ({ argv, ...context }) => {
        context.useMemory(Number(argv[1]));
        return new Promise(() => undefined);
      },
    },
  });
  for (const name of ["sleep", "eat"]) {
    kernel.writeFile(`/bin/${name}`, programFile(name), "create", 0o755);
  }
  kernel.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+pids +memory +cpu", "existing");
  kernel.mkdir(BOX, 0o755);
  return kernel;
}

function start(kernel: ModelKernel, argv: readonly string[]): Child {
  const options = { pidNamespace: "inherit", stdio: "null", stdin: false } as const;
  return kernel.spawn(options, ({ kernel: own }) => {
    own.joinCgroups(own.openCgroups([`${BOX}/cgroup.procs`]));
    return own.execve(`/bin/${argv[0]}`, argv, []);
  });
}

test("pids.max refuses the process that is one too many, and counts the refusal", () => {
  const kernel = machine();
  kernel.writeFile(`${BOX}/pids.max`, "1", "existing");
  const options = { pidNamespace: "inherit", stdio: "null", stdin: false } as const;
  const said: string[] = [];
  kernel.spawn(options, ({ kernel: own }) => {
    own.joinCgroups(own.openCgroups([`${BOX}/cgroup.procs`]));
    said.push(errnoOf(() => own.spawn(options, () => undefined)));
    own.writeFile(`${BOX}/pids.max`, "2", "existing");
    said.push(errnoOf(() => own.spawn(options, () => undefined)));
    return undefined;
  });
  expect(said).toEqual(["EAGAIN", "OK"]);
  expect(kernel.readText(`${BOX}/pids.events`)).toBe("max 1\n");
  expect(kernel.readText(`${BOX}/pids.current`)).toBe("0\n");
});

test("memory.max ends the largest, and what is left fits", async () => {
  const kernel = machine();
  const small = start(kernel, ["eat", "1000"]);
  const large = start(kernel, ["eat", "9000"]);
  await new Promise((resolve) => {
    clock.after(5, () => resolve(undefined));
  });
  expect(kernel.readText(`${BOX}/memory.current`)).toBe("10000\n");
  kernel.writeFile(`${BOX}/memory.max`, "4096", "existing");
  expect(await large.exited).toEqual({ signal: "SIGKILL", coreDumped: false });
  expect(kernel.readText(`${BOX}/memory.current`)).toBe("1000\n");
  expect(kernel.readText(`${BOX}/memory.events`)).toContain("oom_kill 1");
  kernel.kill(small.hostPid, "SIGKILL");
  await small.exited;
  expect(kernel.readText(`${BOX}/memory.current`)).toBe("0\n");
});

test("memory.max ends a program that asks for more than there is", async () => {
  const kernel = machine();
  kernel.writeFile(`${BOX}/memory.max`, "1M", "existing");
  const child = start(kernel, ["eat", "1048577"]);
  expect(await child.exited).toEqual({ signal: "SIGKILL", coreDumped: false });
});

test("cgroup.subtree_control and processes exclude each other, but in the root", () => {
  const kernel = machine();
  const child = start(kernel, ["sleep"]);
  const control = `${BOX}/cgroup.subtree_control`;
  expect(errnoOf(() => kernel.writeFile(control, "+pids", "existing"))).toBe("EBUSY");
  kernel.mkdir(`${BOX}/leaf`, 0o755);
  kernel.writeFile(`${BOX}/leaf/cgroup.procs`, String(child.hostPid), "existing");
  kernel.writeFile(control, "+pids", "existing");
  const back = (): void =>
    kernel.writeFile(`${BOX}/cgroup.procs`, String(child.hostPid), "existing");
  expect(errnoOf(back)).toBe("EBUSY");
  expect(errnoOf(() => kernel.writeFile(control, "+io", "existing"))).toBe("ENOENT");
  expect(kernel.readText(`${BOX}/leaf/cgroup.controllers`)).toBe("pids\n");
  expect(kernel.readdir(`${BOX}/leaf`)).toContain("pids.max");
  expect(kernel.readdir(`${BOX}/leaf`)).not.toContain("memory.max");
  expect(errnoOf(() => kernel.rmdir(BOX))).toBe("EBUSY");
});

test("a cgroup namespace makes the cgroup of its maker the root", () => {
  const kernel = machine();
  const seen: string[] = [];
  const options = { pidNamespace: "inherit", stdio: "null", stdin: false } as const;
  kernel.spawn(options, ({ kernel: own }) => {
    own.joinCgroups(own.openCgroups([`${BOX}/cgroup.procs`]));
    seen.push(own.readText("/proc/self/cgroup"));
    own.unshare(["CLONE_NEWCGROUP", "CLONE_NEWNS"]);
    seen.push(own.readText("/proc/self/cgroup"));
    own.mkdir("/tmp/cgroup", 0o755);
    const call = { source: "cgroup2", target: "/tmp/cgroup", fstype: "cgroup2", data: "" };
    own.mount({ ...call, flags: [] });
    seen.push(own.readdir("/tmp/cgroup").includes("box") ? "outside" : "inside");
    return undefined;
  });
  expect(seen).toEqual(["0::/box\n", "0::/\n", "inside"]);
});
