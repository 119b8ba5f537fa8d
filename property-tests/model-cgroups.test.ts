/**
 * Properties of the model's cgroups: random programs on the model and on Linux. Version 2's core
 * files with sleeping processes that are moved, frozen and killed; version 1's limits with values
 * inside and outside of what they take.
 */
import { fc } from "@fast-check/vitest";
import { existsSync } from "node:fs";
import { afterAll, describe, test } from "vitest";
import { type Child, type Kernel } from "../runtime/src/kernel/index.ts";
import { answer, createModel, runs } from "./model.fixture.ts";
import { openRealKernel, skipReal } from "./real-kernel.fixture.ts";

const UNIFIED = "/sys/fs/cgroup/unified";
const skip = skipReal("comparing the model's cgroups");
const skipUnified = skip || !existsSync(UNIFIED);

/** One call; paths are relative to the case's cgroup. */
type Step =
  | { readonly do: "mkdir" | "rmdir" | "kill"; readonly path: string }
  | { readonly do: "move"; readonly path: string; readonly who: number }
  | { readonly do: "freeze"; readonly path: string; readonly value: string };

const path = fc.constantFrom("a", "b", "a/a", "a/b", "b/a", "a/a/a");
const PROCESSES = 3;
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("mkdir" as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("rmdir" as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), path }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("move" as const),
      path,
      who: fc.integer({ min: 0, max: PROCESSES - 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("freeze" as const),
      path,
      value: fc.constantFrom("0", "1", "1", "2", "x", ""),
    }),
  },
);

/** One kernel with processes of its own. */
interface Side {
  readonly kernel: Kernel;
  readonly children: readonly Child[];
  readonly root: string;
}

function openSide(kernel: Kernel, root: string): Side {
  kernel.mkdir(root, 0o755);
  const options = { pidNamespace: "inherit", stdio: "null", stdin: false } as const;
  const children = Array.from({ length: PROCESSES }, () =>
    kernel.spawn(options, ({ kernel: own }) => own.execve("/bin/sleep", ["sleep", "1000"], [])),
  );
  return { kernel, children, root };
}

async function closeSide({ kernel, children, root }: Side): Promise<void> {
  const remove = (at: string): void => {
    for (const name of kernel.readdir(at)) {
      if (kernel.lstat(`${at}/${name}`).type === "directory") remove(`${at}/${name}`);
    }
    kernel.rmdir(at);
  };
  const thaw = (at: string): void => {
    answer(() => (kernel.writeFile(`${at}/cgroup.freeze`, "0", "existing"), "ok"));
    for (const name of kernel.readdir(at)) {
      if (kernel.lstat(`${at}/${name}`).type === "directory") thaw(`${at}/${name}`);
    }
  };
  thaw(root);
  for (const { hostPid } of children) answer(() => (kernel.kill(hostPid, "SIGKILL"), "ok"));
  await Promise.all(children.map(({ exited }) => exited));
  remove(root);
}

function perform({ kernel, children, root }: Side, made: Step): string {
  const at = `${root}/${made.path}`;
  const write = (file: string, text: string): void =>
    kernel.writeFile(`${at}/${file}`, text, "existing");
  if (made.do === "mkdir") kernel.mkdir(at, 0o755);
  else if (made.do === "rmdir") kernel.rmdir(at);
  else if (made.do === "kill") write("cgroup.kill", "1");
  else if (made.do === "freeze") write("cgroup.freeze", made.value);
  else if (made.do === "move") write("cgroup.procs", String(children[made.who]?.hostPid));
  return "ok";
}

/** Everything that the core files tell, with processes by their index. */
function look({ kernel, children, root }: Side): string {
  const lines: string[] = [];
  const visit = (at: string): void => {
    const pids = kernel.readText(`${at}/cgroup.procs`).trim().split("\n");
    const who = pids.flatMap((pid) => {
      const index = children.findIndex(({ hostPid }) => String(hostPid) === pid);
      return index < 0 ? [] : [index];
    });
    const told = ["cgroup.events", "cgroup.freeze", "cgroup.type"].map((file) =>
      kernel.readText(`${at}/${file}`).trim().replaceAll("\n", " "),
    );
    lines.push([at.slice(root.length), who.toSorted((a, b) => a - b).join(), ...told].join(" | "));
    for (const name of kernel.readdir(at)) {
      if (kernel.lstat(`${at}/${name}`).type === "directory") visit(`${at}/${name}`);
    }
  };
  visit(root);
  return lines.join("\n");
}

const PATIENCE_MS = 2000;

/** Freezing and ending take Linux a moment, the model none. */
async function sameView(real: Side, model: Side, when: string): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const [is, should] = [answer(() => look(real)), look(model)];
    if (is === should) return;
    if (Date.now() > until) throw new Error(`${when}: the model says ${should}, Linux says ${is}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
}

/** Who has ended in the model, ends in Linux too; until it is reaped, it could still be moved. */
async function reap(real: Side, model: Side): Promise<void> {
  const ended = new Set<number>();
  for (const [index, { exited }] of model.children.entries())
    void exited.then(() => ended.add(index));
  await new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
  for (const index of ended) await real.children[index]?.exited;
}

describe.skipIf(skipUnified)("the model and Linux", () => {
  const real = openRealKernel();
  let count = 0;

  test("cgroup-core-agrees, with processes that are moved, frozen and killed", async () => {
    const program = fc.array(step, { minLength: 1, maxLength: 14 });
    const property = fc.asyncProperty(program, async (steps) => {
      const root = `${UNIFIED}/drydock-model-${process.pid}-${count++}`;
      const sides = [openSide(real, root), openSide(createModel("/tmp"), root)] as const;
      try {
        for (const each of steps) {
          const text = JSON.stringify(each);
          const [is, should] = sides.map((side) => answer(() => perform(side, each)));
          if (is !== should) throw new Error(`${text}: the model says ${should}, Linux says ${is}`);
          await sameView(sides[0], sides[1], text);
          await reap(sides[0], sides[1]);
        }
      } finally {
        await Promise.all(sides.map(closeSide));
      }
    });
    await fc.assert(property, { numRuns: runs(40) });
  });
});

/** Files of version 1 and values for them: at their borders, in other units, and nonsense. */
const LIMITS: Readonly<Record<string, readonly string[]>> = {
  "cpu/cpu.shares": ["0", "1", "2", "1024", "262144", "262145", "x", "-1", ""],
  "cpu/cpu.cfs_period_us": ["999", "1000", "50000", "1000000", "1000001", "x"],
  "cpu/cpu.cfs_quota_us": ["-1", "999", "1000", "50000", "0", "x"],
  "memory/memory.limit_in_bytes": ["-1", "0", "4097", "1M", "8m", "1G", "x", "-2"],
  "memory/memory.memsw.limit_in_bytes": ["-1", "4097", "1M", "8m", "2G", "x"],
  "memory/memory.soft_limit_in_bytes": ["-1", "1", "5000", "1K", "x"],
  "memory/memory.swappiness": ["0", "100", "200", "201", "-1", "x"],
  "memory/memory.oom_control": ["0", "1", "2", "x"],
  "pids/pids.max": ["max", "0", "1", "4194304", "-1", "x", "1 "],
  "cpuset/cpuset.cpus": ["0", "0-1", "1", "5", "x", "0,1", "1-0"],
  "cpuset/cpuset.mems": ["0", "7", "x"],
  "freezer/freezer.state": ["FROZEN", "THAWED", "FREEZING", "x"],
};

const files = Object.keys(LIMITS);
const writes = fc.array(
  fc
    .constantFrom(...files)
    .chain((file) =>
      fc.record({ file: fc.constant(file), value: fc.constantFrom(...(LIMITS[file] ?? [])) }),
    ),
  { minLength: 1, maxLength: 12 },
);

const controllers = [...new Set(files.map((file) => file.split("/")[0] ?? ""))];
const skipVersion1 =
  skip || controllers.some((name) => !existsSync(`/sys/fs/cgroup/${name}/tasks`));

describe.skipIf(skipVersion1)("the model and Linux, version 1", () => {
  const real = openRealKernel();
  const name = `drydock-model-${process.pid}`;
  const directories = controllers.map((controller) => `/sys/fs/cgroup/${controller}/${name}`);
  afterAll(() => directories.forEach((at) => answer(() => (real.rmdir(at), "ok"))));

  test("cgroup-limits-agree, in what is taken and what is shown", () => {
    const property = fc.property(writes, (steps) => {
      const model = createModel("/tmp");
      for (const kernel of [real, model]) for (const at of directories) kernel.mkdir(at, 0o755);
      try {
        for (const { file, value } of steps) {
          const at = `/sys/fs/cgroup/${file.replace("/", `/${name}/`)}`;
          const act = (kernel: Kernel): string => {
            const wrote = answer(() => (kernel.writeFile(at, value, "existing"), "ok"));
            return `${wrote}, then ${answer(() => kernel.readText(at).replace(/local 0\n/, ""))}`;
          };
          const [is, should] = [act(real), act(model)];
          if (is === should) continue;
          throw new Error(`${value} to ${file}: the model says ${should}, Linux says ${is}`);
        }
      } finally {
        for (const at of directories) real.rmdir(at);
      }
    });
    fc.assert(property, { numRuns: runs(100) });
  });
});
