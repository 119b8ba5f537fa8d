import { fc, test } from "@fast-check/vitest";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { createEngine } from "../runtime/src/engine/create-engine.ts";
import { EngineBench, switchable, wish } from "../runtime/src/engine/engine.fixture.ts";
import type { Wish } from "../runtime/src/engine/engine.fixture.ts";
import { Locks } from "../runtime/src/engine/lock.ts";
import { findContainer } from "../runtime/src/engine/lookup.ts";
import { checkName, generateName } from "../runtime/src/engine/names.ts";
import { NEW_HISTORY } from "../runtime/src/engine/record.ts";
import type { Definition } from "../runtime/src/engine/record.ts";
import { filesOf, readStore, writeDefinition } from "../runtime/src/engine/state-store.ts";
import { writeHistory } from "../runtime/src/engine/state-store.ts";
import { RuntimeError } from "../runtime/src/errors/index.ts";
import { PLAIN_CONFIG, PLAIN_HOST_CONFIG } from "../runtime/src/container/plan.fixture.ts";
import { whyNoContainers } from "../runtime/src/keeper/keeper.fixture.ts";
import { KernelError } from "../runtime/src/kernel/index.ts";
import { createLinuxKernel } from "../runtime/src/kernel/linux/index.ts";
import { digestOf, readTar } from "../runtime/src/layers/index.ts";
import { ownDirectory } from "./real-kernel.fixture.ts";

const why = whyNoContainers();
if (why !== undefined) console.log(`skipped: engine on the real kernel: ${why}`);

test.prop([fc.array(fc.uint8Array({ minLength: 3, maxLength: 6 }), { maxLength: 60 })])(
  "names-are-unique: generated names never collide, even when chance repeats itself",
  (chances) => {
    const taken = new Set<string>();
    // Every name is asked for three times with the same bytes.
    for (const bytes of [...chances, ...chances, ...chances]) {
      const name = generateName(bytes, (candidate) => taken.has(candidate));
      expect(taken.has(name)).toBe(false);
      checkName(name);
      taken.add(name);
    }
  },
);

/** Ids of three digits out of two, so that prefixes and names collide all the time. */
const shortId = fc.stringMatching(/^[ab]{3}$/);

test.prop([
  fc.uniqueArray(fc.record({ id: shortId, name: fc.stringMatching(/^[ab]{1,3}$/) }), {
    selector: ({ id }) => id,
    minLength: 1,
    maxLength: 8,
  }),
  fc.stringMatching(/^[ab]{1,3}$/),
])("lookup-is-unambiguous: full id, then name, then the only prefix", (containers, reference) => {
  const byId = containers.filter(({ id }) => id === reference);
  const byName = containers.filter(({ name }) => name === reference);
  const byPrefix = containers.filter(({ id }) => id.startsWith(reference));
  const find = () => findContainer(containers, reference);
  if (byId.length > 0) expect(find()).toBe(byId[0]);
  else if (byName.length > 0) expect(byName).toContain(find());
  else if (byPrefix.length === 1) expect(find()).toBe(byPrefix[0]);
  else if (byPrefix.length === 0) expect(find).toThrow(`No such container: ${reference}`);
  else {
    expect(find).toThrow(`multiple IDs found with provided prefix: ${reference}`);
    const hint = hintOf(find);
    for (const { id, name } of byPrefix) expect(hint).toContain(`${id} (${name})`);
  }
});

function hintOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof RuntimeError) return error.hint ?? "";
  }
  return "";
}

test.prop([
  fc.scheduler(),
  fc.array(fc.record({ name: fc.constantFrom("a", "b"), fails: fc.boolean() }), { maxLength: 8 }),
])("operations-are-serial: one at a time for a name, in order, whatever fails", async (s, jobs) => {
  const locks = new Locks();
  const running = new Set<string>();
  const order: Record<string, number[]> = { a: [], b: [] };
  const all = jobs.map(({ name, fails }, index) =>
    locks
      .run(name, async () => {
        expect(running.has(name)).toBe(false);
        running.add(name);
        await s.schedule(Promise.resolve());
        running.delete(name);
        order[name]?.push(index);
        if (fails) throw new Error("fails");
      })
      .catch((error: unknown) => expect(error).toMatchObject({ message: "fails" })),
  );
  await s.waitFor(Promise.all(all));
  await locks.idle();
  for (const name of ["a", "b"]) {
    expect(order[name]).toEqual(jobs.flatMap((job, index) => (job.name === name ? [index] : [])));
  }
});

test.prop([fc.nat({ max: 12 }), fc.constantFrom("durable" as const, "lasting" as const)])(
  "store-is-whole: cut off at any call, it loads with the old record or the new one",
  (k, durability) => {
    using directory = ownDirectory();
    const root = directory.path;
    const real = createLinuxKernel();
    const files = filesOf(root, "c1");
    real.mkdir(join(root, "containers"), 0o700);
    real.mkdir(files.directory, 0o700);
    const definition = (name: string): Definition => ({
      id: "c1",
      name,
      createdAtMs: 1,
      imageId: "sha256:0",
      config: PLAIN_CONFIG,
      hostConfig: PLAIN_HOST_CONFIG,
      networkingConfig: {},
      layers: [],
    });
    const history = (restartCount: number) => ({ ...NEW_HISTORY, restartCount });
    const crashing = switchable(real);
    crashing.crashAt(k);
    try {
      for (const n of [1, 2]) {
        writeDefinition(crashing.kernel, files, definition(`n${n}`), durability);
        writeHistory(crashing.kernel, files, history(n));
      }
    } catch (error) {
      expect(error).toBeInstanceOf(KernelError);
    }
    const [stored] = readStore(real, root);
    if (stored?.kind === "whole") {
      const name = Number(stored.definition.name.slice(1));
      expect([1, 2]).toContain(name);
      expect(stored.definition).toEqual(definition(`n${name}`));
      // The history is written after the definition, so it is the same or the one before.
      expect([name, name - 1]).toContain(stored.history.restartCount);
    } else {
      expect(stored?.kind).toBe("rubbish");
    }
  },
);

/** One engine for everything below; each test leaves it as it was. */
describe.skipIf(why !== undefined)("engine", () => {
  const faults = switchable(createLinuxKernel());
  let bench: EngineBench;

  beforeAll(async () => {
    bench = await EngineBench.open(faults.kernel);
    await bench.run({});
    await bench.clear();
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const wishes: fc.Arbitrary<Wish> = fc.record({
    cmd: fc.constantFrom(
      ["true"],
      ["sh", "-c", "exit 3"],
      ["sh", "-c", "mkdir -p /a/b; echo x > /a/b/c; rm -rf /etc; ln -s / /tmp/root"],
      ["nosuch"],
      ["/etc/passwd"],
      ["sh", "-c", "sleep 100 & kill -9 $$"],
    ),
    hostConfig: fc.record({
      NetworkMode: fc.constantFrom("none", "host", "default"),
      Memory: fc.constantFrom(0, 64 * 1024 * 1024),
      PidMode: fc.constantFrom("", "host"),
      IpcMode: fc.constantFrom("", "shareable", "none"),
      ReadonlyRootfs: fc.boolean(),
      Privileged: fc.boolean(),
      Tmpfs: fc.constantFrom({}, { "/mem": "size=1m" }),
      AutoRemove: fc.boolean(),
    }),
    config: fc.record({ Tty: fc.boolean(), User: fc.constantFrom("", "nobody") }),
  });

  test.prop([fc.array(wishes, { minLength: 1, maxLength: 3 })], { numRuns: 12 })(
    "remove-is-complete: after run and remove the machine is as it was before",
    async (all) => {
      const before = bench.snapshot();
      await Promise.all(all.map((one) => bench.run(one).catch(expectRefusal)));
      await bench.settled();
      await bench.clear();
      expect(bench.snapshot()).toEqual(before);
    },
  );

  /** Runs and removes once, while something fails; whatever is thrown must be an error of ours. */
  async function runAndRemove(one: Wish): Promise<void> {
    const { id } = await bench.engine.createContainer(wish(one));
    const { done } = bench.engine.waitContainer(id, "next-exit");
    await bench.engine.startContainer(id);
    await done;
    if (one.hostConfig?.AutoRemove !== true) {
      await bench.engine.removeContainer(id, { force: false, volumes: false });
    }
  }

  /**
   * Nothing is left. A machine that is as it was runs the next container as it ran the first; that
   * is tried for every eighth k all the same.
   */
  async function expectWorking(before: unknown, k: number): Promise<void> {
    await bench.settled();
    await bench.clear();
    expect(bench.snapshot()).toEqual(before);
    if (k % 8 !== 0) return;
    const { exitCode, stdout } = await bench.run({ cmd: ["echo", "works"] });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "works\n" });
    await bench.clear();
    expect(bench.snapshot()).toEqual(before);
  }

  const limited = { Memory: 64 * 1024 * 1024, PidsLimit: 20, IpcMode: "shareable" };

  test.each([
    { AutoRemove: false, errno: "ENOSPC" },
    { AutoRemove: true, errno: "EIO" },
  ])(
    "start-leaves-nothing: when the engine's k-th call fails, for every k, AutoRemove $AutoRemove",
    async ({ AutoRemove, errno }) => {
      const before = bench.snapshot();
      let k = 0;
      for (let reached = true; reached;) {
        k += 1;
        faults.failAt(k, errno);
        await runAndRemove({ hostConfig: { ...limited, AutoRemove } }).catch(expectRefusal);
        await bench.settled();
        reached = faults.heal();
        await expectWorking(before, k);
      }
      expect(k, "the fault was never reached").toBeGreaterThan(40);
    },
  );

  test("start-leaves-nothing: when init's k-th call fails, for every k", async () => {
    const before = bench.snapshot();
    let k = 0;
    for (let successes = 0; successes < 5;) {
      k += 1;
      bench.initFault = { failAt: k, errno: "EPERM" };
      const failure = await runAndRemove({ hostConfig: limited }).then(() => null, expectRefusal);
      // A few calls may fail without harm: paths to hide that do not exist.
      successes = failure === null ? successes + 1 : 0;
      await expectWorking(before, k);
    }
    expect(k, "the fault was never reached").toBeGreaterThan(60);
  });

  test("one-engine-per-root: a second engine is refused and names the first", async () => {
    const refused = createEngine(await bench.options(createLinuxKernel()));
    await expect(refused).rejects.toMatchObject({
      code: "engine-locked",
      message: expect.stringContaining(`pid ${process.pid}`),
    });
    expect(readFileSync(join(bench.root, "engine.lock"), "utf8").trim()).toBe(String(process.pid));
  });

  /** The container's files as they are copied out. */
  async function treeOf(reference: string): Promise<Readonly<Record<string, string>>> {
    const found: Record<string, string> = {};
    for await (const { entry, pieces } of readTar(await bench.engine.exportContainer(reference))) {
      let text = `${entry.type} ${entry.mode} ${entry.uid} ${entry.linkPath}`;
      for await (const piece of pieces) text += ` ${digestOf(piece)}`;
      found[entry.path] = text;
    }
    return found;
  }

  test("commit-is-the-tree: a container of the image begins where the other one ended", async () => {
    const script =
      "echo x > /new; rm /etc/group; rm -r /var; mkdir -p /var/a; chmod 700 /home; " +
      "ln -s /new /link; ln /new /hard; chown 7:8 /new; echo y >> /etc/passwd";
    await bench.run({ name: "first", cmd: ["sh", "-c", script] });
    const before = await treeOf("first");
    const commit = { comment: "", author: "", pause: true, config: null };
    const changes = ['CMD ["true"]', "ENV A=1"];
    const made = { ...commit, reference: "copy:1", changes };
    const { id } = await bench.engine.commitContainer("first", made);
    const { id: second } = await bench.engine.createContainer(
      wish({ name: "second", config: { Image: "copy:1", Cmd: null } }),
    );
    expect(await treeOf(second)).toEqual(before);
    expect(await bench.engine.containerChanges(second)).toEqual([]);
    const found = await bench.engine.inspectContainer(second, { size: false });
    expect(found).toMatchObject({
      Image: id,
      Path: "true",
      Config: { Env: expect.arrayContaining(["A=1"]) },
    });
    await bench.clear();
  });

  test("tree-leaves-no-mount: when the engine's k-th call fails, for every k", async () => {
    await bench.clear();
    const { id } = await bench.engine.createContainer(
      wish({ hostConfig: { Binds: ["/etc:/mnt/etc:ro"] } }),
    );
    const { mounts } = bench.snapshot();
    let k = 0;
    for (let reached = true; reached;) {
      k += 1;
      faults.failAt(k, "EIO");
      await readAll(bench.engine.getArchive(id, "/etc/passwd").then(({ stream }) => stream)).catch(
        expectRefusal,
      );
      reached = faults.heal();
      expect([k, bench.snapshot()["mounts"]]).toEqual([k, mounts]);
    }
    expect(k, "the fault was never reached").toBeGreaterThan(8);
    // A reader that leaves, before the first byte too.
    const { stream } = await bench.engine.getArchive(id, "/mnt/etc");
    await stream.cancel();
    await bench.engine.statPath(id, "/mnt/etc/passwd");
    expect(bench.snapshot()["mounts"]).toEqual(mounts);
    await bench.clear();
  });

  async function readAll(opening: Promise<ReadableStream<Uint8Array>>): Promise<number> {
    let length = 0;
    for await (const piece of await opening) length += piece.length;
    return length;
  }

  const call = fc.record({
    call: fc.constantFrom(
      "start",
      "stop",
      "kill",
      "remove",
      "restart",
      "rename",
      "exec",
      "pause",
      "unpause",
    ),
    target: fc.constantFrom("one", "two"),
  });

  const removed = (["start", "remove", "stop", "remove"] as const).map((name) => ({
    call: name,
    target: "one" as const,
  }));

  test.prop([fc.array(call, { minLength: 1, maxLength: 12 })], {
    numRuns: 12,
    examples: [[removed]],
  })(
    "lifecycle-is-legal: every sequence of calls follows the table, refusals change nothing",
    async (calls) => {
      const expected = new Map([
        ["one", "created"],
        ["two", "created"],
      ]);
      await bench.clear();
      for (const name of expected.keys()) await create(name);
      for (const step of calls) {
        const status = expected.get(step.target) ?? "gone";
        const other = step.target === "one" ? "two" : "one";
        const [want, next] = ruleFor(step.call, status, expected.get(other) ?? "gone");
        const outcome = await perform(step.call, step.target).then(() => "ok", codeOf);
        expect([step, status, outcome]).toEqual([step, status, want]);
        if (step.call === "rename" && outcome === "ok") expected.set(other, status);
        if (next !== undefined) expected.set(step.target, next);
        await expectStatuses(expected);
      }
      await bench.clear();
    },
  );

  /** Every container is as expected, and exactly those that run have a cgroup. */
  async function expectStatuses(expected: ReadonlyMap<string, string>): Promise<void> {
    for (const [name, is] of expected) expect([name, await statusOf(name)]).toEqual([name, is]);
    const running = [...expected.values()].filter((is) => /running|paused/.test(is)).length;
    const cgroups = () =>
      new Set((bench.snapshot()["cgroups"] ?? []).map((path) => basename(path))).size;
    // Those of runs that ended go a moment later.
    await expect.poll(cgroups).toBe(running);
  }

  async function create(name: string): Promise<void> {
    await bench.engine.createContainer(wish({ name, cmd: ["sleep", "1000"] }));
  }

  async function statusOf(name: string): Promise<string> {
    const found = await bench.engine.inspectContainer(name, { size: false }).catch(() => null);
    return found === null ? "gone" : (found["State"] as { Status: string }).Status;
  }

  async function perform(name: string, target: string): Promise<void> {
    const { engine } = bench;
    const now = { signal: "SIGKILL", timeoutSeconds: 1 };
    switch (name) {
      case "start":
        return engine.startContainer(target);
      case "stop":
        return engine.stopContainer(target, now);
      case "restart":
        return engine.restartContainer(target, now);
      case "kill":
        return engine.killContainer(target, "KILL");
      case "remove":
        return engine.removeContainer(target, { force: false, volumes: false });
      case "pause":
        return engine.pauseContainer(target);
      case "unpause":
        return engine.unpauseContainer(target);
      case "exec":
        await bench.exec(target, ["true"]);
        return;
      default:
        return engine.renameContainer(target, target === "one" ? "two" : "one");
    }
  }

  /** What each call does in each state: its outcome, and the state after it when it changes. */
  const RULES: Readonly<Record<string, Readonly<Record<string, readonly [string, string?]>>>> = {
    start: {
      created: ["ok", "running"],
      running: ["container-already-started"],
      paused: ["container-paused"],
      exited: ["ok", "running"],
      gone: ["container-not-found"],
    },
    stop: {
      created: ["container-already-stopped"],
      running: ["ok", "exited"],
      paused: ["ok", "exited"],
      exited: ["container-already-stopped"],
      gone: ["container-not-found"],
    },
    restart: {
      created: ["ok", "running"],
      running: ["ok", "running"],
      paused: ["ok", "running"],
      exited: ["ok", "running"],
      gone: ["container-not-found"],
    },
    kill: {
      created: ["container-not-running"],
      running: ["ok", "exited"],
      paused: ["ok", "exited"],
      exited: ["container-not-running"],
      gone: ["container-not-found"],
    },
    remove: {
      created: ["ok", "gone"],
      running: ["container-running"],
      paused: ["container-paused"],
      exited: ["ok", "gone"],
      gone: ["container-not-found"],
    },
    exec: {
      created: ["container-not-running"],
      running: ["ok"],
      paused: ["container-paused"],
      exited: ["container-not-running"],
      gone: ["container-not-found"],
    },
    pause: {
      created: ["container-not-running"],
      running: ["ok", "paused"],
      paused: ["container-paused"],
      exited: ["container-not-running"],
      gone: ["container-not-found"],
    },
    unpause: {
      created: ["container-not-paused"],
      running: ["container-not-paused"],
      paused: ["ok", "running"],
      exited: ["container-not-paused"],
      gone: ["container-not-found"],
    },
  };

  function ruleFor(name: string, status: string, other: string): readonly [string, string?] {
    if (name !== "rename") return RULES[name]?.[status] ?? ["no rule"];
    if (status === "gone") return ["container-not-found"];
    return other === "gone" ? ["ok", "gone"] : ["container-name-taken"];
  }

  test.prop([fc.integer({ min: 2, max: 6 })], { numRuns: 6 })(
    "calls-are-serial: of many equal calls at once exactly one does it",
    async (count) => {
      await bench.clear();
      const before = bench.snapshot();
      const times = <T>(work: () => Promise<T>) =>
        Promise.all(Array.from({ length: count }, () => work().then(() => "ok", codeOf)));
      const others = (code: string) => Array.from({ length: count - 1 }, () => code);
      const created = await times(() =>
        bench.engine.createContainer(wish({ name: "same", cmd: ["sleep", "1000"] })),
      );
      expect(created.toSorted()).toEqual([...others("container-name-taken"), "ok"]);
      const started = await times(() => bench.engine.startContainer("same"));
      expect(started.toSorted()).toEqual([...others("container-already-started"), "ok"]);
      const mixed = await Promise.all([
        perform("stop", "same").then(() => "ok", codeOf),
        perform("restart", "same").then(() => "ok", codeOf),
        perform("stop", "same").then(() => "ok", codeOf),
      ]);
      expect(mixed).toEqual(["ok", "ok", "ok"]);
      const removed = await times(() => perform("remove", "same"));
      expect(removed.filter((outcome) => outcome === "ok").length).toBeGreaterThan(0);
      expect(await bench.ids()).toEqual([]);
      await bench.settled();
      expect(bench.snapshot()).toEqual(before);
    },
  );

  test("recovery-is-complete: after a crash at the k-th call, for every k", async () => {
    const before = bench.snapshot();
    let k = 0;
    for (let hasCrashed = true; hasCrashed;) {
      k += 1;
      const doomed = switchable(createLinuxKernel());
      await bench.reopen(doomed.kernel);
      doomed.crashAt(k);
      const work = runAndRemove({ cmd: ["sleep", "0.02"], hostConfig: limited }).catch(
        expectRefusal,
      );
      await Promise.race([work, new Promise((resolve) => setTimeout(resolve, 400))]);
      hasCrashed = doomed.hasCrashed();
      bench.abandon();
      doomed.releaseLocks();
      await bench.reopen(faults.kernel);
      for (const id of await bench.ids()) {
        expect(["created", "running", "exited"]).toContain(await statusOf(id));
      }
      await expectWorking(before, k);
    }
    expect(k, "the crash never came").toBeGreaterThan(30);
  });
});

/** Operations may fail, but only in ways that we know. */
function expectRefusal(error: unknown): string {
  if (error instanceof KernelError) return error.errno;
  expect(error).toBeInstanceOf(RuntimeError);
  return codeOf(error);
}

function codeOf(error: unknown): string {
  if (error instanceof RuntimeError) return error.code;
  throw error;
}
