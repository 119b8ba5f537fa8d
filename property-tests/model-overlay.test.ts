/**
 * Properties of the model's overlay: random programs in a stack of one to four lower layers on the
 * model and on Linux, compared answer for answer; after each step the merged tree and the upper
 * layer, marks and all. And not by chance: every program of up to three operations on a few small
 * stacks, of which a plain run takes an evenly drawn part.
 */
import { fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { building, type Operation, perform, program } from "./file-operations.fixture.ts";
import {
  compareKernels,
  compareOnEach,
  IS_EXHAUSTIVE,
  type Machine,
  type Pair,
  runs,
  same,
  treeText,
} from "./model.fixture.ts";
import { skipReal } from "./real-kernel.fixture.ts";

const skip = skipReal("comparing the model's overlay");

/** What layers hold besides files: whiteouts and opaque directories. */
type Mark = { readonly do: "whiteout" | "opaque"; readonly path: string };

/** One case: what each lower layer holds, the lowest first, and the program above them. */
interface Stack {
  readonly lowers: readonly (readonly (Operation | Mark)[])[];
  readonly operations: readonly Operation[];
  /** After which step the overlay is unmounted and mounted again. */
  readonly remountAt: number;
}

const name = fc.constantFrom("a", "b", "c");
const path = fc.oneof(
  name,
  fc.tuple(name, name).map((parts) => parts.join("/")),
);

const layer = fc
  .tuple(
    building,
    fc.array(fc.record({ do: fc.constantFrom("whiteout" as const, "opaque" as const), path }), {
      maxLength: 3,
    }),
  )
  .map(([made, marks]) => [...made, ...marks]);

const stack: fc.Arbitrary<Stack> = fc.record({
  lowers: fc.array(layer, { minLength: 1, maxLength: 4 }),
  operations: program,
  remountAt: fc.integer({ min: 0, max: 20 }),
});

function build(kernel: Machine, root: string, step: Operation | Mark): string {
  const at = `${root}/${step.path}`;
  switch (step.do) {
    case "whiteout":
      kernel.mknod(at, { type: "char", major: 0, minor: 0, permissions: 0 });
      return "ok";
    case "opaque":
      if (kernel.lstat(at).type !== "directory") return "no directory";
      kernel.setXattr(at, "trusted.overlay.opaque", new TextEncoder().encode("y"));
      return "ok";
    default:
      return perform(kernel, root, step);
  }
}

/** Makes everything in a layer old: or a copy that forgets the time would be as new as all else. */
function age(kernel: Machine, at: string): void {
  if (kernel.lstat(at).type === "directory") {
    for (const name of kernel.readdir(at)) age(kernel, `${at}/${name}`);
  }
  kernel.lutimes(at, LONG_AGO_MS);
}

const LONG_AGO_MS = 1_000_000_000_000;

function mount(kernel: Machine, directory: string, count: number): string {
  const lowers = Array.from({ length: count }, (_, index) => `${directory}/l${index}`);
  const options = [
    `lowerdir=${lowers.toReversed().join(":")}`,
    `upperdir=${directory}/upper`,
    `workdir=${directory}/work`,
    "index=off,metacopy=off,redirect_dir=off",
  ];
  const data = options.join(",");
  const target = `${directory}/merged`;
  kernel.mount({ source: "overlay", target, fstype: "overlay", flags: [], data });
  return "ok";
}

function checkStack(pair: Pair, { lowers, operations, remountAt }: Stack): void {
  const { directory } = pair;
  const layers = lowers.map((_, index) => `l${index}`);
  for (const made of [...layers, "upper", "work", "merged"]) {
    same(pair, made, (kernel) => (kernel.mkdir(`${directory}/${made}`, 0o755), "ok"));
  }
  for (const [index, steps] of lowers.entries()) {
    for (const step of steps) {
      const text = `in layer ${index} ${JSON.stringify(step)}`;
      same(pair, text, (kernel) => build(kernel, `${directory}/l${index}`, step));
    }
    same(pair, "age", (kernel) => (age(kernel, `${directory}/l${index}`), "ok"));
  }
  same(pair, "mount", (kernel) => mount(kernel, directory, lowers.length));
  const merged = `${directory}/merged`;
  same(pair, "merged tree", (kernel) => treeText(kernel, merged));
  for (const [index, step] of operations.entries()) {
    const text = JSON.stringify(step);
    same(pair, text, (kernel) => perform(kernel, merged, step));
    same(pair, `merged tree after ${text}`, (kernel) => treeText(kernel, merged));
    same(pair, `upper layer after ${text}`, (kernel) => treeText(kernel, `${directory}/upper`));
    if (index !== remountAt) continue;
    same(pair, "umount", (kernel) => (kernel.umount(merged, "now"), "ok"));
    same(pair, "mount again", (kernel) => mount(kernel, directory, lowers.length));
    same(pair, "merged tree again", (kernel) => treeText(kernel, merged));
  }
}

const FILE = { do: "write", path: "f", text: "x" } as const;
const DIRECTORY = { do: "mkdir", path: "d", mode: 0o755 } as const;
const CHILD = { do: "write", path: "d/f", text: "y" } as const;

/** What the small programs are tried on: a directory with a file, and a file, in some layer. */
const SMALL_STACKS: readonly Stack["lowers"][] = [
  [[FILE, DIRECTORY, CHILD]],
  [
    [FILE, DIRECTORY, CHILD],
    [{ do: "whiteout", path: "f" }, DIRECTORY, { do: "whiteout", path: "d/f" }],
  ],
  [
    [FILE, DIRECTORY, CHILD],
    [DIRECTORY, { do: "opaque", path: "d" }, { do: "write", path: "d/n", text: "z" }],
  ],
  [
    [FILE, DIRECTORY, CHILD],
    [
      { do: "whiteout", path: "d" },
      { do: "write", path: "n", text: "z" },
      { do: "link", from: "n", path: "f" },
    ],
  ],
];

/** What the small programs are made of: f is a file, d a directory, and n is new. */
const SMALL_STEPS: readonly Operation[] = [
  ...["f", "d/f", "n"].map((path) => ({ do: "append" as const, path, text: "+" })),
  ...["f", "d/f", "n"].map((path) => ({ do: "unlink" as const, path })),
  ...["d", "f", "d/n"].map((path) => ({ do: "mkdir" as const, path, mode: 0o700 })),
  ...["d", "f"].map((path) => ({ do: "rmdir" as const, path })),
  ...["d", "d/f"].map((path) => ({ do: "chmod" as const, path, mode: 0o711 })),
  { do: "rename", from: "f", path: "n" },
  { do: "rename", from: "n", path: "f" },
  { do: "rename", from: "d", path: "n" },
  { do: "rename", from: "f", path: "d" },
  { do: "rename", from: "n", path: "d" },
  { do: "rename", from: "f", path: "d/f" },
  { do: "rename", from: "d/f", path: "f" },
  { do: "link", from: "f", path: "n" },
  { do: "link", from: "f", path: "d/f" },
  { do: "link", from: "d/f", path: "n" },
  { do: "symlink", from: "f", path: "n" },
  { do: "setxattr", path: "d", name: "user.k", text: "x" },
];
const LENGTH_MAX = 3;

/** How many small programs there are: those of one operation first. */
function countSmall(): number {
  const lengths = Array.from({ length: LENGTH_MAX }, (_, index) => index + 1);
  const programs = lengths.reduce((sum, length) => sum + SMALL_STEPS.length ** length, 0);
  return programs * SMALL_STACKS.length;
}

/** The small program of a number, with a remount behind its last step. */
function smallProgram(number: number): Stack {
  const lowers = SMALL_STACKS[number % SMALL_STACKS.length] ?? [];
  let rest = Math.floor(number / SMALL_STACKS.length);
  let length = 1;
  for (; rest >= SMALL_STEPS.length ** length; length += 1) rest -= SMALL_STEPS.length ** length;
  const operations = Array.from({ length }, () => {
    const step = SMALL_STEPS[rest % SMALL_STEPS.length];
    rest = Math.floor(rest / SMALL_STEPS.length);
    return step;
  });
  return {
    lowers,
    operations: operations.filter((step) => step !== undefined),
    remountAt: length - 1,
  };
}

/** All of them, or some at equal distances, beginning where the seed says. */
function* smallPrograms(wanted: number): Generator<Stack> {
  const total = countSmall();
  const distance = IS_EXHAUSTIVE ? 1 : total / wanted;
  const first = IS_EXHAUSTIVE ? 0 : (fc.readConfigureGlobal().seed ?? 0) % distance;
  for (let at = first; at < total; at += distance) yield smallProgram(Math.floor(at));
}

describe.skipIf(skip)("the model and Linux", () => {
  test("overlay-agrees, on one to four lower layers", async () => {
    const report = await compareKernels(stack, checkStack, { numRuns: runs(150) });
    expect(report).toBe("held");
  });

  test("overlay-agrees, in every program of up to three operations", async () => {
    const report = await compareOnEach(smallPrograms(runs(1200)), checkStack);
    expect(report).toMatch(/^held [1-9]/);
    console.log(`small programs: ${report} of ${countSmall()}`);
  });
});
