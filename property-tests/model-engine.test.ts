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

function cgroupParents({ model: { kernel } }: ModelBench): readonly string[] {
  const top = "/sys/fs/cgroup";
  const mounts = [top, ...kernel.readdir(top).map((name) => `${top}/${name}`)];
  return mounts.flatMap((path) => {
    try {
      return kernel.stat(`${path}/drydock`).type === "directory" ? [`${path}/drydock`] : [];
    } catch {
      return [];
    }
  });
}

const ON_BOTH = ["run --rm", "open after a crash"];

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
