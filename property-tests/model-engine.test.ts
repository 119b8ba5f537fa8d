import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { wish, type Wish } from "../runtime/src/engine/engine.fixture.ts";
import { PLAIN_EXEC } from "../runtime/src/engine/index.ts";
import { expectRefusal, ModelBench } from "./model-engine.fixture.ts";

/** Something that the engine is asked to do, and what must be there before. */
interface Operation {
  readonly name: string;
  readonly prepare?: (bench: ModelBench) => Promise<string>;
  readonly perform: (bench: ModelBench, id: string) => Promise<unknown>;
}

const now = { signal: "SIGKILL", timeoutSeconds: 1 };
const patiently = { signal: null, timeoutSeconds: 2 };
const force = { force: true, volumes: true };
const EVERYTHING: Wish = {
  cmd: ["sh", "-c", "echo x > /mem/y; touch /new; hostname; exit 3"],
  config: { Tty: true, User: "nobody" },
  hostConfig: {
    Memory: 64 * 1024 * 1024,
    PidsLimit: 20,
    IpcMode: "shareable",
    Tmpfs: { "/mem": "size=1m" },
    Binds: ["/etc:/host-etc:ro"],
    AutoRemove: true,
  },
};

const created = async ({ engine }: ModelBench): Promise<string> =>
  (await engine.createContainer(wish({ cmd: ["true"] }))).id;
/** Created a moment ago: its start is prepared. */
async function prepared(bench: ModelBench): Promise<string> {
  const id = await created(bench);
  await bench.moment();
  return id;
}
const running = (bench: ModelBench): Promise<string> => bench.start();

async function exec({ engine }: ModelBench, id: string): Promise<void> {
  const { id: execId } = await engine.createExec(id, { ...PLAIN_EXEC, cmd: ["hostname"] });
  const line = await engine.startExec(execId, { detach: false, tty: false, consoleSize: [0, 0] });
  const reader = line?.output.getReader();
  while (reader !== undefined && !(await reader.read()).done);
}

const OPERATIONS: readonly Operation[] = [
  { name: "create", perform: created },
  { name: "start", prepare: created, perform: ({ engine }, id) => engine.startContainer(id) },
  { name: "prepare", prepare: created, perform: (bench) => bench.moment() },
  { name: "start soon", prepare: prepared, perform: ({ engine }, id) => engine.startContainer(id) },
  {
    name: "rm soon",
    prepare: prepared,
    perform: ({ engine }, id) => engine.removeContainer(id, force),
  },
  { name: "run --rm", perform: (bench) => bench.run(EVERYTHING) },
  { name: "exec", prepare: running, perform: exec },
  {
    name: "stop",
    prepare: running,
    perform: ({ engine }, id) => engine.stopContainer(id, patiently),
  },
  { name: "kill", prepare: running, perform: ({ engine }, id) => engine.killContainer(id, "KILL") },
  {
    name: "restart",
    prepare: running,
    perform: ({ engine }, id) => engine.restartContainer(id, now),
  },
  {
    name: "rename",
    prepare: created,
    perform: ({ engine }, id) => engine.renameContainer(id, "other"),
  },
  { name: "rm", prepare: created, perform: ({ engine }, id) => engine.removeContainer(id, force) },
  {
    name: "rm --force",
    prepare: running,
    perform: ({ engine }, id) => engine.removeContainer(id, force),
  },
  { name: "open after a crash", prepare: leaveRubbish, perform: (bench) => bench.reopen() },
];

/** What a crash may leave: a container that was being made, a layer, a cgroup, a container. */
async function leaveRubbish(bench: ModelBench): Promise<string> {
  await created(bench);
  await bench.close();
  const { kernel } = bench.model;
  const root = "/var/lib/drydock";
  kernel.mkdir(`${root}/containers/${"c".repeat(64)}`, 0o700);
  kernel.writeFile(`${root}/containers/${"c".repeat(64)}/container.json.new`, "{", "create");
  kernel.mkdir(`${root}/layers/half-unpacked.tmp`, 0o700);
  for (const parent of cgroupParents(bench)) kernel.mkdir(`${parent}/${"c".repeat(64)}`, 0o755);
  return "";
}

function cgroupParents(bench: ModelBench): readonly string[] {
  const { kernel } = bench.model;
  const top = "/sys/fs/cgroup";
  const mounts = [top, ...kernel.readdir(top).map((name) => `${top}/${name}`)];
  return mounts.flatMap((path) => {
    return isThere(bench, `${path}/drydock`) ? [`${path}/drydock`] : [];
  });
}

const ON_BOTH = ["prepare", "start soon", "rm soon", "run --rm", "open after a crash"];

/** Where two snapshots differ; what is equal is the same object in both. */
function differences(before: unknown, after: unknown, path = ""): readonly string[] {
  if (before === after) return [];
  const [old, now] = [before, after].map((each) => each ?? {});
  if (typeof old !== "object" || typeof now !== "object") return [`${path}: ${String(after)}`];
  const keys = [...new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})])];
  return keys.flatMap((key) =>
    differences(Reflect.get(old ?? {}, key), Reflect.get(now ?? {}, key), `${path}/${key}`),
  );
}

describe.each(["v2", "v1"] as const)("engine on the model, cgroups %s", (cgroups) => {
  const all = OPERATIONS.filter(({ name }) => cgroups === "v2" || ON_BOTH.includes(name));

  test.each(all)(
    "no-leak-on-failure: $name is refused or done, and the machine is as it was, for every k",
    async ({ prepare, perform }) => {
      const bench = await ModelBench.open(cgroups);
      const before = bench.model.snapshot();
      let k = 0;
      for (let failed: string | undefined = "none yet"; failed !== undefined;) {
        k += 1;
        const id = await bench.quiet(prepare?.(bench) ?? Promise.resolve(""));
        bench.failAt(k);
        await bench.quiet(perform(bench, id)).catch(expectRefusal);
        await bench.settle();
        failed = bench.heal();
        // A start that was refused, or did without a controller: the next one makes good.
        if (prepare === leaveRubbish) await bench.quiet(bench.reopen());
        await bench.clear();
        const after = bench.model.snapshot();
        expect({ k, failed, left: differences(before, after) }).toEqual({ k, failed, left: [] });
      }
      expect(k, "no call was made to fail").toBeGreaterThan(3);
    },
  );
});

describe("the first start is prepared", () => {
  /** Where the cgroup of a container is, in order. */
  function cgroupsOf(bench: ModelBench, id: string): readonly boolean[] {
    return cgroupParents(bench).map((parent) => bench.model.kernel.readdir(parent).includes(id));
  }

  test("prepared-is-no-start: without one it goes after a second, and a later one makes it", async () => {
    const bench = await ModelBench.open("v1");
    const id = await prepared(bench);
    const made = cgroupsOf(bench, id);
    expect(made.filter((isThere) => !isThere)).toHaveLength(1);
    await bench.settle();
    expect(cgroupsOf(bench, id)).toEqual(made.map(() => false));
    await bench.quiet(bench.engine.startContainer(id));
    await bench.clear();
    expect(cgroupsOf(bench, id)).toEqual(made.map(() => false));
  });

  test("prepared-is-no-start: what was updated meanwhile is what is started", async () => {
    const bench = await ModelBench.open("v1");
    const waiting = { cmd: ["cat"], config: { OpenStdin: true } };
    const { id } = await bench.engine.createContainer(wish(waiting));
    await bench.moment();
    await bench.quiet(
      bench.engine.updateContainer(id, { resources: { PidsLimit: 7 }, restartPolicy: null }),
    );
    await bench.quiet(bench.engine.startContainer(id));
    const limit = `/sys/fs/cgroup/pids/drydock/${id}/pids.max`;
    expect(bench.model.kernel.readText(limit).trim()).toBe("7");
    await bench.clear();
  });

  test.each([
    { made: "a part", isKept: true },
    { made: "the whole", isKept: false },
  ])(
    "prepared-is-no-start: after a crash with $made of its cgroup, --rm is kept: $isKept",
    async ({ made, isKept }) => {
      const bench = await ModelBench.open("v1");
      const hostConfig = { AutoRemove: true };
      const { id } = await bench.engine.createContainer(wish({ cmd: ["true"], hostConfig }));
      await bench.moment();
      const whole = cgroupParents(bench).map((parent) => `${parent}/${id}`);
      const part = whole.filter((path) => isThere(bench, path));
      await bench.close();
      // The engine removed everything as it closed; a crash would not have.
      expect(whole.filter((path) => isThere(bench, path))).toEqual([]);
      for (const path of made === "the whole" ? whole : part) {
        bench.model.kernel.mkdir(dirname(path), 0o755);
        bench.model.kernel.mkdir(path, 0o755);
      }
      await bench.quiet(bench.reopen());
      await bench.settle();
      const all = { all: true, limit: 0, size: false, filters: {} };
      expect(await bench.engine.listContainers(all)).toHaveLength(isKept ? 1 : 0);
      expect(whole.filter((path) => isThere(bench, path))).toEqual([]);
      await bench.clear();
    },
  );
});

function isThere({ model: { kernel } }: ModelBench, path: string): boolean {
  try {
    return kernel.stat(path).type === "directory";
  } catch {
    return false;
  }
}
