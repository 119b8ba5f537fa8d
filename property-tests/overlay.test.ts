/**
 * Properties of overlay mounts on the real kernel: a random program in a stack of layers against
 * the same program in a plain directory. Everything is mounted in a child's own mount namespace.
 *
 * Two deviations of overlayfs are known and excused: renaming a directory that comes from a layer
 * gives EXDEV (the plain side then leaves it too), and hard links do not survive a layer boundary
 * (the plain side breaks them there too).
 */
import { fc } from "@fast-check/vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Inside, Kernel, Self } from "../runtime/src/kernel/index.ts";
import {
  chainIds,
  digestOf,
  layerLink,
  packTree,
  planOverlay,
  readChanges,
  removeTree,
  unpackLayer,
} from "../runtime/src/layers/index.ts";
import {
  breakHardLinks,
  building,
  type Operation,
  perform,
  program,
  reading,
  snapshot,
  type Snapshot,
} from "./file-operations.fixture.ts";
import { openRealKernel, runInChild, skipReal } from "./real-kernel.fixture.ts";

const skip = skipReal("overlay mounts");

type Machine = Kernel & Self;

/** One case: what the lowest layer holds, and the program of each layer above it. */
interface Stack {
  readonly base: readonly Operation[];
  readonly layers: readonly (readonly Operation[])[];
  /**
   * Whether the last overlay is put over the mounted one below, instead of over its directories.
   */
  readonly nests: boolean;
}

const stack: fc.Arbitrary<Stack> = fc.record({
  base: building,
  layers: fc.array(program, { minLength: 1, maxLength: 3 }),
  nests: fc.boolean(),
});

/** A case that is being run: layer 0 is the base, each later one has an upper directory. */
interface Running {
  readonly kernel: Machine;
  readonly directory: string;
}

function mountLayer({ kernel, directory }: Running, number: number, lowers: readonly string[]) {
  const target = `${directory}/m${number}`;
  const { chdir, mount } = planOverlay({
    directory,
    lowers,
    upper: `u${number}`,
    work: `w${number}`,
    target,
  });
  kernel.chdir(chdir);
  kernel.mount(mount);
  kernel.chdir("/");
  return target;
}

/** Runs a body in a new directory with all that a stack needs, and takes everything away. */
function withCase(kernel: Machine, directory: string, body: (running: Running) => void): void {
  kernel.mkdir(directory, 0o755);
  const numbers = [1, 2, 3];
  for (const name of ["base", "plain", ...numbers.flatMap((n) => [`u${n}`, `w${n}`, `m${n}`])]) {
    kernel.mkdir(`${directory}/${name}`, 0o755);
  }
  try {
    body({ kernel, directory });
  } finally {
    for (const number of numbers.toReversed()) unmount(kernel, `${directory}/m${number}`);
    removeTree(kernel, directory);
  }
}

function unmount(kernel: Kernel, target: string): void {
  try {
    for (;;) kernel.umount(target, "now");
  } catch {
    // Not mounted any more.
  }
}

function equal(what: string, actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual, null, 1), JSON.stringify(expected, null, 1)];
  if (a !== b) throw new Error(`${what}: ${a} is not ${b}`);
}

/** One program on both sides; results must agree but for the excused rename. */
function runOnBoth(
  kernel: Kernel,
  merged: string,
  plain: string,
  operations: readonly Operation[],
) {
  for (const operation of operations) {
    const actual = perform(kernel, merged, operation);
    if (actual === "EXDEV" && operation.do === "rename") {
      const { type } = kernel.lstat(`${plain}/${operation.from}`);
      equal("only directories cannot be renamed", type, "directory");
      continue;
    }
    equal(JSON.stringify(operation), actual, perform(kernel, plain, operation));
  }
}

function isSubset(what: string, part: readonly string[], whole: readonly string[]): void {
  const known = new Set(whole);
  equal(
    what,
    part.filter((each) => !known.has(each)),
    [],
  );
}

/** The changes that two snapshots show, in the terms of `readChanges`. */
function differences(before: Snapshot, after: Snapshot) {
  const isDirectory = (tree: Snapshot, path: string) =>
    tree[path]?.startsWith("directory") === true;
  const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
  const there = Object.keys(after).filter((path) => path !== "");
  const stays = (path: string) => isDirectory(after, parentOf(path));
  return {
    added: there.filter((path) => before[path] === undefined),
    // Of a directory that is gone only its own name is reported.
    deleted: Object.keys(before).filter((path) => after[path] === undefined && stays(path)),
    changed: there.filter((path) => before[path] !== undefined && before[path] !== after[path]),
    both: there.filter((path) => before[path] !== undefined),
  };
}

function checkChanges({ kernel, directory }: Running, layer: Layer): void {
  const { number, over, before, after } = layer;
  const below = over.map((name) => `${directory}/${name}`);
  const changes = readChanges(kernel, `${directory}/u${number}`, below);
  const of = (kind: string) =>
    changes.filter((each) => each.kind === kind).map((each) => each.containerPath.slice(1));
  const expected = differences(before, after);
  equal("added", of("A").toSorted(), expected.added.toSorted());
  equal("deleted", of("D").toSorted(), expected.deleted.toSorted());
  isSubset("changed but not reported", expected.changed, of("C"));
  isSubset("reported but not in both", of("C"), expected.both);
}

/** One layer of a stack, before and after its program ran on both sides. */
interface Layer {
  readonly number: number;
  /** What is below: names in the case's directory, the topmost first. */
  readonly over: readonly string[];
  /** Mounts it again, as it is now. */
  readonly mount: () => string;
  readonly before: Snapshot;
  readonly after: Snapshot;
}

/** Looks at a layer before its program, and gives back how to look at it after. */
type Observer = (running: Running, over: readonly string[]) => (layer: Layer) => void;

/** Runs the programs of a stack one after the other, each in a new layer and on the plain side. */
function runStack(observe: Observer, running: Running, { base, layers, nests }: Stack): void {
  const { kernel, directory } = running;
  const plain = `${directory}/plain`;
  for (const operation of base) {
    perform(kernel, plain, operation);
    perform(kernel, `${directory}/base`, operation);
  }
  let lowers: readonly string[] = ["base"];
  for (const [index, operations] of layers.entries()) {
    const number = index + 1;
    const isNested = nests && number === layers.length && number > 1;
    const over = isNested ? [`m${index}`] : lowers;
    if (isNested) mountLayer(running, index, lowers.slice(1));
    breakHardLinks(kernel, plain);
    const observed = observe(running, over);
    const before = snapshot(kernel, plain);
    const mount = () => mountLayer(running, number, over);
    const merged = mount();
    runOnBoth(kernel, merged, plain, operations);
    const after = snapshot(kernel, merged);
    equal("merged tree", after, snapshot(kernel, plain));
    kernel.umount(merged, "now");
    observed({ number, over, mount, before, after });
    if (isNested) kernel.umount(`${directory}/m${index}`, "now");
    lowers = [`u${number}`, ...lowers];
  }
}

const afterMountingAgain: Observer = (running) => (layer) => {
  const merged = layer.mount();
  equal("the tree after mounting again", snapshot(running.kernel, merged), layer.after);
  running.kernel.umount(merged, "now");
};

const lowerLayers: Observer = ({ kernel, directory }, over) => {
  const look = () => over.map((name) => snapshot(kernel, `${directory}/${name}`, "exact"));
  const before = look();
  return () => equal("lower layers", look(), before);
};

const marks: Observer = () => (layer) => {
  const seen = Object.entries(layer.after).filter(
    ([path, text]) => /(^|\/)\.wh\./.test(path) || / 0:0 \|/.test(text) || /overlay/.test(text),
  );
  equal("marks of overlay", seen, []);
};

const changes: Observer = (running) => (layer) => checkChanges(running, layer);

/** Packs the changes of a program, unpacks them elsewhere, and looks at the same tree again. */
function checkLayer(running: Running, { base, layers }: Stack): void {
  const { kernel, directory } = running;
  for (const operation of base) perform(kernel, `${directory}/base`, operation);
  const merged = mountLayer(running, 1, ["base"]);
  for (const operation of layers.flat()) perform(kernel, merged, operation);
  const expected = snapshot(kernel, merged);
  kernel.umount(merged, "now");
  const layerTar = packTree(kernel, `${directory}/u1`);
  unpackLayer(kernel, layerTar, `${directory}/u2`);
  const again = mountLayer(running, 3, ["u2", "base"]);
  equal("tree with the layer applied", snapshot(kernel, again), expected);
  equal(
    "digest of the same tree",
    digestOf(packTree(kernel, `${directory}/u2`)),
    digestOf(layerTar),
  );
  kernel.umount(again, "now");
}

function mountTable(kernel: Kernel): readonly string[] {
  return kernel.readText("/proc/self/mountinfo").trimEnd().split("\n");
}

function checkUnmount(running: Running, { base, layers }: Stack): void {
  const { kernel, directory } = running;
  for (const operation of base) perform(kernel, `${directory}/base`, operation);
  const before = mountTable(kernel);
  const merged = mountLayer(running, 1, ["base"]);
  for (const operation of layers.flat()) perform(kernel, merged, operation);
  const during = mountTable(kernel);
  equal("one mount more", during.length, before.length + 1);
  kernel.chdir(merged);
  let refusal = "it was unmounted";
  try {
    kernel.umount(merged, "now");
  } catch (error) {
    refusal = String(error);
  }
  equal("a busy mount", refusal.endsWith("EBUSY"), true);
  equal("the table when it was refused", mountTable(kernel), during);
  kernel.chdir("/");
  kernel.umount(merged, "now");
  equal("the table after", mountTable(kernel), before);
}

function checkReading(running: Running, base: readonly Operation[], reads: readonly Operation[]) {
  const { kernel, directory } = running;
  for (const operation of base) perform(kernel, `${directory}/base`, operation);
  const merged = mountLayer(running, 1, ["base"]);
  for (const operation of reads) perform(kernel, merged, operation);
  snapshot(kernel, merged);
  kernel.umount(merged, "now");
  equal("the upper layer", kernel.readdir(`${directory}/u1`), []);
}

/** 127 layers, the i-th with a file of its own and one that all of them have. */
function checkManyLayers(running: Running): void {
  const { kernel, directory } = running;
  const diffIds = Array.from({ length: 127 }, (_, index) => digestOf(`layer ${index}`));
  const links = chainIds(diffIds).map((chainId) => layerLink(chainId));
  kernel.mkdir(`${directory}/l`, 0o755);
  for (const [index, link] of links.entries()) {
    const path = `${directory}/${"0".repeat(64)}-${index}`;
    kernel.mkdir(path, 0o755);
    kernel.writeFile(`${path}/own-${index}`, "", "exclusive");
    kernel.writeFile(`${path}/top`, `${index}`, "exclusive");
    kernel.symlink(path, `${directory}/l/${link}`);
  }
  const upper = `../containers/${"0".repeat(64)}/layer`;
  const target = `${directory}/m1`;
  for (const part of ["/containers", `/containers/${"0".repeat(64)}`]) {
    kernel.mkdir(`${directory}${part}`, 0o755);
  }
  kernel.mkdir(`${directory}/l/${upper}`, 0o755);
  for (const part of ["diff", "work"]) kernel.mkdir(`${directory}/l/${upper}/${part}`, 0o755);
  const plan = planOverlay({
    directory: `${directory}/l`,
    lowers: links.toReversed(),
    upper: `${upper}/diff`,
    work: `${upper}/work`,
    target,
  });
  kernel.chdir(plan.chdir);
  kernel.mount(plan.mount);
  kernel.chdir("/");
  equal("names", kernel.readdir(target).length, 128);
  equal("the topmost layer wins", kernel.readText(`${target}/top`), "126");
  kernel.umount(target, "now");
}

/** Checks a property in a child with a mount namespace of its own. @returns "" or the report */
async function inMountNamespace(
  check: (machine: Machine, directory: () => string) => string,
): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), "drydock-overlay-"));
  try {
    return await runInChild(openRealKernel(), ({ kernel }: Inside) => {
      kernel.unshare(["CLONE_NEWNS"]);
      const everything = { source: "", target: "/", fstype: "", data: "" };
      kernel.mount({ ...everything, flags: ["MS_REC", "MS_PRIVATE"] });
      let count = 0;
      const report = check(kernel, () => `${home}/${count++}`);
      // A line to the parent has a limit, and a shrunk counterexample stands at the beginning.
      return report.replaceAll("\n", "\\n").slice(0, 2000);
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function reportOf<T>(property: fc.IProperty<T>, parameters: fc.Parameters<T>): string {
  const details = fc.check(property, parameters);
  return details.failed ? (fc.defaultReportMessage(details) ?? "it failed") : "held";
}

/** Known cases that found something once; shrunk. */
const STACKS_THAT_FOUND_SOMETHING: readonly Stack[] = [
  // A directory deleted and made again in a later layer must not show its old children.
  {
    base: [
      { do: "mkdir", path: "a", mode: 0o755 },
      { do: "write", path: "a/b", text: "x" },
    ],
    layers: [
      [
        { do: "unlink", path: "a/b" },
        { do: "rmdir", path: "a" },
      ],
      [{ do: "mkdir", path: "a", mode: 0o755 }],
      [{ do: "list", path: "a" }],
    ],
    nests: false,
  },
  // The same within one layer, where the new directory is opaque.
  {
    base: [
      { do: "mkdir", path: "a", mode: 0o755 },
      { do: "write", path: "a/b", text: "x" },
    ],
    layers: [
      [
        { do: "unlink", path: "a/b" },
        { do: "rmdir", path: "a" },
        { do: "mkdir", path: "a", mode: 0o755 },
      ],
    ],
    nests: false,
  },
  // The two deviations.
  {
    base: [
      { do: "mkdir", path: "a", mode: 0o755 },
      { do: "write", path: "b", text: "x" },
      { do: "link", from: "b", path: "c" },
    ],
    layers: [
      [
        { do: "rename", from: "a", path: "a/b" },
        { do: "rename", from: "a", path: "d" },
        { do: "append", path: "b", text: "yy" },
        { do: "read", path: "c" },
      ],
    ],
    nests: false,
  },
];

describe.skipIf(skip)("on the real kernel", () => {
  const stackTest = (body: (running: Running, stack: Stack) => void, numRuns: number) =>
    inMountNamespace((kernel, directory) => {
      const holds = (each: Stack) =>
        withCase(kernel, directory(), (running) => body(running, each));
      const examples = STACKS_THAT_FOUND_SOMETHING.map((each): [Stack] => [each]);
      return reportOf(fc.property(stack, holds), { numRuns, examples });
    });

  const observeStacks = (observe: Observer, numRuns: number) =>
    stackTest((running, each) => runStack(observe, running, each), numRuns);

  test("overlay-is-copy, through up to three layers and an overlay over an overlay", async () => {
    expect(await observeStacks(afterMountingAgain, 100)).toBe("held");
  });

  test("overlay-lower-unchanged, down to inode numbers and times", async () => {
    expect(await observeStacks(lowerLayers, 50)).toBe("held");
  });

  test("overlay-marks-hidden", async () => {
    expect(await observeStacks(marks, 50)).toBe("held");
  });

  test("changes-match-trees", async () => {
    expect(await observeStacks(changes, 75)).toBe("held");
  });

  test("layer-apply-diff", async () => {
    expect(await stackTest(checkLayer, 100)).toBe("held");
  });

  test("umount-undoes-mount, and a busy one is refused unchanged", async () => {
    expect(await stackTest(checkUnmount, 25)).toBe("held");
  });

  test("overlay-reads-leave-upper-empty", async () => {
    const report = await inMountNamespace((kernel, directory) => {
      const reads = fc.array(reading, { maxLength: 12 });
      const property = fc.property(building, reads, (base, looks) =>
        withCase(kernel, directory(), (running) => checkReading(running, base, looks)),
      );
      return reportOf(property, { numRuns: 50 });
    });
    expect(report).toBe("held");
  });

  test("overlay-fits", async () => {
    const report = await inMountNamespace((kernel, directory) => {
      withCase(kernel, directory(), checkManyLayers);
      return "held";
    });
    expect(report).toBe("held");
  });
});
