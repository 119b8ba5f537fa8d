/**
 * Properties of copying: what is read out and put in again is the same, and nothing gets out.
 *
 * On the model kernel; `runtime/test` copies with the docker CLI on the real one.
 */
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { extractArchive } from "../runtime/src/container/archive.ts";
import { RuntimeError } from "../runtime/src/errors/index.ts";
import { concatBytes, KernelError, type Kernel } from "../runtime/src/kernel/index.ts";
import { formatTar, parseTar, readTar, streamTree } from "../runtime/src/layers/index.ts";
import type { TarEntry } from "../runtime/src/layers/index.ts";
import { building, perform, snapshot } from "./file-operations.fixture.ts";
import type { Operation } from "./file-operations.fixture.ts";
import { createModel, runs } from "./model.fixture.ts";

const HOME = "/t";

function twoTrees(): Kernel {
  const kernel = createModel(HOME);
  for (const name of ["from", "to", "outside"]) kernel.mkdir(`${HOME}/${name}`, 0o755);
  kernel.writeFile(`${HOME}/outside/kept`, "as it was", "create");
  return kernel;
}

async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Which names are one file. */
function namesOfInodes(kernel: Kernel, root: string): readonly (readonly string[])[] {
  const names = new Map<number, string[]>();
  for (const name of Object.keys(snapshot(kernel, root))) {
    const { inode } = kernel.lstat(`${root}/${name}`);
    names.set(inode, [...(names.get(inode) ?? []), name]);
  }
  return [...names.values()];
}

/** What a program of the container may do to a file meanwhile. */
function perturb(
  kernel: Kernel,
  path: string,
  how: "truncate" | "append" | "unlink" | "symlink",
): void {
  if (kernel.lstatIfPresent(path)?.type !== "file") return;
  if (how === "truncate") return kernel.truncate(path, 1);
  if (how === "append") return kernel.writeFile(path, "more", "append");
  kernel.unlink(path);
  if (how === "symlink") kernel.symlink(`${HOME}/outside/kept`, path);
}

function joined(pieces: Iterable<Uint8Array>): Uint8Array {
  const all = [...pieces].map((piece) => piece.slice());
  return new Uint8Array(all.flatMap((piece) => [...piece]));
}

const sizes = fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 5 });
const options = { containerPath: "/", keepTypes: false, owner: null };

const PLAIN: TarEntry = {
  path: "f",
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSeconds: 5,
  linkPath: "",
  major: 0,
  minor: 0,
  xattrs: new Map(),
  data: new Uint8Array(),
};

/** Names and targets that want out, and links to go through first. */
const hostilePath = fc
  .array(fc.constantFrom("..", "a", "b", "l", ".", ""), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join("/"));
const hostileEntry = fc.record({
  type: fc.constantFrom("file", "symlink", "link", "directory"),
  path: hostilePath,
  linkPath: fc.oneof(
    hostilePath,
    fc.constantFrom("/t/outside", "../outside", "../../t/outside/kept", "/", "l"),
  ),
});

describe("archives", () => {
  const linked: Operation[] = [
    { do: "write", path: "a", text: "x" },
    { do: "link", from: "a", path: "b" },
  ];
  test.prop([building, sizes], {
    numRuns: runs(150),
    // Two names of one file are rarely built by chance.
    examples: [[linked, [700]]],
  })(
    "archive-round-trip: a tree put in elsewhere is the tree that was read out",
    async (operations, cuts) => {
      const kernel = twoTrees();
      for (const operation of operations) perform(kernel, `${HOME}/from`, operation);
      const tree = { path: `${HOME}/from`, name: ".", hidden: new Set<string>() };
      const archive = joined(streamTree(kernel, tree));
      await extractArchive(kernel, `${HOME}/to`, inPieces(archive, cuts), options);
      expect(snapshot(kernel, `${HOME}/to`)).toEqual(snapshot(kernel, `${HOME}/from`));
      expect(namesOfInodes(kernel, `${HOME}/to`)).toEqual(namesOfInodes(kernel, `${HOME}/from`));
    },
  );

  test.prop([building, sizes], { numRuns: runs(100) })(
    "archive-round-trip: onto a tree that has the same names, every name is the archive's",
    async (operations, cuts) => {
      const kernel = twoTrees();
      const half = Math.floor(operations.length / 2);
      for (const operation of operations) perform(kernel, `${HOME}/from`, operation);
      for (const operation of operations.slice(half)) perform(kernel, `${HOME}/to`, operation);
      const tree = { path: `${HOME}/from`, name: ".", hidden: new Set<string>() };
      const archive = joined(streamTree(kernel, tree));
      await extractArchive(kernel, `${HOME}/to`, inPieces(archive, cuts), options);
      expect(snapshot(kernel, `${HOME}/to`)).toMatchObject(snapshot(kernel, `${HOME}/from`));
    },
  );

  const large = fc.oneof(fc.nat(2000), fc.nat(1_500_000), fc.constantFrom(2 ** 19, 2 ** 20));
  test.prop([fc.array(large, { minLength: 1, maxLength: 3 }), fc.array(large, { minLength: 1 })], {
    numRuns: runs(25),
  })("archive-round-trip: files of any size, in pieces of any size", async (lengths, cuts) => {
    const kernel = twoTrees();
    const files = lengths.map((length, n) => ({
      ...PLAIN,
      path: `f${n}`,
      data: Uint8Array.from({ length }, (_, at) => at * 7 + (at >> 9) + n),
    }));
    const pieces = inPieces(
      formatTar(files),
      cuts.map((cut) => cut + 100),
    );
    await extractArchive(kernel, `${HOME}/to`, pieces, options);
    for (const { path, data } of files) {
      const found = kernel.readFile(`${HOME}/to/${path}`);
      // Compared by hand: the test runner takes minutes for a million numbers.
      expect(found.length).toBe(data.length);
      expect(found.findIndex((byte, at) => byte !== data[at])).toBe(-1);
    }
  });

  test("archive-round-trip: a directory in a link's place gets what comes after it", async () => {
    const kernel = twoTrees();
    kernel.mkdir(`${HOME}/to/other`, 0o755);
    kernel.symlink("/other", `${HOME}/to/d`);
    const entries: TarEntry[] = [
      { ...PLAIN, path: "d/before" },
      { ...PLAIN, path: "d", type: "directory", mode: 0o755 },
      { ...PLAIN, path: "d/after" },
    ];
    await extractArchive(kernel, `${HOME}/to`, inPieces(formatTar(entries), [512]), options);
    expect(kernel.readdir(`${HOME}/to/other`)).toEqual(["before"]);
    expect(kernel.readdir(`${HOME}/to/d`)).toEqual(["after"]);
  });

  const change = fc.record({
    // -1: when it is about to be opened.
    afterChunk: fc.integer({ min: -1, max: 5 }),
    file: fc.nat(3),
    how: fc.constantFrom("truncate" as const, "append", "unlink", "symlink"),
  });
  test.prop([fc.array(large, { minLength: 4, maxLength: 4 }), fc.array(change, { maxLength: 4 })], {
    numRuns: runs(25),
    examples: [
      [[2 ** 21, 5, 5, 5], [{ afterChunk: 0, file: 0, how: "truncate" }]],
      [[2 ** 19, 600, 600, 5], [{ afterChunk: -1, file: 2, how: "symlink" }]],
    ],
  })(
    "archive-stays-whole: what nobody changed is in it, whatever becomes of the rest",
    (lengths, changes) => {
      const kernel = twoTrees();
      const contents = lengths.map((length, n) =>
        Uint8Array.from({ length }, (_, at) => at * 7 + (at >> 9) + n),
      );
      for (const [n, data] of contents.entries()) {
        kernel.writeFile(`${HOME}/from/f${n}`, data, "create");
      }
      const touched = new Set<string>();
      const chunks: Uint8Array[] = [];
      const tree = { path: `${HOME}/from`, name: "", hidden: new Set<string>() };
      const changeAt = (moment: number, only?: string): void => {
        for (const { afterChunk, file, how } of changes) {
          const path = `${HOME}/from/f${file}`;
          if (afterChunk !== moment || path !== (only ?? path)) continue;
          touched.add(`f${file}`);
          perturb(kernel, path, how);
        }
      };
      const openFile: Kernel["openFile"] = (path) => {
        changeAt(-1, path);
        return kernel.openFile(path);
      };
      for (const chunk of streamTree({ ...kernel, openFile }, tree)) {
        changeAt(chunks.length);
        chunks.push(chunk);
      }
      const entries = parseTar(concatBytes(chunks));
      for (const { path, data } of entries) {
        const content = contents[Number(path.slice(1))];
        const isSame = data.length === content?.length && data.every((x, at) => x === content[at]);
        if (!touched.has(path)) expect([path, isSame]).toEqual([path, true]);
        // What another program put a link to is not ours to read.
        expect(new TextDecoder().decode(data.subarray(0, 9))).not.toBe("as it was");
      }
      const untouched = contents.map((_, n) => `f${n}`).filter((path) => !touched.has(path));
      expect(entries.map(({ path }) => path)).toEqual(expect.arrayContaining(untouched));
    },
  );

  test("archive-stays-whole: a directory goes before the k-th look, for every k", () => {
    const paths = ["d/below/f", "d/f", "d/l", "kept/f"];
    let k = 0;
    for (let wasReached = true; wasReached;) {
      k += 1;
      const base = twoTrees();
      const from = `${HOME}/from`;
      for (const each of ["d", "d/below", "kept"]) base.mkdir(`${from}/${each}`, 0o755);
      for (const each of paths.filter((path) => path !== "d/l")) {
        base.writeFile(`${from}/${each}`, each, "create");
      }
      base.symlink("f", `${from}/d/l`);
      let looks = 0;
      const kernel: Kernel = new Proxy(base, {
        get: (target, name: keyof Kernel) => {
          looks += 1;
          if (looks === k) base.rename(`${from}/d`, `${HOME}/gone`);
          return target[name];
        },
      });
      const chunks = [...streamTree(kernel, { path: from, name: "", hidden: new Set() })];
      wasReached = looks >= k;
      const entries = parseTar(concatBytes(chunks));
      expect([k, entries.map(({ path }) => path)]).toEqual([
        k,
        expect.arrayContaining(["kept", "kept/f"]),
      ]);
      for (const { path, type, data } of entries) {
        if (type === "file") expect(new TextDecoder().decode(data)).toBe(path);
      }
    }
    expect(k, "the directory never went").toBeGreaterThan(15);
  });

  const hostile = (path: string, type: "directory" | "symlink", linkPath = "") => ({
    path,
    type,
    linkPath,
  });
  test.prop([fc.array(hostileEntry, { minLength: 1, maxLength: 8 })], {
    numRuns: runs(400),
    examples: [
      // Its time is set at the end, when what is above it is a link.
      [[hostile("a/b", "directory"), hostile("a", "symlink", "../outside")]],
      [[hostile("a/b", "directory"), hostile("a", "symlink", "a")]],
    ],
  })("archive-stays-inside, whatever it names", async (entries) => {
    const kernel = twoTrees();
    kernel.symlink("/t/outside", `${HOME}/to/l`);
    kernel.mkdir(`${HOME}/outside/b`, 0o755);
    const others = () =>
      ["outside", "from"].map((name) => snapshot(kernel, `${HOME}/${name}`, "exact"));
    const before = others();
    const data = new TextEncoder().encode("hostile");
    const archive = formatTar(
      entries.map((entry) => ({
        ...PLAIN,
        ...entry,
        data: entry.type === "file" ? data : PLAIN.data,
      })),
    );
    try {
      await extractArchive(kernel, `${HOME}/to`, inPieces(archive, [512]), options);
    } catch (error) {
      if (!(error instanceof RuntimeError || error instanceof KernelError)) throw error;
    }
    expect(others()).toEqual(before);
    expect(kernel.readdir(HOME)).toEqual(["from", "outside", "to"]);
  });

  test.prop([
    fc.array(fc.tuple(fc.string({ maxLength: 200 }), fc.uint8Array()), { maxLength: 5 }),
    sizes,
  ])(
    "tar-pieces-do-not-matter: read in pieces it is what it is as a whole",
    async (files, cuts) => {
      const archive = formatTar(
        files.map(([name, data], at) => ({
          ...PLAIN,
          path: `${at}${name.replaceAll(/[/\0\p{Surrogate}]/gu, "_")}`,
          data,
        })),
      );
      const found: unknown[] = [];
      for await (const { entry, pieces, sizeBytes } of readTar(inPieces(archive, cuts))) {
        const data: number[] = [];
        for await (const piece of pieces) data.push(...piece);
        expect(data.length).toBe(sizeBytes);
        found.push([entry.path, data]);
      }
      expect(found).toEqual(parseTar(archive).map(({ path, data }) => [path, [...data]]));
    },
  );
});
