/**
 * Properties of the model's processes: what a child does to itself, on the model and on Linux. It
 * leaves namespaces, enters a user namespace, gives up users and capabilities, and tries after each
 * step what it still may.
 */
import { fc } from "@fast-check/vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, test } from "vitest";
import type { Kernel, MountFlag, NamespaceFlag, Self } from "../runtime/src/kernel/index.ts";
import { type Operation, perform, program as fileProgram } from "./file-operations.fixture.ts";
import { answer, createModel, runs, sameLines, treeText } from "./model.fixture.ts";
import { openRealKernel, skipReal } from "./real-kernel.fixture.ts";

const skip = skipReal("comparing the model's processes");

type Own = Kernel & Self;

/** What a child does to itself. */
type Step =
  | { readonly do: "unshare"; readonly flags: readonly NamespaceFlag[] }
  | { readonly do: "enter" | "quiet" | "session" | "up" }
  | { readonly do: "uid" | "gid" | "groups"; readonly id: number }
  | { readonly do: "bound"; readonly keep: readonly string[] }
  | {
      readonly do: "sets";
      readonly permitted: readonly string[];
      readonly effective: readonly string[];
      readonly inheritable: readonly string[];
      readonly ambient: readonly string[];
    }
  | { readonly do: "name"; readonly text: string }
  | { readonly do: "limit"; readonly soft: number; readonly hard: number }
  | { readonly do: "mount"; readonly path: string; readonly flags: readonly MountFlag[] }
  | { readonly do: "bind" | "umount"; readonly path: string }
  | { readonly do: "file"; readonly operation: Operation };

const capability = fc.constantFrom<string>(
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_SETUID",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SYS_ADMIN",
  "CAP_NET_ADMIN",
  "CAP_MKNOD",
);
const some = fc.uniqueArray(capability, { maxLength: 6 });
const id = fc.constantFrom(0, 1000, 1000, 65_534);
const path = fc.constantFrom("a", "b", "a/b");
const kinds: readonly NamespaceFlag[] = ["CLONE_NEWUTS", "CLONE_NEWNET", "CLONE_NEWNS"];

const sets = fc
  .record({ permitted: some, effective: some, inheritable: some, ambient: some })
  .chain((wild) =>
    // Half of them are made to fit together, so that they are not always refused.
    fc.boolean().map((fits) => {
      if (!fits) return wild;
      const within = (list: readonly string[]) =>
        list.filter((name) => wild.permitted.includes(name));
      const inheritable = within(wild.inheritable);
      const ambient = within(wild.ambient).filter((name) => inheritable.includes(name));
      const { permitted } = wild;
      return { permitted, effective: within(wild.effective), inheritable, ambient };
    }),
  );

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("unshare" as const), flags: fc.subarray([...kinds]) }),
  fc.record({ do: fc.constantFrom("enter" as const, "quiet", "session", "up") }),
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("uid" as const, "gid", "groups"), id }) },
  fc.record({ do: fc.constant("bound" as const), keep: some }),
  {
    weight: 2,
    arbitrary: sets.map((each) => ({ do: "sets" as const, ...each })),
  },
  fc.record({ do: fc.constant("name" as const), text: fc.constantFrom("boat", "x".repeat(65)) }),
  fc.record({
    do: fc.constant("limit" as const),
    soft: fc.constantFrom(1000, 5000),
    hard: fc.constantFrom(4000, 6000, 2_000_000),
  }),
  fc.record({
    do: fc.constant("mount" as const),
    path,
    flags: fc.subarray<MountFlag>(["MS_RDONLY", "MS_BIND", "MS_REMOUNT"]),
  }),
  fc.record({ do: fc.constantFrom("bind" as const, "umount"), path }),
  {
    weight: 8,
    arbitrary: fileProgram
      .filter((operations) => operations.length > 0)
      .map(([operation]) => ({ do: "file" as const, operation }))
      .filter((each): each is Step & { do: "file" } => each.operation !== undefined),
  },
);

interface Place {
  readonly own: Own;
  readonly root: string;
  readonly handle: number;
}

function attempt({ own, root, handle }: Place, made: Step): string {
  switch (made.do) {
    case "unshare":
      own.unshare(made.flags);
      break;
    case "enter":
      own.joinUserNamespace(handle);
      break;
    case "quiet":
      own.setNoNewPrivileges();
      break;
    case "session":
      own.setSession();
      break;
    case "up":
      own.changeLink("lo", { up: true });
      break;
    case "uid":
      own.setUid(made.id);
      break;
    case "gid":
      own.setGid(made.id);
      break;
    case "groups":
      own.setGroups([made.id]);
      break;
    default:
      return attemptMore({ own, root, handle }, made);
  }
  return "ok";
}

function attemptMore({ own, root }: Place, made: Step): string {
  switch (made.do) {
    case "bound":
      own.setBoundingSet(made.keep);
      break;
    case "sets":
      own.setCapabilities({ ...made, bounding: [] });
      break;
    case "name":
      own.setHostname(made.text);
      break;
    case "limit":
      own.setResourceLimit({ name: "RLIMIT_NOFILE", soft: made.soft, hard: made.hard });
      break;
    case "mount": {
      const call = { source: "none", target: `${root}/${made.path}`, fstype: "tmpfs", data: "" };
      own.mount({ ...call, flags: made.flags });
      break;
    }
    case "bind": {
      const call = { source: root, target: `${root}/${made.path}`, fstype: "", data: "" };
      own.mount({ ...call, flags: ["MS_BIND"] });
      break;
    }
    case "umount":
      own.umount(`${root}/${made.path}`, "now");
      break;
    case "file":
      return perform(own, root, made.operation);
    default:
      throw new Error(`${made.do} is not known`);
  }
  return "ok";
}

/** What a child can see of itself and its tree. */
function look({ own, root }: Place): string {
  const { permitted, effective, inheritable, ambient, bounding } = own.getCapabilities();
  const tried = [
    answer(() => (own.kill(1, "0"), "ok")),
    answer(
      () => (
        own.mknod(`${root}/n`, { type: "char", major: 1, minor: 3, permissions: 0o600 }),
        own.unlink(`${root}/n`),
        "ok"
      ),
    ),
  ];
  return [
    own.identity().effectiveUid,
    bounding.length,
    ...[permitted, effective, inheritable, ambient].map((set) => set.length),
    own.listLinks().find(({ name }) => name === "lo")?.up,
    ...tried,
    answer(() => treeText(own, root)),
  ].join(" ");
}

/** The answers of a child to all steps, and what it saw after each. */
function transcript(kernel: Kernel, home: string, steps: readonly Step[]): readonly string[] {
  const lines: string[] = [];
  const map = [{ containerId: 0, hostId: 100_000, count: 65_536 }];
  const handle = kernel.createUserNamespace({ uid: map, gid: map });
  const options = { pidNamespace: "inherit", stdio: "null", stdin: false } as const;
  try {
    kernel.spawn(options, ({ kernel: own }) => {
      own.unshare(["CLONE_NEWNS", "CLONE_NEWUTS", "CLONE_NEWNET"]);
      // Containers that tests run in often lack this one.
      const all = own.getCapabilities().permitted.filter((name) => name !== "CAP_SYS_RESOURCE");
      own.setBoundingSet(all);
      own.setCapabilities({ ...own.getCapabilities(), permitted: all, effective: all });
      const everything = { source: "", target: "/", fstype: "", data: "" };
      own.mount({ ...everything, flags: ["MS_REC", "MS_PRIVATE"] });
      const call = { source: "none", target: home, fstype: "tmpfs", flags: [], data: "mode=755" };
      own.mount(call);
      const root = `${home}/tree`;
      own.mkdir(root, 0o777);
      own.mkdir(`${root}/a`, 0o700);
      own.mkdir(`${root}/b`, 0o1777);
      own.writeFile(`${root}/c`, "x", "create", 0o600);
      own.writeFile(`${root}/a/a`, "y", "create", 0o640);
      own.lchown(`${root}/a/a`, 1000, 1000);
      own.writeFile(`${root}/b/a`, "z", "create", 0o666);
      own.lchown(`${root}/b`, 100_000, 100_000);
      const place = { own, root, handle };
      for (const each of steps) {
        lines.push(`${JSON.stringify(each)}: ${answer(() => attempt(place, each))}`);
        lines.push(look(place));
      }
      return undefined;
    });
  } finally {
    kernel.closeUserNamespace(handle);
  }
  return lines;
}

describe.skipIf(skip)("the model and Linux", () => {
  const home = mkdtempSync(join(tmpdir(), "drydock-model-"));
  afterAll(() => rmSync(home, { recursive: true }));

  test("power-agrees, whatever a child gave up", () => {
    const real = openRealKernel();
    const program = fc.array(step, { minLength: 1, maxLength: 10 });
    const property = fc.property(program, (steps) => {
      const should = transcript(createModel(home), home, steps);
      sameLines(transcript(real, home, steps), should);
    });
    fc.assert(property, { numRuns: runs(100) });
  });
});
