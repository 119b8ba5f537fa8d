/**
 * Properties of the model's files: random programs on the model and on Linux, compared answer for
 * answer, and the whole tree after each step.
 */
import { fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type Operation, perform, program } from "./file-operations.fixture.ts";
import { compareKernels, type Pair, runs, same, treeText } from "./model.fixture.ts";
import { skipReal } from "./real-kernel.fixture.ts";

const skip = skipReal("comparing the model's files");

const name = fc.constantFrom("a", "b", "c");
const part = fc.oneof(
  { weight: 5, arbitrary: name },
  { weight: 1, arbitrary: fc.constantFrom(".", "..", "") },
);

/** Paths as nobody would write them: with dots, with slashes at the end, with nothing between. */
const oddPath = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 4 }), fc.constantFrom("", "", "/", "/."))
  .map(([parts, end]) => parts.join("/") + end);

const target = fc.constantFrom("a", "b/c", "../a", "..", ".", "a/", "c/../b", "nowhere", "");

/** Operations on odd paths and through links. */
const odd: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constant("symlink" as const), from: target, path: oddPath }),
  fc.record({ do: fc.constantFrom("rename" as const, "link"), from: oddPath, path: oddPath }),
  fc.record({ do: fc.constantFrom("unlink" as const, "rmdir"), path: oddPath }),
  fc.record({ do: fc.constant("mkdir" as const), path: oddPath, mode: fc.constant(0o2775) }),
  fc.record({
    do: fc.constantFrom("write" as const, "append", "new"),
    path: oddPath,
    text: fc.constantFrom("", "z"),
  }),
  fc.record({ do: fc.constantFrom("read" as const, "list", "stat", "readlink"), path: oddPath }),
  fc.record({ do: fc.constant("chmod" as const), path: oddPath, mode: fc.constant(0o2755) }),
);

const oddProgram = fc
  .tuple(program, fc.array(odd, { maxLength: 12 }), program)
  .map((parts) => parts.flat());

function checkFiles(pair: Pair, operations: readonly Operation[]): void {
  for (const operation of operations) {
    const step = JSON.stringify(operation);
    same(pair, step, (kernel) => perform(kernel, pair.directory, operation));
    same(pair, `tree after ${step}`, (kernel) => treeText(kernel, pair.directory));
  }
}

describe.skipIf(skip)("the model and Linux", () => {
  test("files-agree, on paths of every form", async () => {
    const report = await compareKernels(oddProgram, checkFiles, { numRuns: runs(150) });
    expect(report).toBe("held");
  });
});
