/** Properties of an engine's images: what removing and pruning leave on the disk. */
import { fc, test } from "@fast-check/vitest";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { EngineBench, wish } from "../runtime/src/engine/engine.fixture.ts";
import type { PrunePlan } from "../runtime/src/engine/index.ts";
import { RuntimeError } from "../runtime/src/errors/index.ts";
import { formatTar } from "../runtime/src/layers/index.ts";
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

/** What is removed goes at once: whoever waits longer waits for a fault. */
const SOON_S = 5;

let made = 0;

/** Something new each time, so that no two commits make the same layer. */
async function* newFile(): AsyncGenerator<Uint8Array> {
  made += 1;
  const data = new TextEncoder().encode(String(made));
  const plain = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, linkPath: "", major: 0, minor: 0 };
  yield formatTar([{ ...plain, path: "new", type: "file", xattrs: new Map(), data }]);
}

describe.skipIf(why !== undefined)("images of an engine", () => {
  let bench: EngineBench;

  beforeAll(async () => {
    bench = await EngineBench.open();
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  async function perform(one: Act): Promise<void> {
    const ids = await bench.ids();
    const { engine } = bench;
    if (one.kind === "reopen") await bench.reopen();
    else if (one.kind === "create") {
      const { id } = await engine.createContainer(wish({ config: { Image: one.from } }));
      await engine.putArchive(id, {
        path: "/",
        keepTypes: true,
        copyOwner: false,
        archive: newFile(),
      });
    } else if (one.kind === "rmi") await engine.removeImage(one.name, { force: one.force });
    else {
      const id = ids[one.at];
      if (id === undefined) return;
      if (one.kind === "rm") await engine.removeContainer(id, { force: true, volumes: true });
      else {
        await engine.commitContainer(id, { ...COMMIT, reference: one.to, changes: [] });
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
    const all = await bench.engine.listImages({ all: true, manifests: false, filters: {} });
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
    await bench.engine.pruneImages({ dangling: ["false"] });
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
      await waitUntil(() => unpacked().every((name) => expected.includes(name)), SOON_S);
      await clear();
      await waitUntil(() => unpacked().length === 1, SOON_S);
      expect(readdirSync(`${bench.root}/l`)).toHaveLength(1);
    },
    120_000,
  );

  test("layers-are-given-back: with the last container of an image that is gone", async () => {
    const { engine } = bench;
    await perform({ kind: "create", from: BASE });
    await perform({ kind: "commit", at: 0, to: "a:1" });
    await bench.clear();
    const { id } = await engine.createContainer(wish({ config: { Image: "a:1" } }));
    await engine.removeImage("a:1", { force: true });
    expect((await engine.statPath(id, "/new")).name).toBe("new");
    expect(unpacked()).toHaveLength(2);
    await engine.removeContainer(id, { force: false, volumes: false });
    await waitUntil(() => unpacked().length === 1, SOON_S);
  });

  /** All files below the root, as find(1) would add them up. */
  function bytesBelow(path: string): number {
    return readdirSync(path, { withFileTypes: true }).reduce((sum, file) => {
      const below = `${path}/${file.name}`;
      if (file.isDirectory()) return sum + bytesBelow(below);
      return file.isFile() ? sum + statSync(below).size : sum;
    }, 0);
  }

  const rubbish = fc.subarray([
    "images/blobs/sha256/half.tmp",
    `images/blobs/sha256/${"0".repeat(64)}`,
    "images/index.json.1.tmp",
    `layers/${"1".repeat(64)}`,
    "layers/half.tmp",
    `containers/${"2".repeat(64)}`,
  ]);

  test.prop([fc.array(act, { maxLength: 6 }), rubbish], { numRuns: 10 })(
    "every-byte-has-an-owner: the map adds up to the files; fsck-removes-only-orphans",
    async (acts, left) => {
      for (const one of acts) await perform(one).catch(refused);
      const { engine, root } = bench;
      await engine.createContainer(wish({ name: "keeps", hostConfig: { Binds: [] } }));
      await waitUntil(() => unpacked().every((name) => !name.endsWith(".tmp")));
      const before = await reached();
      for (const path of left) writeFileSync(`${root}/${path}`, "rubbish");
      const entries = await engine.explainDisk();
      expect(entries.reduce((sum, { Size }) => sum + Size, 0)).toBe(bytesBelow(root));
      const orphans = entries.filter(({ Kind }) => Kind === "orphan").map(({ Path }) => Path);
      expect(orphans.toSorted()).toEqual(left.map((path) => `${root}/${path}`).toSorted());
      const found = await engine.checkDisk({ repair: true });
      expect(found.map(({ Path }) => Path).toSorted()).toEqual(orphans.toSorted());
      expect(await engine.checkDisk({ repair: false })).toEqual([]);
      expect(await reached()).toEqual(before);
      expect((await bench.run({ cmd: ["echo", "works"] })).stdout).toBe("works\n");
      await clear();
    },
    120_000,
  );

  test("fsck-removes-only-orphans: what is damaged is told and stays", async () => {
    const { engine, root } = bench;
    const { RootFS } = await engine.inspectImage(BASE);
    const [layer = ""] = (RootFS as { Layers: readonly string[] }).Layers;
    const path = `${root}/images/blobs/sha256/${layer.slice(7)}`;
    const whole = readFileSync(path);
    writeFileSync(
      path,
      whole.map((byte, at) => (at === 1000 ? byte ^ 1 : byte)),
    );
    const expected = [expect.objectContaining({ Path: path, IsRepaired: false })];
    expect(await engine.checkDisk({ repair: true })).toEqual(expected);
    writeFileSync(path, whole);
    expect(await engine.checkDisk({ repair: true })).toEqual([]);
  });

  // The image goes because its last container does.
  const together: Act[] = [
    { kind: "create", from: BASE },
    { kind: "commit", at: 0, to: "a:1" },
    { kind: "create", from: "a:1" },
  ];

  test.prop([fc.array(act, { minLength: 3, maxLength: 8 }), fc.boolean()], {
    numRuns: 12,
    examples: [[together, true]],
  })(
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
