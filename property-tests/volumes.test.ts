/**
 * Properties of volumes: what people ask for becomes mounts in one order, or a refusal. Those on
 * the real kernel need root.
 */
import { fc, test } from "@fast-check/vitest";
import { readdirSync } from "node:fs";
import { describe, expect } from "vitest";
import { RuntimeError } from "../runtime/src/errors/index.ts";
import { injectFaults, type Inside, type MountFlag } from "../runtime/src/kernel/index.ts";
import { UndoStack } from "../runtime/src/undo/index.ts";
import {
  checkSources,
  inheritMounts,
  inspectMounts,
  makeSources,
  type MountSpec,
  parseMountSpecs,
  planVolumes,
  type VolumesRequest,
} from "../runtime/src/volumes/index.ts";
import { flagsOfMountAt } from "../runtime/src/volumes/plan.ts";
import { parseTmpfsOptions } from "../runtime/src/volumes/tmpfs-options.ts";
import { openRealKernel, ownDirectory, runInChild, skipReal } from "./real-kernel.fixture.ts";

/** Few names and some depth, so that targets are often inside one another. */
const target = fc
  .array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join("/")}`);
const targets = fc.uniqueArray(target, { minLength: 1, maxLength: 6 });

/** The same wish in each of Docker's spellings. */
function requestFor(containerPath: string, spelling: number): VolumesRequest {
  const Source = `/srv${containerPath}`;
  if (spelling === 0) return { Binds: [`${Source}:${containerPath}`] };
  if (spelling === 1) return { Mounts: [{ Type: "bind", Source, Target: containerPath }] };
  if (spelling === 2) return { Mounts: [{ Type: "tmpfs", Target: containerPath }] };
  return { Tmpfs: { [containerPath]: "" } };
}

function merge(requests: readonly VolumesRequest[]): VolumesRequest {
  return {
    Binds: requests.flatMap(({ Binds }) => Binds ?? []),
    Mounts: requests.flatMap(({ Mounts }) => Mounts ?? []),
    Tmpfs: Object.assign({}, ...requests.map(({ Tmpfs }) => Tmpfs ?? {})),
  };
}

const wishes = fc.tuple(targets, fc.infiniteStream(fc.nat(3))).map(([paths, spellings]) => ({
  paths,
  requests: paths.map((path) => requestFor(path, spellings.next().value)),
}));

describe("mounts", () => {
  test.prop([wishes, fc.infiniteStream(fc.nat(100))], { numRuns: 400 })(
    "mount-order-by-depth, however the flags are ordered",
    ({ requests }, chance) => {
      const shuffled = requests
        .map((request) => [chance.next().value, request] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, request]) => request);
      const specs = parseMountSpecs(merge(requests));
      expect(parseMountSpecs(merge(shuffled))).toEqual(specs);
      for (const [index, { containerPath }] of specs.entries()) {
        const later = specs.slice(index + 1).map((spec) => spec.containerPath);
        // Whatever comes later must not be above: it would cover this one.
        expect(later.filter((path) => containerPath.startsWith(`${path}/`))).toEqual([]);
      }
    },
  );

  test.prop([wishes], { numRuns: 300 })("mounts-total", ({ paths, requests }) => {
    const specs = parseMountSpecs(merge(requests));
    expect(specs.map(({ containerPath }) => containerPath).toSorted()).toEqual(paths.toSorted());
    expect(planVolumes(specs, "").map(({ containerPath }) => containerPath)).toEqual(
      specs.map(({ containerPath }) => containerPath),
    );
    const [again = {}] = requests;
    expect(() => parseMountSpecs(merge([...requests, twin(again)]))).toThrow("Duplicate mount");
    const listed = inspectMounts(specs).map(({ Destination }) => Destination);
    const unlisted = requests.flatMap(({ Tmpfs }) => Object.keys(Tmpfs ?? {}));
    expect([...listed, ...unlisted].toSorted()).toEqual(paths.toSorted());
  });

  /** The same target spelt another way, by another kind of mount. */
  function twin({ Binds, Mounts, Tmpfs }: VolumesRequest): VolumesRequest {
    const [bind = ""] = Binds ?? [];
    const [mount] = Mounts ?? [];
    const [tmpfs = ""] = Object.keys(Tmpfs ?? {});
    const path = bind.split(":")[1] ?? mount?.Target ?? tmpfs;
    return { Binds: [`/elsewhere:/x/..${path}//`] };
  }

  const donor = fc.record({ wish: wishes, isReadOnly: fc.boolean() });
  const donors = fc.array(donor, { minLength: 1, maxLength: 3 });
  test.prop([donors, wishes], { numRuns: 300 })("inherits-without-gaining", (given, own) => {
    const mountsOf = (name: string): readonly MountSpec[] =>
      parseMountSpecs(merge(given[Number(name)]?.wish.requests ?? [])).map((spec) => ({
        ...spec,
        isReadOnly: spec.containerPath.endsWith("/b"),
      }));
    const sources = given.map(({ isReadOnly }, index) => `${index}${isReadOnly ? ":ro" : ""}`);
    const inherited = inheritMounts(sources, mountsOf);
    const targetsOf = (specs: readonly MountSpec[]) =>
      specs.map(({ containerPath }) => containerPath);
    const lasting = given.flatMap((_, index) =>
      mountsOf(String(index)).filter(({ type }) => type === "bind"),
    );
    expect(targetsOf(inherited).toSorted()).toEqual([...new Set(targetsOf(lasting))].toSorted());
    for (const mount of inherited) {
      const owner = given.findLastIndex((_, index) =>
        mountsOf(String(index)).some(
          ({ type, containerPath }) => type === "bind" && containerPath === mount.containerPath,
        ),
      );
      const wasReadOnly = mount.containerPath.endsWith("/b");
      expect(mount.isReadOnly).toBe(wasReadOnly || given[owner]?.isReadOnly);
    }
    const all = parseMountSpecs(merge(own.requests), inherited);
    expect(targetsOf(all).toSorted()).toEqual(
      [...new Set([...own.paths, ...targetsOf(inherited)])].toSorted(),
    );
    for (const mine of parseMountSpecs(merge(own.requests))) expect(all).toContainEqual(mine);
  });

  const text = fc.string({ unit: fc.constantFrom("/", "a", ":", ".", "r", "o", ",", "w", "z") });
  test.prop([text], { numRuns: 3000, examples: [["/a:/b:ro,rw"], ["/a:/b:"], ["/a:ro"]] })(
    "mounts-total whatever is given: one mount or an error in Docker's words",
    (bind) => {
      let specs: readonly MountSpec[];
      try {
        specs = parseMountSpecs({ Binds: [bind] });
      } catch (error) {
        expect(error).toBeInstanceOf(RuntimeError);
        expect(String(error)).toMatch(/invalid volume specification|invalid mode|not implemented/);
        return;
      }
      expect(specs).toHaveLength(1);
      const [source = "", target = "", mode = ""] = bind.split(":");
      expect(source.startsWith("/") && target.startsWith("/")).toBe(true);
      expect(specs[0]).toMatchObject({ type: "bind", mode, isReadOnly: /\bro\b/.test(mode) });
      expect(specs[0]?.containerPath).toMatch(/^(\/[^/]+)+$/);
    },
  );

  test.each([
    ["/a:b", "invalid volume specification: '/a:b': invalid mount config for type \"bind\": "],
    ["/a:b", "invalid mount path: 'b' mount path must be absolute"],
    ["/a:/", "invalid specification: destination can't be '/'"],
    ["/a:/b:rx", "invalid mode: rx"],
    ["/a:/b:ro:x", "invalid volume specification: '/a:/b:ro:x'"],
    ["/a:rw", "invalid volume specification: '/a:rw'"],
    [":/b", "invalid volume specification: ':/b'"],
    ["data:/b", "named and anonymous volumes are not implemented in this version"],
    ["/b", "named and anonymous volumes are not implemented in this version"],
  ])("mounts-total: %s is refused: %s", (bind, words) => {
    expect(() => parseMountSpecs({ Binds: [bind] })).toThrow(words);
  });

  const mountPoints = fc.shuffledSubarray(["/", "/a", "/a/b", "/a/b/c", "/ab"], { minLength: 1 });
  test.prop([mountPoints, target], { numRuns: 300 })(
    "remount-keeps-flags of the closest mount above, wherever it stands in the table",
    (points, path) => {
      const optionOf = (point: string) => (point.length % 2 === 0 ? "nosuid" : "nodev");
      const table = points.map((point) => `1 2 0:3 / ${point} rw,${optionOf(point)} - x y rw`);
      const above = points
        .filter((point) => `${path}/`.startsWith(point === "/" ? "/" : `${point}/`))
        .toSorted((a, b) => b.length - a.length);
      const expected = above.slice(0, 1).map((point) => `MS_${optionOf(point).toUpperCase()}`);
      expect(flagsOfMountAt(table.join("\n"), path)).toEqual(expected);
    },
  );

  const word = fc.constantFrom(
    ..."ro rw noexec exec nosuid suid nodev dev size=64m size=1g mode=700 uid=7 x size= mode=9999 uid=1k".split(
      " ",
    ),
  );
  test.prop([fc.array(word, { maxLength: 6 })], { numRuns: 500 })(
    "tmpfs-option-is-kept",
    (words) => {
      const isWrong = words.some((each) => /^(x|size=|mode=9999|uid=1k)$/.test(each));
      if (isWrong) {
        expect(() => parseTmpfsOptions(words.join(","))).toThrow("invalid tmpfs option");
        return;
      }
      const { flags, data } = parseTmpfsOptions(words.join(","));
      const lastOf = (...pair: readonly string[]) => words.findLast((each) => pair.includes(each));
      expect(flags.includes("MS_RDONLY")).toBe(lastOf("ro", "rw") === "ro");
      // These three begin set.
      expect(flags.includes("MS_NOEXEC")).toBe(lastOf("exec", "noexec") !== "exec");
      expect(flags.includes("MS_NOSUID")).toBe(lastOf("suid", "nosuid") !== "suid");
      expect(flags.includes("MS_NODEV")).toBe(lastOf("dev", "nodev") !== "dev");
      const size = words.findLast((each) => each.startsWith("size="));
      expect(data.split(",").filter((each) => each.startsWith("size="))).toEqual(
        size ? [size] : [],
      );
    },
  );
});

const skip = skipReal("volumes on the real kernel");

describe.skipIf(skip)("on the real kernel", () => {
  const kernel = openRealKernel();

  const flag = fc.constantFrom<MountFlag>("MS_NOSUID", "MS_NODEV", "MS_NOEXEC", "MS_NOATIME");
  test.prop([fc.uniqueArray(flag), fc.constantFrom("", "/in", "/in/side")], { numRuns: 20 })(
    "remount-keeps-flags",
    async (flags, below) => {
      using directory = ownDirectory();
      const home = directory.path;
      const options = await runInChild(kernel, ({ kernel: inner }: Inside) => {
        inner.unshare(["CLONE_NEWNS"]);
        const call = { source: "", fstype: "", data: "" };
        inner.mount({ ...call, target: "/", flags: ["MS_REC", "MS_PRIVATE"] });
        inner.mount({ ...call, source: "t", target: home, fstype: "tmpfs", flags: [...flags] });
        for (const path of ["/in", "/in/side", "/target"]) inner.mkdir(home + path, 0o755);
        const specs = parseMountSpecs({ Binds: [`${home}${below}:/data:ro`] });
        const [plan] = planVolumes(specs, inner.readText("/proc/self/mountinfo"));
        if (plan?.type !== "bind") throw new Error("a bind was asked");
        const target = `${home}/target`;
        inner.mount({ ...call, source: plan.hostPath, target, flags: ["MS_BIND", "MS_REC"] });
        const remount: readonly MountFlag[] = ["MS_BIND", "MS_REMOUNT", ...plan.remountFlags];
        inner.mount({ ...call, target, flags: remount });
        const lines = inner.readText("/proc/self/mountinfo").split("\n");
        return lines.find((line) => line.split(" ")[4] === target)?.split(" ")[5] ?? "none";
      });
      const names = { MS_NOSUID: "nosuid", MS_NODEV: "nodev", MS_NOEXEC: "noexec" };
      const has = options.split(",");
      expect(has).toContain("ro");
      for (const [each, name] of Object.entries(names)) {
        expect(has.includes(name)).toBe(flags.includes(each as MountFlag));
      }
      expect(has.includes("noatime")).toBe(flags.includes("MS_NOATIME"));
    },
  );

  /** Makes the sources, with every call failing in turn, until none fails any more. */
  async function makeWithFaults(specs: readonly MountSpec[], home: string): Promise<void> {
    for (let failAt = 0; ; failAt++) {
      const faulty = injectFaults(kernel, { failAt, errno: "EACCES" });
      const attempt = async () => {
        await using undo = new UndoStack();
        makeSources(faulty.kernel, specs, undo);
        expect(readdirSync(home)).not.toEqual([]);
        if (failAt > 0 && faulty.failedCall() === undefined) undo.commit();
      };
      await attempt().catch((error: unknown) => expect(String(error)).toMatch(/EACCES/));
      if (failAt > 0 && faulty.failedCall() === undefined) return;
      expect(readdirSync(home)).toEqual([]);
    }
  }

  test.prop([targets], { numRuns: 20 })(
    "sources-are-undone, whichever call fails",
    async (paths) => {
      using home = ownDirectory();
      const specs = parseMountSpecs({ Binds: paths.map((path) => `${home.path}${path}:${path}`) });
      await makeWithFaults(specs, home.path);
      for (const path of paths) expect(kernel.stat(`${home.path}${path}`).type).toBe("directory");
    },
  );

  test("sources-are-undone, and those of --mount are never made", () => {
    const mount = { Type: "bind", Source: "/nowhere-at-all/x", Target: "/data" };
    const specs = parseMountSpecs({ Mounts: [mount] });
    expect(() => checkSources(kernel, specs)).toThrow(
      'invalid mount config for type "bind": bind source path does not exist: /nowhere-at-all/x',
    );
    const lenient = { ...mount, BindOptions: { CreateMountpoint: true } };
    expect(() => checkSources(kernel, parseMountSpecs({ Mounts: [lenient] }))).not.toThrow();
  });
});
