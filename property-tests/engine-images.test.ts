/** Properties of an engine's images: what removing and pruning leave on the disk. */
import { fc, test } from "@fast-check/vitest";
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { EngineBench, wish } from "../runtime/src/engine/engine.fixture.ts";
import type { ApiObject, PrunePlan } from "../runtime/src/engine/index.ts";
import { RuntimeError } from "../runtime/src/errors/index.ts";
import { waitUntil, whyNoContainers } from "../runtime/src/keeper/keeper.fixture.ts";

const why = whyNoContainers();
if (why !== undefined) console.log(`skipped: images of an engine on the real kernel: ${why}`);

const BASE = "busybox:latest";
const COMMIT = { comment: "", author: "", pause: true, config: null };
const names = fc.constantFrom("a:1", "b:1");

/** Containers and images are made from each other, and removed in any order. */
const act = fc.oneof(
  fc.record({ kind: fc.constant("create" as const), from: fc.oneof(names, fc.constant(BASE)) }),
  fc.record({ kind: fc.constant("commit" as const), at: fc.nat(3), to: names }),
  fc.record({ kind: fc.constant("rm" as const), at: fc.nat(3) }),
  fc.record({ kind: fc.constant("rmi" as const), name: names, force: fc.boolean() }),
  fc.record({ kind: fc.constant("reopen" as const) }),
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

describe.skipIf(why !== undefined)("images of an engine", () => {
  let bench: EngineBench;

  beforeAll(async () => {
    bench = await EngineBench.open();
  }, 30_000);

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  }, 30_000);

  async function perform(one: Act): Promise<void> {
    const ids = await bench.ids();
    const { engine } = bench;
    if (one.kind === "reopen") await bench.reopen();
    else if (one.kind === "create") {
      await engine.createContainer(wish({ config: { Image: one.from } }));
    } else if (one.kind === "rmi") await engine.removeImage(one.name, { force: one.force });
    else {
      const id = ids[one.at];
      if (id === undefined) return;
      if (one.kind === "rm") await engine.removeContainer(id, { force: true, volumes: true });
      else {
        // Something new in each, so that no two commits make the same layer.
        const label = `LABEL n=${Math.random()}`;
        await engine.commitContainer(id, { ...COMMIT, reference: one.to, changes: [label] });
      }
    }
  }

  const refused = (error: unknown): void => {
    if (!(error instanceof RuntimeError)) throw error;
  };

  /** Chain ids on the disk, and those that something has. */
  function unpacked(): readonly string[] {
    return readdirSync(`${bench.root}/layers`).toSorted();
  }

  async function reached(): Promise<readonly string[]> {
    const all = await bench.engine.listImages({ all: true, filters: {} });
    const stacks: unknown[] = [];
    for (const { Id } of all) {
      const { GraphDriver } = await bench.engine.inspectImage(String(Id));
      stacks.push(GraphDriver);
    }
    for (const id of await bench.ids()) {
      const { GraphDriver } = await bench.engine.inspectContainer(id, { size: false });
      stacks.push(GraphDriver);
    }
    const found = JSON.stringify(stacks).match(/(?<=\/layers\/)[0-9a-f]{64}(?=\/diff)/g) ?? [];
    return [...new Set(found)].toSorted();
  }

  async function clear(): Promise<void> {
    await bench.clear();
    const all: Promise<ApiObject> = bench.engine.pruneImages({ dangling: ["false"] });
    await all;
    await bench.engine.pullImage(BASE);
  }

  test.prop([fc.array(act, { minLength: 4, maxLength: 14 })], { numRuns: 15 })(
    "layers-are-given-back: what is unpacked is what an image or a container has",
    async (acts) => {
      for (const one of acts) await perform(one).catch(refused);
      // Every container still has all of its files.
      for (const id of await bench.ids()) {
        expect(await bench.engine.statPath(id, "/bin/busybox")).toMatchObject({ name: "busybox" });
      }
      const expected = await reached();
      // An image that no container was made from need not be unpacked.
      await waitUntil(() => unpacked().every((name) => expected.includes(name)));
      await clear();
      await waitUntil(() => unpacked().length === 1);
      expect(readdirSync(`${bench.root}/l`)).toHaveLength(1);
    },
    120_000,
  );

  test.prop([fc.array(act, { minLength: 3, maxLength: 8 }), fc.boolean()], { numRuns: 12 })(
    "prune-does-what-it-said: the plan names what goes, and how much that is",
    async (acts, all) => {
      for (const one of acts) await perform(one).catch(refused);
      const { engine } = bench;
      const images = all ? { dangling: ["false"] } : {};
      const plan: PrunePlan = await engine.planPrune({ containers: {}, images });
      const containers = await engine.pruneContainers({});
      const pruned = await engine.pruneImages(images);
      const gone = (pruned["ImagesDeleted"] ?? []) as readonly { Deleted?: string }[];
      const imageIds = new Set(plan.Images.map(({ Id }) => Id));
      expect(containers["ContainersDeleted"] ?? []).toEqual(plan.Containers.map(({ Id }) => Id));
      expect(gone.flatMap(({ Deleted }) => (imageIds.has(Deleted ?? "") ? [Deleted] : []))).toEqual(
        plan.Images.map(({ Id }) => Id),
      );
      expect(Number(containers["SpaceReclaimed"]) + Number(pruned["SpaceReclaimed"])).toBe(
        plan.SpaceReclaimed,
      );
      const left = await engine.planPrune({ containers: {}, images });
      expect(left).toEqual({ Containers: [], Images: [], SpaceReclaimed: 0 });
      await clear();
    },
    120_000,
  );
});
