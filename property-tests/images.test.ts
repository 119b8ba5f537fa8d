import { fc, test } from "@fast-check/vitest";
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { expect } from "vitest";
import {
  addImage,
  applyImageRemoval,
  canonicalForm,
  ensureBaseImage,
  familiarForm,
  findImage,
  listImages,
  openImageStore,
  parseReference,
  planImageRemoval,
  sweepBlobs,
  tagImage,
  withDefaultTag,
  type ImageReference,
  type ImageStore,
} from "../runtime/src/images/index.ts";
import { createLinuxKernel } from "../runtime/src/kernel/linux/index.ts";
import {
  digestOf,
  listBlobs,
  openLayerStore,
  readIndex,
  writeIndex,
} from "../runtime/src/layers/index.ts";
import { ownDirectory } from "./real-kernel.fixture.ts";

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });

/** Biased to the words that mean something in a host's or an official image's place. */
const component = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "library",
      "localhost",
      "docker.io",
      "a.b",
      "busybox",
      "x",
      "index.docker.io",
    ),
  },
  {
    weight: 3,
    arbitrary: fc.stringMatching(/^[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/),
  },
  { weight: 1, arbitrary: hex(64) },
);
const domain = fc.oneof(
  fc.constantFrom(
    "docker.io",
    "localhost",
    "localhost:5000",
    "gcr.io",
    "[::1]:80",
    "Registry",
    "10.0.0.1:443",
  ),
  fc.stringMatching(/^[a-zA-Z0-9]{1,5}\.[a-z]{2}(:[0-9]{1,4})?$/),
);
const reference: fc.Arbitrary<ImageReference> = fc
  .record({
    domain,
    path: fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
    tag: fc.option(fc.stringMatching(/^\w[\w.-]{0,12}$/)),
    digest: fc.option(hex(64).map((digits) => `sha256:${digits}`)),
  })
  // A path of one word in the default registry is always written with "library/" in canonical form.
  .map((r) =>
    r.domain === "docker.io" && !r.path.includes("/") ? { ...r, path: `library/${r.path}` } : r,
  );

test.prop([reference])(
  "reference-round-trip: canonical and familiar form mean the same image",
  (r) => {
    expect(parseReference(canonicalForm(r))).toEqual(r);
    expect(parseReference(familiarForm(r))).toEqual(r);
  },
);

test.prop([fc.oneof(fc.string({ maxLength: 20 }), fc.stringMatching(/^[a-zA-Z.:/@_-]{0,20}$/))])(
  "reference-round-trip: whatever text is accepted prints stably",
  (text) => {
    let parsed: ImageReference;
    try {
      parsed = parseReference(text);
    } catch {
      return;
    }
    expect(canonicalForm(parseReference(canonicalForm(parsed)))).toBe(canonicalForm(parsed));
    expect(canonicalForm(parseReference(familiarForm(parsed)))).toBe(canonicalForm(parsed));
  },
);

test.prop([hex(64), fc.stringMatching(/^[a-z]{0,4}[A-Z][a-zA-Z]{0,4}$/)])(
  "hex-is-never-a-name: hex and capitals are refused, each with its own text",
  (digits, capitals) => {
    expect(() => parseReference(digits)).toThrow(/cannot specify 64-byte hexadecimal strings/);
    expect(() => parseReference(capitals)).toThrow(/must be lowercase/);
    expect(parseReference(digits.slice(1)).path).toBe(`library/${digits.slice(1)}`);
  },
);

test.prop([fc.integer({ min: 240, max: 270 }), fc.integer({ min: 120, max: 140 })])(
  "reference-limits: 255 characters of path and 128 of tag are the most",
  (pathLength, tagLength) => {
    const parse = () =>
      parseReference(`localhost/${"a".repeat(pathLength)}:${"t".repeat(tagLength)}`);
    if (pathLength <= 255 && tagLength <= 128) expect(parse().tag).toHaveLength(tagLength);
    else expect(parse).toThrow();
  },
);

const kernel = createLinuxKernel();

/** A fresh image store in a directory of its own; needs no privileges. */
function withStore<T>(work: (store: ImageStore, path: string) => T): T {
  using directory = ownDirectory();
  return work(openImageStore(kernel, `${directory.path}/images`), directory.path);
}

/** Few layers and few names, so that images share layers and take each other's names. */
const newImage = fc.record({
  layers: fc.array(fc.constantFrom("one", "two", "three"), { minLength: 1, maxLength: 3 }),
  name: fc.constantFrom("a", "b", "c"),
});

function add(
  store: ImageStore,
  { layers, name }: { readonly layers: readonly string[]; readonly name: string | null },
): string {
  return addImage(store, {
    layers: layers.map((text) => new TextEncoder().encode(text)),
    describe: (diffIds) => ({
      created: "2026-01-01T00:00:00Z",
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: diffIds },
      history: [],
    }),
    reference: name === null ? null : withDefaultTag(parseReference(name)),
  });
}

const maybeNamed = fc.tuple(newImage, fc.boolean());

test.prop([fc.array(maybeNamed, { maxLength: 6 })], { numRuns: 30 })(
  "image-id-is-config: ids are hashes of configurations that list the layers",
  (images) => {
    withStore((store) => {
      for (const [{ layers, name }, isNamed] of images) {
        const image = { layers, name: isNamed ? name : null };
        const id = add(store, image);
        const found = findImage(store, image.name ?? id);
        expect(found.id).toBe(id);
        expect(digestOf(JSON.stringify(found.config))).toBe(id);
        expect(found.config.rootfs.diff_ids).toEqual(image.layers.map((layer) => digestOf(layer)));
        expect(findImage(store, id.slice(7, 20)).id).toBe(id);
        expect(findImage(store, id.slice(7)).id).toBe(id);
      }
    });
  },
);

test.prop([fc.array(newImage, { minLength: 1, maxLength: 6 })], { numRuns: 30 })(
  "sweep-is-exact: blobs are those of the listed images, and a second sweep removes nothing",
  (images) => {
    withStore((store) => {
      for (const image of images) add(store, image);
      sweepBlobs(store);
      // An image that has lost its name to another stays, without one.
      const layers = new Set(images.flatMap((image) => image.layers));
      const stacks = new Set(images.map((image) => image.layers.join()));
      // One manifest and one configuration for each different stack.
      expect(listBlobs(kernel, store.content)).toHaveLength(layers.size + 2 * stacks.size);
      for (const { name } of images) expect(() => findImage(store, name)).not.toThrow();
      expect(sweepBlobs(store)).toEqual([]);
      writeIndex(kernel, store.content, readIndex(kernel, store.content).slice(0, 1));
      sweepBlobs(store);
      const own = new Set(listImages(store)[0]?.config.rootfs.diff_ids);
      expect(listBlobs(kernel, store.content)).toHaveLength(own.size + 2);
      writeIndex(kernel, store.content, []);
      sweepBlobs(store);
      expect(listBlobs(kernel, store.content)).toEqual([]);
    });
  },
);

const change = fc.oneof(
  fc.record({ act: fc.constant("add" as const), image: newImage }),
  fc.record({
    act: fc.constant("tag" as const),
    from: fc.constantFrom("a", "b", "c"),
    to: fc.constantFrom("a", "b", "c", "a:2"),
  }),
  fc.record({
    act: fc.constant("remove" as const),
    name: fc.constantFrom("a", "b", "c", "a:2"),
    by: fc.constantFrom("name" as const, "id" as const),
    force: fc.boolean(),
    isRunning: fc.constantFrom(null, false, true),
  }),
);

/** Names and what they mean, kept by hand: stack of layers by name, and stacks without a name. */
class NamedStacks {
  readonly byName = new Map<string, string>();
  readonly stacks = new Set<string>();

  name(name: string, stack: string): void {
    this.stacks.add(stack);
    this.byName.set(name, stack);
  }

  namesOf(stack: string): readonly string[] {
    return [...this.byName].filter(([, each]) => each === stack).map(([name]) => name);
  }

  /** @returns whether it is allowed */
  remove(name: string, how: Removal): boolean {
    const stack = this.byName.get(name) ?? "";
    const names = how.by === "name" ? [name] : this.namesOf(stack);
    const isLast = names.length === this.namesOf(stack).length;
    if (!isAllowed(how, { isLast, isMany: names.length > 1 })) return false;
    for (const each of names) this.byName.delete(each);
    if (isLast && how.isRunning !== true) this.stacks.delete(stack);
    return true;
  }
}

interface Removal {
  readonly by: "name" | "id";
  readonly force: boolean;
  /** Whether a container of the image runs; null: there is none. */
  readonly isRunning: boolean | null;
}

function isAllowed(
  { by, force, isRunning }: Removal,
  { isLast, isMany }: { readonly isLast: boolean; readonly isMany: boolean },
): boolean {
  if (by === "id" && isRunning === true) return false;
  return force || !(isMany || (isLast && isRunning !== null));
}

/** Of two names one goes, and the image stays. */
const ONE_OF_TWO_NAMES: [(typeof change extends fc.Arbitrary<infer T> ? T : never)[]] = [
  [
    { act: "add", image: { layers: ["one"], name: "a" } },
    { act: "tag", from: "a", to: "b" },
    { act: "remove", name: "a", by: "name", force: false, isRunning: null },
  ],
];

test.prop([fc.array(change, { maxLength: 12 })], { numRuns: 60, examples: [ONE_OF_TWO_NAMES] })(
  "image-removal-is-exact: names, images and blobs are those that are left",
  (changes) => {
    withStore((store) => {
      const model = new NamedStacks();
      const full = (name: string) => familiarForm(withDefaultTag(parseReference(name)));
      for (const each of changes) {
        if (each.act === "add") {
          add(store, each.image);
          model.name(full(each.image.name), each.image.layers.join());
          continue;
        }
        const name = full(each.act === "tag" ? each.from : each.name);
        const stack = model.byName.get(name);
        if (stack === undefined) {
          expect(() => findImage(store, name)).toThrow(/No such image/);
          continue;
        }
        const image = findImage(store, name);
        if (each.act === "tag") {
          tagImage(store, image, withDefaultTag(parseReference(each.to)));
          model.name(full(each.to), stack);
          continue;
        }
        const users =
          each.isRunning === null
            ? []
            : [{ containerId: "c".repeat(64), isRunning: each.isRunning }];
        const text = each.by === "name" ? name : image.id.slice(7, 30);
        const plan = () => planImageRemoval(image, { text, force: each.force, users });
        if (model.remove(name, each)) applyImageRemoval(store, image, plan());
        else expect(plan).toThrow(/^conflict: unable to (delete|remove)/);
      }
      expect(
        listImages(store)
          .flatMap(({ references }) => references.map(familiarForm))
          .toSorted(),
      ).toEqual([...model.byName.keys()].toSorted());
      expect(listImages(store)).toHaveLength(model.stacks.size);
      const layers = new Set([...model.stacks].flatMap((stack) => stack.split(",")));
      expect(listBlobs(kernel, store.content)).toHaveLength(layers.size + 2 * model.stacks.size);
      for (const [name, stack] of model.byName) {
        const found = findImage(store, name).config.rootfs.diff_ids;
        expect(found).toEqual(stack.split(",").map((layer) => digestOf(layer)));
      }
    });
  },
);

test("base-is-deterministic: two engines make the same image of the same programs", () => {
  const make = () =>
    withStore((store, path) => {
      const layers = openLayerStore(kernel, path);
      ensureBaseImage(store, layers, "x86_64");
      const [image] = listImages(store);
      if (image === undefined) throw new Error("no image");
      ensureBaseImage(store, layers, "x86_64");
      expect(listImages(store)).toEqual([image]);
      const tree = readdirSync(`${path}/layers`);
      expect(readlinkSync(`${path}/layers/${tree[0]}/diff/bin/ls`)).toBe("busybox");
      expect(statSync(`${path}/layers/${tree[0]}/diff/tmp`).mode & 0o7777).toBe(0o1777);
      return { id: image.id, manifest: image.manifestDigest, chain: image.chain };
    });
  expect(make()).toEqual(make());
});
