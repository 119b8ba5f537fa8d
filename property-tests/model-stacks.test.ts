/**
 * Properties of stacks of layers: on the model and on Linux, what is seen does not depend on which
 * neighbours were made one layer before.
 */
import { fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type Machine, type Pair, compareKernels, runs } from "./model.fixture.ts";
import { skipReal } from "./real-kernel.fixture.ts";

const skip = skipReal("stacks of layers");

interface File {
  readonly kind: "file";
  readonly text: string;
}

interface Whiteout {
  readonly kind: "whiteout";
}

interface Directory {
  readonly kind: "directory";
  readonly isOpaque: boolean;
  readonly names: Readonly<Record<string, Node>>;
}

/** What a layer says of a name. */
type Node = File | Whiteout | Directory;

const leaf: fc.Arbitrary<Node> = fc.oneof(
  fc.constantFrom("1", "2", "3").map((text): Node => ({ kind: "file", text })),
  fc.constant<Node>({ kind: "whiteout" }),
);

function directory(depth: number): fc.Arbitrary<Directory> {
  const inner = depth === 0 ? leaf : fc.oneof(leaf, directory(depth - 1));
  return fc
    .tuple(fc.boolean(), fc.dictionary(fc.constantFrom("a", "b"), inner, { noNullPrototype: true }))
    .map(([isOpaque, names]) => ({ kind: "directory", isOpaque, names }));
}

/** A layer's own root is merged whatever its mark says. */
const layer = directory(2).map((root): Directory => ({ ...root, isOpaque: false }));

/** Two neighbours as one layer: marks are kept, for what lies below both. */
function flatten(below: Node | undefined, above: Node | undefined): Node | undefined {
  if (above === undefined) return below;
  if (above.kind !== "directory" || above.isOpaque || below === undefined) return above;
  if (below.kind !== "directory") return { ...above, isOpaque: true };
  return flattenDirectories(below, above);
}

function flattenDirectories(below: Directory, above: Directory): Directory {
  const names = new Set([...Object.keys(below.names), ...Object.keys(above.names)]);
  const entries = [...names].toSorted().flatMap((name) => {
    const node = flatten(below.names[name], above.names[name]);
    return node === undefined ? [] : [[name, node] as const];
  });
  return { kind: "directory", isOpaque: below.isOpaque, names: Object.fromEntries(entries) };
}

function build(kernel: Machine, at: string, node: Node): void {
  if (node.kind === "file") kernel.writeFile(at, node.text, "create");
  if (node.kind === "whiteout") {
    kernel.mknod(at, { type: "char", major: 0, minor: 0, permissions: 0 });
  }
  if (node.kind !== "directory") return;
  kernel.mkdir(at, 0o755);
  if (node.isOpaque) {
    kernel.setXattr(at, "trusted.overlay.opaque", new TextEncoder().encode("y"));
  }
  for (const [name, inner] of Object.entries(node.names)) build(kernel, `${at}/${name}`, inner);
}

/** What is seen of a stack, the lowest layer first. */
function seenOf(kernel: Machine, home: string, layers: readonly Directory[]): string {
  kernel.mkdir(home, 0o755);
  for (const name of ["upper", "work", "merged"]) kernel.mkdir(`${home}/${name}`, 0o755);
  for (const [index, root] of layers.entries()) build(kernel, `${home}/l${index}`, root);
  const lowers = layers.map((_, index) => `${home}/l${index}`).toReversed();
  const data =
    `lowerdir=${lowers.join(":")},upperdir=${home}/upper,workdir=${home}/work,` +
    "index=off,metacopy=off,redirect_dir=off";
  const target = `${home}/merged`;
  kernel.mount({ source: "overlay", target, fstype: "overlay", flags: [], data });
  const seen = show(kernel, target);
  kernel.umount(target, "detach");
  return seen;
}

function show(kernel: Machine, at: string): string {
  if (kernel.lstat(at).type !== "directory") {
    return new TextDecoder().decode(kernel.readFile(at));
  }
  // A directory of one layer alone is listed as it is, with whiteouts that nobody can look up.
  const isThere = (name: string): boolean => kernel.lstatIfPresent(`${at}/${name}`) !== undefined;
  const names = [...kernel.readdir(at)].filter(isThere).toSorted();
  return `{${names.map((name) => `${name}:${show(kernel, `${at}/${name}`)}`).join(" ")}}`;
}

type Three = readonly [Directory, Directory, Directory];

function checkThree(pair: Pair, [first, second, third]: Three): void {
  const left = flattenDirectories(first, second);
  const right = flattenDirectories(second, third);
  const whole = flattenDirectories(left, third);
  expect(flattenDirectories(first, right)).toEqual(whole);
  const stacks = [[first, second, third], [left, third], [first, right], [whole]];
  for (const kernel of [pair.real, pair.model]) {
    const seen = stacks.map((layers, index) =>
      seenOf(kernel, `${pair.directory}/s${index}`, layers),
    );
    expect(seen).toEqual(seen.map(() => seen[0]));
  }
}

describe.skipIf(skip)("the model and Linux", () => {
  test("stacks-associate: neighbours made one layer show the same tree", async () => {
    const three: fc.Arbitrary<Three> = fc.tuple(layer, layer, layer);
    expect(await compareKernels(three, checkThree, { numRuns: runs(150) })).toBe("held");
  });
});
