/**
 * Paths inside a container's root, resolved from outside, against what the kernel itself says from
 * inside. Needs root.
 */
import { fc, test } from "@fast-check/vitest";
import { mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect } from "vitest";
import { resolveInRoot } from "../runtime/src/container/resolve-path.ts";
import { KernelError } from "../runtime/src/kernel/index.ts";
import { openRealKernel, ownDirectory, runInChild, skipReal } from "./real-kernel.fixture.ts";

const part = fc.constantFrom("a", "b", "c", "..", ".", "");
const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join("/")}`);
/** Where a link leads: absolute, relative, up, to other links, to itself. */
const linkTarget = fc.oneof(
  path,
  fc.constantFrom("/a", "/b", "/a/b", "../b", "../c"),
  fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/") || "."),
  fc.constantFrom("../../../../etc", "/etc/passwd", "/", "..", "/..", "../../../.."),
);
const tree = fc.array(
  // Half of them are directories, so that links have somewhere to lead.
  fc.tuple(
    fc.constantFrom("a", "b", "c", "a/b", "a/c", "b/a", "a/b/c"),
    fc.option(linkTarget, { freq: 1 }),
  ),
  { minLength: 3, maxLength: 9 },
);

/** Makes directories, and links where a target is given; what cannot be made is left out. */
function makeTree(root: string, entries: readonly (readonly [string, string | null])[]): void {
  for (const [name, target] of entries) {
    try {
      // The parent must be in the tree itself, or the test would write somewhere else.
      if (realpathSync(dirname(`${root}/${name}`)) !== dirname(`${root}/${name}`)) continue;
      if (target === null) mkdirSync(`${root}/${name}`);
      else symlinkSync(target, `${root}/${name}`);
    } catch {
      // It is there already, or its parent is not.
    }
  }
}

const outcomeOf = (resolve: () => string): string => {
  try {
    return resolve();
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
};

const skip = skipReal("paths inside a root");

describe.skipIf(skip)("on the real kernel", () => {
  const kernel = openRealKernel();

  test.prop([tree, fc.array(path, { minLength: 4, maxLength: 12 })], {
    numRuns: 60,
    examples: [
      [
        [
          ["a", null],
          ["b", null],
          ["a/b", "/b"],
        ],
        ["/a/b", "/a/b/.."],
      ],
      [[["a", "../../../../etc"]], ["/a/passwd", "/a", "/a/../a"]],
      [
        [
          ["a", "/b"],
          ["b", "/a"],
        ],
        ["/a", "/b/c"],
      ],
    ],
  })("paths-stay-inside, and where the kernel leads from inside", async (entries, paths) => {
    using directory = ownDirectory();
    const home = realpathSync(directory.path);
    const root = `${home}/root`;
    mkdirSync(root);
    makeTree(root, entries);
    const ours = paths.map((each) => outcomeOf(() => resolveInRoot(kernel, root, each)));
    for (const resolved of ours) {
      if (resolved === "ELOOP") continue;
      expect(`${resolved}/`.startsWith(`${root}/`)).toBe(true);
      expect(resolved.split("/")).not.toContain("..");
    }
    const report = await runInChild(kernel, ({ kernel: inner }) => {
      inner.unshare(["CLONE_NEWNS"]);
      const call = { source: "", fstype: "", data: "" };
      inner.mount({ ...call, target: "/", flags: ["MS_REC", "MS_PRIVATE"] });
      inner.mount({ ...call, source: root, target: root, flags: ["MS_BIND"] });
      inner.chdir(root);
      inner.pivotRoot(".", ".");
      inner.umount(".", "detach");
      inner.chdir("/");
      return JSON.stringify(paths.map((each) => outcomeOf(() => realpathSync.native(each))));
    });
    const theirs = JSON.parse(report) as readonly string[];
    for (const [index, inside] of theirs.entries()) {
      const resolved = ours[index];
      // What does not exist inside has no path there; ours then says where it would be made.
      if (inside === "ENOENT") continue;
      const expected = inside === "ELOOP" ? "ELOOP" : `${root}${inside === "/" ? "" : inside}`;
      expect([paths[index], resolved]).toEqual([paths[index], expected]);
    }
  });
});
