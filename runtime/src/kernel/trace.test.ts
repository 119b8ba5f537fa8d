import { expect, test } from "vitest";
import { injectFaults } from "./faults.ts";
import {
  KernelError,
  type Child,
  type Inside,
  type Kernel,
  type Program,
  type Self,
} from "./port.ts";
import { createJournal } from "./recorded-call.ts";
import { enterContext, traceKernel, withContext } from "./trace.ts";

type Toy = Kernel & Pick<Self, "setHostname" | "execve" | "installSeccomp">;

/** A kernel with a few calls, whose children become nothing. */
function createToy(): { readonly kernel: Toy; readonly calls: string[] } {
  const calls: string[] = [];
  let now = 1000;
  const note =
    (name: string) =>
    (...args: readonly unknown[]): void => {
      calls.push(`${name} ${args.map(String).join(" ")}`);
      if (args.includes("/bad")) throw new KernelError(name, "EBUSY", "/bad");
    };
  const toy = {
    monotonicUs: () => (now += 10),
    mkdir: note("mkdir"),
    rmdir: note("rmdir"),
    writeFile: note("writeFile"),
    setHostname: note("setHostname"),
    installSeccomp: note("installSeccomp"),
    readText: (path: string) => `text of ${path}`,
    execve: (path: string, argv: readonly string[], env: readonly string[]) => {
      note("execve")(path);
      return { path, argv, env };
    },
    spawn: (_: unknown, main: (inside: Inside) => Program | undefined) => {
      const own = kernel as unknown as Inside["kernel"];
      const program = main({ kernel: own, hostPid: 77, handOver: () => undefined });
      if (program?.path === "/refused") throw new KernelError("execve", "ENOEXEC", "/refused");
      return { hostPid: 77 } as Child; // What a decorator does not look at is missing.
    },
  };
  const kernel = toy as unknown as Toy; // Only the calls above are made.
  return { kernel, calls };
}

const SPAWN = { pidNamespace: "new", stdio: "null", stdin: false } as const;

test("traceKernel() journals effects with arguments, time and errno, and lets errors pass", () => {
  const journal = createJournal(10);
  const kernel = traceKernel(createToy().kernel, journal);
  kernel.mkdir("/a", 0o755);
  expect(() => kernel.rmdir("/bad")).toThrow("EBUSY");
  kernel.readText("/a");
  expect(journal.entries()).toEqual([
    { n: 1, call: "mkdir", args: ["/a", 0o755], effect: true, atUs: 1010, durationUs: 10 },
    {
      n: 2,
      call: "rmdir",
      args: ["/bad"],
      effect: true,
      atUs: 1030,
      durationUs: 10,
      errno: "EBUSY",
    },
  ]);
});

test("traceKernel() journals looks when asked", () => {
  const journal = createJournal(10);
  traceKernel(createToy().kernel, journal, { looks: true }).readText("/a");
  expect(journal.entries().map(({ call, effect }) => [call, effect])).toEqual([
    ["readText", false],
  ]);
});

test("a journal keeps no contents but short texts for kernel files, and no values of variables", () => {
  const journal = createJournal(10);
  const kernel = traceKernel(createToy().kernel, journal) as Toy;
  kernel.writeFile("/etc/secret", "password", "create", 0o600);
  kernel.writeFile("/etc/secret", new Uint8Array(3), "append");
  kernel.writeFile("/sys/fs/cgroup/x/cpu.max", "max", "existing");
  kernel.writeFile("/sys/fs/cgroup/x/cpu.max", "m".repeat(300), "existing");
  kernel.installSeccomp([{ code: 6, jt: 0, jf: 0, k: 0 }]);
  kernel.execve("/bin/x", ["x", "-v"], ["TOKEN=secret=1", "A=b"]);
  expect(journal.entries().map(({ args }) => args)).toEqual([
    ["/etc/secret", { bytes: 8 }, "create", 0o600],
    ["/etc/secret", { bytes: 3 }, "append"],
    ["/sys/fs/cgroup/x/cpu.max", "max", "existing"],
    ["/sys/fs/cgroup/x/cpu.max", { bytes: 300 }, "existing"],
    [{ instructions: 1 }],
    ["/bin/x", ["x", "-v"], ["TOKEN=", "A="]],
  ]);
});

test("withContext() says in whose name, adds to what was said, and leaves plain kernels alone", () => {
  const journal = createJournal(10);
  const { kernel } = createToy();
  const outer = withContext(traceKernel(kernel, journal), { concept: "cgroups", subject: "c1" });
  withContext(outer, { operation: "create" }).mkdir("/a", 0o755);
  outer.mkdir("/b", 0o755);
  expect(
    journal.entries().map(({ concept, subject, operation }) => [concept, subject, operation]),
  ).toEqual([
    ["cgroups", "c1", "create"],
    ["cgroups", "c1", undefined],
  ]);
  expect(withContext(kernel, { concept: "x" })).toBe(kernel);
});

test("traceKernel() names the line that asked", () => {
  const journal = createJournal(10);
  const kernel = traceKernel(createToy().kernel, journal, { sources: true });
  const make = (): void => kernel.mkdir("/a", 0o755);
  make();
  kernel.spawn(SPAWN, () => undefined);
  for (const { source } of journal.entries()) {
    expect(source).toMatch(/kernel\/trace\.test\.ts:\d+:\d+$/);
  }
  expect(journal.entries()).toHaveLength(2);
});

test("traceKernel() journals what a child did behind its spawn, in the same context", () => {
  const journal = createJournal(20);
  const traced = withContext(traceKernel(createToy().kernel, journal), { subject: "c1" });
  const told = (path: string): readonly unknown[] => {
    const from = journal.entries().length;
    const start = (): unknown =>
      traced.spawn(SPAWN, (inside) => {
        withContext(inside.kernel, { operation: "name" }).setHostname("boat");
        return inside.kernel.execve(path, ["x"], []);
      });
    if (path === "/bin/true") start();
    else {
      try {
        start();
      } catch {
        // What it was is in the journal.
      }
    }
    return journal
      .entries()
      .slice(from)
      .map((entry) => [entry.n, entry.call, entry.operation, entry.hostPid, entry.errno]);
  };
  expect(told("/bin/true")).toEqual([
    [1, "spawn", undefined, undefined, undefined],
    [2, "setHostname", "name", 77, undefined],
    [3, "execve", undefined, 77, undefined],
  ]);
  expect(told("/bad").at(-1)).toEqual([6, "execve", undefined, 77, "EBUSY"]);
  expect(told("/refused").at(-1)).toEqual([9, "execve", undefined, 77, "ENOEXEC"]);
  expect(journal.entries().every(({ subject }) => subject === "c1")).toBe(true);
});

test("createJournal() keeps the newest entries", () => {
  const journal = createJournal(2);
  const kernel = traceKernel(createToy().kernel, journal);
  for (const path of ["/a", "/b", "/c"]) kernel.rmdir(path);
  expect(journal.entries().map(({ args }) => args)).toEqual([["/b"], ["/c"]]);
});

test("injectFaults() fails exactly the k-th call, and does not make it", () => {
  const operation = (kernel: Kernel): void => {
    kernel.mkdir("/a", 0o755);
    try {
      kernel.mkdir("/a/b", 0o755);
    } catch (error) {
      kernel.rmdir("/a");
      throw error;
    }
  };
  const made = [0, 1, 2, 3].map((failAt) => {
    const toy = createToy();
    const faulty = injectFaults(toy.kernel, { failAt, errno: "ENOSPC" });
    let errno = "OK";
    try {
      operation(faulty.kernel);
    } catch (error) {
      if (error instanceof KernelError) errno = error.errno;
    }
    return [errno, faulty.callsMade(), faulty.failedCall(), toy.calls];
  });
  expect(made).toEqual([
    ["OK", 2, undefined, ["mkdir /a 493", "mkdir /a/b 493"]],
    ["ENOSPC", 1, "mkdir", []],
    ["ENOSPC", 3, "mkdir", ["mkdir /a 493", "rmdir /a"]],
    ["OK", 2, undefined, ["mkdir /a 493", "mkdir /a/b 493"]],
  ]);
});

test("injectFaults() counts on through a child, and under a tracer", () => {
  const fails = [1, 2, 3, 4, 5, 6].map((failAt) => {
    const faulty = injectFaults(createToy().kernel, { failAt, errno: "EMFILE" });
    const kernel = withContext(traceKernel(faulty.kernel, createJournal(10)), { subject: "c1" });
    let outcome = "done";
    try {
      kernel.mkdir("/a", 0o755);
      kernel.spawn(SPAWN, (inside) => {
        inside.kernel.setHostname("boat");
        return inside.kernel.execve("/bin/true", ["true"], []);
      });
      kernel.rmdir("/a");
    } catch (error) {
      outcome = String(error);
    }
    return [faulty.failedCall(), outcome];
  });
  expect(fails).toEqual([
    ["mkdir", 'KernelError: mkdir "/a": EMFILE'],
    ["spawn", 'KernelError: spawn "new": EMFILE'],
    ["setHostname", 'KernelError: setHostname "boat": EMFILE'],
    ["execve", 'KernelError: execve "/bin/true": EMFILE'],
    ["rmdir", 'KernelError: rmdir "/a": EMFILE'],
    [undefined, "done"],
  ]);
});

test("injectFaults() counts only what it is told to", () => {
  const toy = createToy();
  const counts = (call: string): boolean => call === "rmdir";
  const faulty = injectFaults(toy.kernel, { failAt: 1, errno: "EIO", counts });
  faulty.kernel.mkdir("/a", 0o755);
  expect(() => faulty.kernel.rmdir("/a")).toThrow("EIO");
  expect(faulty.callsMade()).toBe(1);
});

test("enterContext() says in whose name a child's calls are from now on, execve included", () => {
  const journal = createJournal(10);
  const { kernel } = createToy();
  traceKernel(kernel, journal).spawn(SPAWN, (inside) => {
    enterContext(inside.kernel, { concept: "namespaces", operation: "name" });
    inside.kernel.setHostname("boat");
    enterContext(inside.kernel, { concept: "container" });
    return inside.kernel.execve("/bin/true", ["true"], []);
  });
  enterContext(kernel, { concept: "nobody" });
  const [, name, exec] = journal.entries();
  expect(name).toMatchObject({ call: "setHostname", concept: "namespaces", operation: "name" });
  expect(exec).toMatchObject({ call: "execve", concept: "container" });
});
