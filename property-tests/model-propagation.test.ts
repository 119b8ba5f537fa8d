/**
 * What always holds of mounts in two namespaces, on the model and on Linux: what is mounted below a
 * private mount stays where it was made, peers agree, and a slave only receives.
 */
import { fc } from "@fast-check/vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Kernel } from "../runtime/src/kernel/index.ts";
import {
  answer,
  createModel,
  EMPTY_ROOT,
  holdMounts,
  inMountsOf,
  joinMounts,
  runs,
} from "./model.fixture.ts";
import { openRealKernel, whyNoRealKernel } from "./real-kernel.fixture.ts";

const AREAS = ["private", "shared", "slave"] as const;

const step = fc.record({
  who: fc.constantFrom(0, 1),
  do: fc.constantFrom("mount", "mount", "umount"),
  area: fc.constantFrom(...AREAS),
  name: fc.constantFrom("a", "b"),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Mount points in each area, of the two namespaces. */
type Tables = readonly Readonly<Record<string, readonly string[]>>[];

function expectRule({ who, do: does, area, name }: Step, was: Tables, is: Tables): void {
  const other = 1 - who;
  const points = (tables: Tables, where: number, each: string): readonly string[] =>
    tables[where]?.[each] ?? [];
  for (const each of AREAS.filter((one) => one !== area)) {
    for (const where of [0, 1]) expect(points(is, where, each)).toEqual(points(was, where, each));
  }
  const [then, now] = [points(was, other, area), points(is, other, area)];
  if (area === "shared") expect(now).toEqual(points(is, who, area));
  else if (area === "private" || who === 1) expect(now).toEqual(then);
  // On top of another mount it is that one's copy which gets a copy, if it is still there.
  else if (does === "mount" && !points(was, who, area).includes(name)) {
    expect(now).toEqual([...then, name].toSorted());
  }
}

async function check(kernel: Kernel, home: string, steps: readonly Step[]): Promise<void> {
  const first = holdMounts(kernel, (own) => {
    own.mount({ ...EMPTY_ROOT, target: home });
    for (const area of AREAS) {
      const target = `${home}/${area}`;
      own.mkdir(target, 0o755);
      own.mount({ ...EMPTY_ROOT, target });
      const flags = [area === "private" ? ("MS_PRIVATE" as const) : ("MS_SHARED" as const)];
      own.mount({ ...EMPTY_ROOT, target, fstype: "", flags });
      for (const name of ["a", "b"]) own.mkdir(`${target}/${name}`, 0o755);
    }
  });
  const second = joinMounts(kernel, first, (own) => {
    own.unshare(["CLONE_NEWNS"]);
    own.mount({ ...EMPTY_ROOT, target: `${home}/slave`, fstype: "", flags: ["MS_SLAVE"] });
  });
  const holders = [first, second];
  const tables = (): Tables =>
    holders.map(({ hostPid }) => {
      const lines = kernel.readText(`/proc/${hostPid}/mountinfo`).trimEnd().split("\n");
      const points = lines.map((line) => line.split(" ")[4] ?? "");
      const within = (area: string): readonly string[] =>
        points
          .filter((point) => point.startsWith(`${home}/${area}/`))
          .map((point) => point.slice(`${home}/${area}/`.length))
          .toSorted();
      return Object.fromEntries(AREAS.map((area) => [area, within(area)]));
    });
  try {
    for (const made of steps) {
      const was = tables();
      const target = `${home}/${made.area}/${made.name}`;
      const holder = holders[made.who] ?? first;
      let said = "";
      inMountsOf(kernel, holder, { inUser: false }, (own) => {
        if (made.do === "mount") own.mount({ ...EMPTY_ROOT, target });
        else said = answer(() => (own.umount(target, "now"), ""));
      });
      if (said === "") expectRule(made, was, tables());
      else expect(tables()).toEqual(was);
    }
  } finally {
    for (const { hostPid } of holders) kernel.kill(hostPid, "SIGKILL");
    await Promise.all(holders.map(({ exited }) => exited));
  }
}

const home = mkdtempSync(join(tmpdir(), "drydock-model-"));
afterAll(() => rmSync(home, { recursive: true }));

async function holds(open: () => Kernel, numRuns: number): Promise<void> {
  const steps = fc.array(step, { minLength: 1, maxLength: 10 });
  const property = fc.asyncProperty(steps, (program) => check(open(), home, program));
  await fc.assert(property, { numRuns });
}

test("propagation-by-type, on the model", async () => {
  await holds(() => createModel(home), runs(100));
});

test.skipIf(whyNoRealKernel() !== null)("propagation-by-type, on Linux", async () => {
  const real = openRealKernel();
  await holds(() => real, runs(50));
});
