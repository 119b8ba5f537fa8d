/**
 * Properties of the model's overlay: random programs in a stack of one to four lower layers on the
 * model and on Linux, compared answer for answer; after each step the merged tree and the upper
 * layer, marks and all.
 */
import { fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { building, type Operation, perform, program } from "./file-operations.fixture.ts";
import { compareKernels, type Machine, type Pair, runs, same, treeText } from "./model.fixture.ts";
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

describe.skipIf(skip)("the model and Linux", () => {
  test("overlay-agrees, on one to four lower layers", async () => {
    const report = await compareKernels(stack, checkStack, { numRuns: runs(150) });
    expect(report).toBe("held");
  });
});
