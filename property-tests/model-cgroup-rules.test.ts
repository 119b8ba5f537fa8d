/**
 * What always holds of the model's cgroups, on a machine of version 2 with processes that are
 * moved, that fork, hold memory and end, under limits that come and go. Limits of version 2 cannot
 * be compared on a machine whose controllers belong to version 1; rules can be checked anywhere.
 */
import { fc } from "@fast-check/vitest";
import { expect, test } from "vitest";
import type { Clock, Kernel } from "../runtime/src/kernel/index.ts";
import {
  createModelKernel,
  type ProgramContext,
  programFile,
} from "../runtime/src/kernel/model/index.ts";
import { answer, runs } from "./model.fixture.ts";

const ROOT = "/sys/fs/cgroup";
const PAGE = 4096;

type Step =
  | { readonly do: "mkdir" | "rmdir"; readonly path: string }
  | { readonly do: "control" | "pids" | "memory"; readonly path: string; readonly text: string }
  | { readonly do: "move"; readonly path: string; readonly who: number }
  | { readonly do: "hold"; readonly who: number; readonly pages: number }
  | { readonly do: "fork" | "end"; readonly who: number };

const path = fc.constantFrom("a", "b", "a/a", "a/b", "a/a/a");
const who = fc.nat({ max: 4 });
const few = fc.constantFrom("max", "0", "1", "2", "3");
const pages = fc
  .constantFrom("max", "0", "1", "2", "5")
  .map((text) => (text === "max" ? text : String(Number(text) * PAGE)));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("mkdir" as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("rmdir" as const), path }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("control" as const),
      path: fc.oneof(path, fc.constantFrom("", "a", "a")),
      text: fc.constantFrom("+pids +memory", "+pids +memory", "+memory", "-memory", "-pids"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pids" as const), path, text: few }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("memory" as const), path, text: pages }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("move" as const), path, who }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("hold" as const),
      who,
      pages: fc.constantFrom(1, 2, 3, -1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("fork" as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end" as const), who }) },
);

const leafOrAbove = fc.constantFrom("a", "a/a");
const handedDown = fc.constantFrom("+pids +memory", "+pids +memory", "+pids");

/** Small trees in which most steps are possible, then anything. */
const program = fc
  .record({
    controllers: handedDown,
    pids: fc.record({ do: fc.constant("pids" as const), path: leafOrAbove, text: few }),
    memory: fc.record({ do: fc.constant("memory" as const), path: leafOrAbove, text: pages }),
    more: fc.array(step, { maxLength: 24 }),
  })
  .map(({ controllers, pids, memory, more }): readonly Step[] => [
    { do: "mkdir", path: "a" },
    { do: "control", path: "", text: controllers },
    { do: "mkdir", path: "a/a" },
    { do: "mkdir", path: "a/b" },
    { do: "control", path: "a", text: "+pids +memory" },
    { do: "control", path: "a", text: "+pids" },
    { do: "move", path: "a/a", who: 0 },
    { do: "hold", who: 0, pages: 1 },
    pids,
    memory,
    ...more,
  ]);

interface Bench {
  readonly kernel: Kernel;
  readonly programs: ProgramContext[];
  /** Pids, by birth. */
  readonly pids: number[];
  /** What each holds, as far as it knows. */
  readonly pagesHeld: Map<number, number>;
}

const NO_STDIO = { pidNamespace: "inherit", stdio: "null", stdin: false } as const;
const STILL: Clock = {
  nowMs: () => 0,
  monotonicUs: () => 0,
  random: (count) => new Uint8Array(count),
  after: () => () => undefined,
};

async function open(): Promise<Bench> {
  const programs: ProgramContext[] = [];
  const kernel = createModelKernel({
    clock: STILL,
    programs: {
      wait: (context) => {
        programs.push(context);
        return new Promise(() => undefined);
      },
    },
  });
  kernel.writeFile("/bin/wait", programFile("wait"), "create", 0o755);
  const bench: Bench = { kernel, programs, pids: [], pagesHeld: new Map() };
  for (let count = 0; count < 3; count += 1) {
    bear(bench, kernel);
    await Promise.resolve();
  }
  return bench;
}

function bear(bench: Bench, by: Kernel): void {
  const { hostPid } = by.spawn(NO_STDIO, ({ kernel: own }) =>
    own.execve("/bin/wait", ["wait"], []),
  );
  bench.pids.push(hostPid);
  bench.pagesHeld.set(hostPid, 0);
}

async function perform(bench: Bench, made: Step): Promise<string> {
  const { kernel, programs, pids, pagesHeld } = bench;
  const write = (file: string, text: string): string =>
    answer(() => (kernel.writeFile(`${ROOT}/${file}`, text, "existing"), "ok"));
  switch (made.do) {
    case "mkdir":
      return answer(() => (kernel.mkdir(`${ROOT}/${made.path}`, 0o755), "ok"));
    case "rmdir":
      return answer(() => (kernel.rmdir(`${ROOT}/${made.path}`), "ok"));
    case "control":
      return write(`${made.path}/cgroup.subtree_control`, made.text);
    case "pids":
    case "memory":
      return write(`${made.path}/${made.do}.max`, made.text);
    case "move":
      return write(`${made.path}/cgroup.procs`, String(pids[made.who] ?? 0));
    default:
  }
  const [pid, context] = [pids[made.who], programs[made.who]];
  if (pid === undefined || context === undefined) return "nobody";
  if (made.do === "end") return answer(() => (kernel.kill(pid, "SIGKILL"), "ok"));
  if (made.do === "fork") {
    const said = answer(() => (bear(bench, context.kernel), "ok"));
    await Promise.resolve();
    return said;
  }
  if (made.do !== "hold" || !livePids(bench).includes(pid)) return "nobody";
  const before = pagesHeld.get(pid) ?? 0;
  const more = Math.max(made.pages, -before);
  pagesHeld.set(pid, before + more);
  return answer(() => (context.useMemory(more * PAGE), "ok"));
}

function livePids({ kernel, pids }: Bench): readonly number[] {
  return pids.filter((pid) => answer(() => (kernel.kill(pid, "0"), "ok")) === "ok");
}

/** One cgroup as its files tell it. */
interface Seen {
  readonly path: string;
  readonly parent: Seen | undefined;
  readonly procs: readonly number[];
  readonly controllers: readonly string[];
  readonly handsDown: readonly string[];
  read(file: string): string;
}

const words = (text: string): readonly string[] => text.split(/\s+/).filter((each) => each !== "");

/** All cgroups, parents first. */
function look({ kernel }: Bench): readonly Seen[] {
  const visit = (at: string, parent: Seen | undefined): readonly Seen[] => {
    const read = (file: string): string => kernel.readText(`${at}/${file}`).trim();
    const seen: Seen = {
      path: at,
      parent,
      procs: words(read("cgroup.procs")).map(Number),
      controllers: words(read("cgroup.controllers")),
      handsDown: words(read("cgroup.subtree_control")),
      read,
    };
    const names = kernel
      .readdir(at)
      .filter((name) => kernel.lstat(`${at}/${name}`).type === "directory");
    return [seen, ...names.flatMap((name) => visit(`${at}/${name}`, seen))];
  };
  return visit(ROOT, undefined);
}

const isWithin = (inner: Seen, outer: Seen): boolean =>
  inner.path === outer.path || inner.path.startsWith(`${outer.path}/`);

const below = (all: readonly Seen[], cgroup: Seen): readonly Seen[] =>
  all.filter((each) => isWithin(each, cgroup));

const procsBelow = (all: readonly Seen[], cgroup: Seen): readonly number[] =>
  below(all, cgroup).flatMap(({ procs }) => procs);

const bytesBelow = ({ pagesHeld }: Bench, all: readonly Seen[], cgroup: Seen): number =>
  procsBelow(all, cgroup).reduce((sum, pid) => sum + (pagesHeld.get(pid) ?? 0) * PAGE, 0);

/** A limit as it reads; Infinity where there is none. */
function limitOf(cgroup: Seen, controller: "pids" | "memory"): number {
  if (cgroup.parent === undefined || !cgroup.controllers.includes(controller)) return Infinity;
  const text = cgroup.read(`${controller}.max`);
  return text === "max" ? Infinity : Number(text);
}

/** What was before a step, what the step was and said, and what is now. */
interface Moment {
  readonly bench: Bench;
  readonly made: Step;
  readonly said: string;
  readonly before: readonly Seen[];
  readonly now: readonly Seen[];
}

/** The model went on refusing by a limit whose controller had been taken away. */
const FOUND: readonly Step[] = [
  { do: "mkdir", path: "a" },
  { do: "control", path: "", text: "+pids" },
  { do: "mkdir", path: "a/a" },
  { do: "control", path: "a", text: "+pids" },
  { do: "move", path: "a/a", who: 0 },
  { do: "pids", path: "a/a", text: "1" },
  { do: "control", path: "a", text: "-pids" },
  { do: "fork", who: 0 },
];

async function holdsAlways(check: (moment: Moment) => void): Promise<void> {
  const property = fc.asyncProperty(program, async (steps) => {
    const bench = await open();
    let before = look(bench);
    for (const made of steps) {
      const said = await perform(bench, made);
      const now = look(bench);
      check({ bench, made, said, before, now });
      before = now;
    }
  });
  await fc.assert(property, { numRuns: runs(100), examples: [[FOUND]] });
}

function checkHomes({ bench, now }: Moment): void {
  const all = now.flatMap(({ procs }) => procs);
  expect(new Set(all).size).toBe(all.length);
  expect(all).toEqual(expect.arrayContaining([...livePids(bench)]));
  for (const pid of livePids(bench)) {
    const home = now.find(({ procs }) => procs.includes(pid));
    const told = bench.kernel.readText(`/proc/${pid}/cgroup`).trim();
    expect(told).toBe(`0::${home?.path.slice(ROOT.length) || "/"}`);
  }
}

function checkUsage({ bench, now }: Moment): void {
  const having = (name: string): readonly Seen[] =>
    now.filter(({ parent, controllers }) => parent !== undefined && controllers.includes(name));
  for (const cgroup of having("pids")) {
    expect(cgroup.read("pids.current")).toBe(String(procsBelow(now, cgroup).length));
  }
  for (const cgroup of having("memory")) {
    expect(cgroup.read("memory.current")).toBe(String(bytesBelow(bench, now, cgroup)));
  }
}

function checkLimits({ bench, made, said, before, now }: Moment): void {
  if (made.do !== "fork" && made.do !== "hold") return;
  const pid = bench.pids[made.who] ?? 0;
  const home = before.find(({ procs }) => procs.includes(pid));
  if (said === "nobody" || home === undefined) return;
  const above = before.filter((each) => isWithin(home, each));
  const tooMany = above.some((each) => procsBelow(before, each).length + 1 > limitOf(each, "pids"));
  expect(said === "EAGAIN").toBe(made.do === "fork" && tooMany);
  // Somebody is killed exactly when there would be too much.
  const alive = new Set(now.flatMap(({ procs }) => procs));
  const isAnyDead = before.flatMap(({ procs }) => procs).some((each) => !alive.has(each));
  const tooMuch = above.some((each) => bytesBelow(bench, before, each) > limitOf(each, "memory"));
  expect(isAnyDead).toBe(made.do === "hold" && tooMuch);
  for (const each of now.filter(({ path: at }) => above.some(({ path: was }) => was === at))) {
    expect(bytesBelow(bench, now, each)).toBeLessThanOrEqual(limitOf(each, "memory"));
  }
}

function checkControllers({ now }: Moment): void {
  for (const { controllers, handsDown } of now) {
    for (const name of handsDown) expect(controllers).toContain(name);
  }
  const inner = now.filter(({ parent }) => parent !== undefined);
  for (const { parent, controllers } of inner) expect(controllers).toEqual(parent?.handsDown);
  for (const { procs } of inner.filter(({ handsDown }) => handsDown.length > 0)) {
    expect(procs).toEqual([]);
  }
}

function checkPopulated({ made, said, before, now }: Moment): void {
  for (const cgroup of now.filter(({ parent }) => parent !== undefined)) {
    const isPopulated = procsBelow(now, cgroup).length > 0;
    expect(cgroup.read("cgroup.events").split("\n")).toContain(`populated ${isPopulated ? 1 : 0}`);
  }
  if (made.do !== "rmdir") return;
  const victim = before.find(({ path: at }) => at === `${ROOT}/${made.path}`);
  const isEmpty = victim !== undefined && victim.procs.length + below(before, victim).length === 1;
  expect(said).toBe(victim === undefined ? "ENOENT" : isEmpty ? "ok" : "EBUSY");
}

test("cgroup-one-home, and moving loses nobody", () => holdsAlways(checkHomes));

test("cgroup-usage-adds-up, and is nothing when all have ended", () => holdsAlways(checkUsage));

test("cgroup-limit-is-least, of the cgroup and all above it", () => holdsAlways(checkLimits));

test("cgroup-top-down, and no processes where controllers are handed down", () =>
  holdsAlways(checkControllers));

test("cgroup-populated, while somebody lives in it or below; only an empty one goes", () =>
  holdsAlways(checkPopulated));
