/**
 * Properties of the model's mounts: random programs of mount calls on the model and on Linux,
 * compared answer for answer, and the whole mount table after each step.
 */
import { fc } from "@fast-check/vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Kernel, MountFlag } from "../runtime/src/kernel/index.ts";
import {
  answer,
  compareKernels,
  createModel,
  EMPTY_ROOT,
  enterEmptyRoot,
  holdMounts,
  inMountsOf,
  inOwnMounts,
  joinMounts,
  type Machine,
  type Pair,
  runs,
  same,
  sameLines,
} from "./model.fixture.ts";
import { openRealKernel, skipReal } from "./real-kernel.fixture.ts";

const skip = skipReal("comparing the model's mounts");

/** One call; paths are relative to the case's directory. */
type Step =
  | { readonly do: "mount"; readonly path: string; readonly flags: readonly MountFlag[] }
  | {
      readonly do: "bind" | "move";
      readonly from: string;
      readonly path: string;
      readonly deep: boolean;
    }
  | { readonly do: "remount"; readonly path: string; readonly flags: readonly MountFlag[] }
  | {
      readonly do: "MS_SHARED" | "MS_SLAVE" | "MS_PRIVATE" | "MS_UNBINDABLE";
      readonly path: string;
      readonly deep: boolean;
    }
  | { readonly do: "umount"; readonly path: string; readonly how: "now" | "detach" }
  | { readonly do: "mkdir" | "rmdir" | "unlink" | "write" | "chdir"; readonly path: string }
  | { readonly do: "rename"; readonly from: string; readonly path: string };

const name = fc.constantFrom("a", "b");
const path = fc.oneof(
  { weight: 4, arbitrary: name },
  { weight: 3, arbitrary: fc.tuple(name, name).map((parts) => parts.join("/")) },
  { weight: 1, arbitrary: fc.constantFrom("f", "a/f", ".", "a/..", "a/b/a") },
);
const deep = fc.boolean();
const restrictions = fc.subarray<MountFlag>(["MS_RDONLY", "MS_NOSUID", "MS_NODEV", "MS_NOATIME"]);

const mounting: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("mount" as const), path, flags: noFlags() }),
  },
  fc.record({ do: fc.constant("mount" as const), path, flags: restrictions }),
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("bind" as const), from: path, path, deep }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("move" as const), from: path, path, deep }) },
  fc.record({ do: fc.constant("remount" as const), path, flags: restrictions }),
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("MS_SHARED" as const, "MS_SHARED", "MS_SLAVE", "MS_PRIVATE"),
      path,
      deep,
    }),
  },
  fc.record({ do: fc.constant("MS_UNBINDABLE" as const), path, deep }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("umount" as const),
      path,
      how: fc.constantFrom("now" as const, "now", "detach"),
    }),
  },
);

const around: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("mkdir" as const), path }) },
  fc.record({ do: fc.constantFrom("rmdir" as const, "unlink", "write", "chdir"), path }),
  fc.record({ do: fc.constant("rename" as const), from: path, path }),
);

const program = fc.array(
  fc.oneof({ weight: 3, arbitrary: mounting }, { weight: 1, arbitrary: around }),
  { minLength: 1, maxLength: 16 },
);

function noFlags() {
  return fc.constant<readonly MountFlag[]>([]);
}

function perform(kernel: Machine, root: string, step: Step): string {
  const target = `${root}/${step.path}`;
  const call = { source: "none", target, fstype: "", flags: [] as const, data: "" };
  switch (step.do) {
    case "mount":
      kernel.mount({ ...call, fstype: "tmpfs", flags: step.flags });
      break;
    case "bind": {
      const flags: readonly MountFlag[] = step.deep ? ["MS_BIND", "MS_REC"] : ["MS_BIND"];
      kernel.mount({ ...call, source: `${root}/${step.from}`, flags });
      break;
    }
    case "move":
      kernel.mount({ ...call, source: `${root}/${step.from}`, flags: ["MS_MOVE"] });
      break;
    case "remount":
      kernel.mount({ ...call, flags: ["MS_REMOUNT", "MS_BIND", ...step.flags] });
      break;
    case "umount":
      kernel.umount(target, step.how);
      break;
    case "mkdir":
      kernel.mkdir(target, 0o755);
      break;
    case "rmdir":
      kernel.rmdir(target);
      break;
    case "unlink":
      kernel.unlink(target);
      break;
    case "write":
      kernel.writeFile(target, "x", "create");
      break;
    case "rename":
      kernel.rename(`${root}/${step.from}`, target);
      break;
    case "chdir":
      kernel.chdir(target);
      break;
    default:
      kernel.mount({ ...call, flags: step.deep ? [step.do, "MS_REC"] : [step.do] });
  }
  return "ok";
}

/** One line of mountinfo. */
interface Line {
  readonly id: string;
  readonly parent: string;
  readonly root: string;
  readonly path: string;
  readonly options: string;
  readonly propagation: readonly string[];
  readonly type: string;
}

function parse(line: string): Line {
  const fields = line.split(" ");
  const [id = "", parent = "", , root = "", path = "", options = ""] = fields;
  const dash = fields.indexOf("-");
  const type = fields[dash + 1] ?? "";
  return { id, parent, root, path, options, propagation: fields.slice(6, dash), type };
}

/**
 * The mounts of a case as a tree, with numbers given in the order of the tree: which ids a kernel
 * gives is its own affair.
 */
function table(kernel: Kernel, root: string, file = "/proc/self/mountinfo"): string {
  const lines = kernel.readText(file).trimEnd().split("\n").map(parse);
  const below = lines.filter(({ path }) => path === root || path.startsWith(`${root}/`));
  const groups = new Map<string, number>();
  const number = (text: string): string =>
    text.replace(/\d+$/, (id) => {
      groups.set(id, groups.get(id) ?? groups.size + 1);
      return String(groups.get(id));
    });
  const ids = new Set(below.map(({ id }) => id));
  const found: string[] = [];
  const visit = (line: Line, depth: number): void => {
    const { id, path, options, propagation, type } = line;
    const fields = [path, line.root, options, ...propagation.map(number), type];
    found.push(`${"  ".repeat(depth)}${fields.join(" ")}`);
    const children = below.filter(({ parent }) => parent === id);
    const sorted = children.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    for (const child of sorted) visit(child, depth + 1);
  };
  for (const line of below) if (!ids.has(line.parent)) visit(line, 0);
  return found.join("\n");
}

/** The names that can be reached, through mounts. */
function names(kernel: Machine, path: string, depth: number): string {
  const found = kernel.readdir(path);
  if (found.includes("self")) return "a proc";
  const entries = found.map((entry) => {
    const below = `${path}/${entry}`;
    const isOpen = depth > 0 && kernel.lstat(below).type === "directory";
    return isOpen ? `${entry}(${names(kernel, below, depth - 1)})` : entry;
  });
  return entries.join(" ");
}

/** What a program finds: directories and files to mount on. */
function furnish(kernel: Machine, directory: string): void {
  for (const made of ["a", "b", "a/a", "a/b", "b/a"]) kernel.mkdir(`${directory}/${made}`, 0o755);
  for (const made of ["f", "a/f"]) kernel.writeFile(`${directory}/${made}`, "x", "create");
}

function checkMounts(pair: Pair, steps: readonly Step[]): void {
  const { directory } = pair;
  same(pair, "furnish", (kernel) => (furnish(kernel, directory), "ok"));
  for (const step of steps) {
    const text = JSON.stringify(step);
    same(pair, text, (kernel) => perform(kernel, directory, step));
    same(pair, `table after ${text}`, (kernel) => table(kernel, directory));
    same(pair, `names after ${text}`, (kernel) => names(kernel, directory, 3));
  }
}

/** As `Step`, with the call that only the root of a namespace can show. */
type RootStep = Step | { readonly do: "pivot"; readonly path: string; readonly put: string };

const rootPath = fc.constantFrom("a", "b", "a/a", "b/a", ".", "old");
const rootProgram = fc.array(
  fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("pivot" as const), path: rootPath, put: rootPath }),
    },
    { weight: 3, arbitrary: mounting },
    { weight: 1, arbitrary: around },
  ),
  { minLength: 1, maxLength: 10 },
);

/** Mounts, pivots and looks at the whole table, in a child with nothing but an empty root. */
function pivoting(kernel: Kernel, home: string, steps: readonly RootStep[]): readonly string[] {
  const lines: string[] = [];
  inOwnMounts(kernel, (own) => {
    enterEmptyRoot(own, home);
    furnish(own, "");
    for (const name of ["a", "b"]) {
      own.mount({ source: "t", target: `/${name}`, fstype: "tmpfs", flags: [], data: "" });
      for (const made of ["a", "b", "old"]) own.mkdir(`/${name}/${made}`, 0o755);
    }
    for (const step of steps) {
      const pivot = (): string => {
        if (step.do !== "pivot") return perform(own, "", step);
        own.pivotRoot(`/${step.path}`, `/${step.path}/${step.put}`);
        return "ok";
      };
      lines.push(`${JSON.stringify(step)}: ${answer(pivot)}`);
      // Where proc went, the table goes with it.
      lines.push(answer(() => table(own, "")));
      lines.push(answer(() => names(own, "/", 2)));
    }
  });
  return lines;
}

/** A step in one of two namespaces. */
interface Placed {
  readonly who: 0 | 1;
  readonly step: Step;
}

interface Sharing {
  /** Whether the copied namespace belongs to a user namespace of its own. */
  readonly isForeign: boolean;
  readonly before: readonly Step[];
  readonly after: readonly Placed[];
}

const sharing: fc.Arbitrary<Sharing> = fc.record({
  isForeign: fc.boolean(),
  before: fc.array(mounting, { maxLength: 6 }),
  after: fc.array(
    fc.record({ who: fc.constantFrom<0 | 1>(0, 1), step: fc.oneof(mounting, mounting, around) }),
    { minLength: 1, maxLength: 8 },
  ),
});

/** Mounts in a namespace and in a copy of it; both tables after each step. */
async function sharingTwo(kernel: Kernel, home: string, program: Sharing) {
  const lines: string[] = [];
  const directory = `${home}/case`;
  const ids = [{ containerId: 0, hostId: 0, count: 65_536 }];
  const user = kernel.createUserNamespace({ uid: ids, gid: ids });
  const first = holdMounts(kernel, (own) => {
    // Two, so that nothing is left on the machine when a program takes one away.
    own.mount({ ...EMPTY_ROOT, target: home });
    own.mkdir(directory, 0o755);
    own.mount({ ...EMPTY_ROOT, target: directory });
    own.mount({ ...EMPTY_ROOT, target: directory, fstype: "", flags: ["MS_SHARED"] });
    furnish(own, directory);
    for (const step of program.before) lines.push(answer(() => perform(own, directory, step)));
  });
  const second = joinMounts(kernel, first, (own) => {
    if (program.isForeign) own.joinUserNamespace(user);
    own.unshare(["CLONE_NEWNS"]);
  });
  kernel.closeUserNamespace(user);
  const holders = [first, second];
  try {
    for (const { who, step } of program.after) {
      const holder = holders[who] ?? first;
      const inUser = who === 1 && program.isForeign;
      let said = "";
      inMountsOf(kernel, holder, { inUser }, (own) => {
        said = answer(() => perform(own, directory, step));
      });
      lines.push(`${who} ${JSON.stringify(step)}: ${said}`);
      for (const { hostPid } of holders) {
        lines.push(answer(() => table(kernel, home, `/proc/${hostPid}/mountinfo`)));
      }
    }
  } finally {
    for (const { hostPid } of holders) kernel.kill(hostPid, "SIGKILL");
    await Promise.all(holders.map(({ exited }) => exited));
  }
  return lines;
}

describe.skipIf(skip)("the model and Linux", () => {
  test("propagation-agrees, with binds, moves, stacks and lazy unmounts", async () => {
    const report = await compareKernels(program, checkMounts, { numRuns: runs(200) });
    expect(report).toBe("held");
  });

  const home = mkdtempSync(join(tmpdir(), "drydock-model-"));
  afterAll(() => rmSync(home, { recursive: true }));
  const real = openRealKernel();

  test("propagation-agrees, also of pivoted roots", () => {
    const property = fc.property(rootProgram, (steps) => {
      const should = pivoting(createModel(home), home, steps);
      sameLines(pivoting(real, home, steps), should);
    });
    fc.assert(property, { numRuns: runs(150) });
  });

  test("propagation-agrees, between a namespace and its copy", async () => {
    const property = fc.asyncProperty(sharing, async (program) => {
      const should = await sharingTwo(createModel(home), home, program);
      sameLines(await sharingTwo(real, home, program), should);
    });
    await fc.assert(property, { numRuns: runs(75) });
  });
});
