/**
 * Properties of layers: names, tar, unpacking, the stores. Those that make device nodes and give
 * files away need root.
 */
import { fc, test } from "@fast-check/vitest";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { describe, expect } from "vitest";
import { RuntimeError } from "../runtime/src/errors/index.ts";
import { bytesOfName, injectFaults, nameOf, type Kernel } from "../runtime/src/kernel/index.ts";
import {
  EMPTY_ENTRY,
  addLayer,
  chainIds,
  createHasher,
  digestOf,
  discardLayers,
  type Digest,
  type Sha256,
  formatTar,
  getBlob,
  hasLayer,
  layerDiff,
  type LayerStore,
  listBlobs,
  openContentStore,
  openLayerStore,
  packTree,
  parseTar,
  putBlob,
  removeTree,
  sweepLayers,
  type TarEntry,
  unpackLayer,
} from "../runtime/src/layers/index.ts";
import { switchable } from "../runtime/src/engine/engine.fixture.ts";
import { building, describeStat, perform, snapshot } from "./file-operations.fixture.ts";
import { openRealKernel, ownDirectory, runInChild, skipReal } from "./real-kernel.fixture.ts";

const PLAIN: TarEntry = { ...EMPTY_ENTRY, path: "f", mode: 0o644 };

/** What becomes of layers that nobody has any more. */
function removeLayers(on: Kernel, store: LayerStore): void {
  discardLayers(on, store, new Set());
  sweepLayers(on, store);
}

const bytes = fc.uint8Array({ maxLength: 40 });

/** Names that headers of 1988 cannot hold: long, not ASCII, with spaces and control characters. */
const oddName = fc.oneof(
  fc.constantFrom("a", "b", "ä", "日本", "😀", " ", "a b", "-", "\u0001", "=", "a=b\n1 x=y"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
  fc.integer({ min: 95, max: 300 }).map((length) => "n".repeat(length)),
  fc.uint8Array({ minLength: 1, maxLength: 12 }).map(nameOf),
);
const oddPath = fc
  .array(oddName, { minLength: 1, maxLength: 3 })
  .map((parts) => parts.map((part) => part.replaceAll(/[/\0]/g, "_")).join("/"))
  .map((path) => nameOf(bytesOfName(path)));

const number = (max: number) =>
  fc.oneof(
    fc.constantFrom(0, 1, 0o7777777, 0o10000000).filter((n) => n <= max),
    fc.nat(max),
  );

/** Entries of every type, with everything that an entry of that type can have. */
const entry: fc.Arbitrary<TarEntry> = fc
  .record({
    path: oddPath,
    type: fc.constantFrom("file", "link", "symlink", "char", "block", "directory", "fifo"),
    mode: fc.nat(0o7777),
    uid: number(2 ** 32 - 1),
    gid: number(2 ** 32 - 1),
    mtimeSeconds: fc.oneof(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), fc.constant(8 ** 11)),
    linkPath: oddPath,
    major: fc.nat(4095),
    minor: fc.nat(2 ** 20 - 1),
    xattrs: fc
      .array(fc.tuple(fc.constantFrom("user.a", "user.ü", "security.capability"), bytes))
      .map((pairs) => new Map(pairs)),
    data: fc.oneof(
      bytes,
      fc.constantFrom(512, 513, 1024).map((size) => new Uint8Array(size)),
    ),
  })
  .map((whole) => ({
    ...whole,
    linkPath: ["link", "symlink"].includes(whole.type) ? whole.linkPath : "",
    major: ["char", "block"].includes(whole.type) ? whole.major : 0,
    minor: ["char", "block"].includes(whole.type) ? whole.minor : 0,
    data: whole.type === "file" ? whole.data : new Uint8Array(),
  }));

/** Entries as plain values, to compare: attributes in the order of their names. */
function plain(entries: readonly TarEntry[]) {
  return entries.map((each) => ({
    ...each,
    xattrs: [...each.xattrs].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    data: [...each.data],
  }));
}

describe("names", () => {
  /** Bytes that are nearly UTF-8: cut, over-long, half of a pair. */
  const nearlyText = fc
    .array(
      fc.oneof(
        fc.string({ unit: "binary", maxLength: 2 }).map((text) => new TextEncoder().encode(text)),
        fc.constantFrom(
          [0xc3],
          [0xed, 0xb2, 0x80],
          [0xf0, 0x9f, 0x98],
          [0xc0, 0xaf],
          [0xff],
          [0x80],
        ),
      ),
      { maxLength: 6 },
    )
    .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

  test.prop([nearlyText], { numRuns: 1000 })(
    "every-name-has-a-text: bytes become a text and the same bytes again",
    (name) => {
      const text = nameOf(name);
      expect([...bytesOfName(text)]).toEqual([...name]);
      // What looks harmless as a text is so on disk, and the reverse.
      expect(text.includes("/")).toBe(name.includes(0x2f));
      expect([...text].every((each) => each < "\u0080")).toBe(name.every((byte) => byte < 0x80));
    },
  );

  test.prop([fc.array(bytes, { maxLength: 6 })], { numRuns: 300 })("digest-is-sha256", (pieces) => {
    const hasher = createHasher();
    const other = createHash("sha256");
    for (const piece of pieces) {
      hasher.update(piece);
      other.update(piece);
    }
    const expected = `sha256:${other.digest("hex")}`;
    expect(hasher.digest()).toBe(expected);
    expect(digestOf(Uint8Array.from(pieces.flatMap((piece) => [...piece])))).toBe(expected);
  });

  const diffIds = fc.array(
    fc.constantFrom("x", "y", "z").map((text) => digestOf(text)),
    {
      minLength: 1,
      maxLength: 6,
    },
  );
  test.prop([diffIds, diffIds], { numRuns: 500 })("chain-of-prefix", (below, above) => {
    const chain = chainIds([...below, ...above]);
    expect(chain.slice(0, below.length)).toEqual(chainIds(below));
    expect(chain[0]).toBe(below[0]);
    // Other layers, or the same in another order, give another name.
    const other = chainIds([...above, ...below]);
    const isSame = [...below, ...above].join() === [...above, ...below].join();
    expect(other.at(-1) === chain.at(-1)).toBe(isSame);
  });

  test("chain-of-prefix is the formula of the specification", () => {
    const [a, b] = [digestOf("a"), digestOf("b")];
    expect(chainIds([a, b])).toEqual([a, digestOf(`${a} ${b}`)]);
    expect(chainIds([])).toEqual([]);
  });
});

describe("tar", () => {
  test.prop([fc.array(entry, { maxLength: 5 })], { numRuns: 1000 })("tar-round-trip", (entries) => {
    const archive = formatTar(entries);
    expect(archive.length % 512).toBe(0);
    expect(plain(parseTar(archive))).toEqual(plain(entries));
  });

  test("tar-round-trip, also where a record's length has one digit more because of its digits", () => {
    for (const length of [...Array(140).keys(), ...Array.from({ length: 60 }, (_, n) => 950 + n)]) {
      const xattrs = new Map([["user.k", new Uint8Array(length).fill(120)]]);
      const one: TarEntry = { ...PLAIN, xattrs };
      expect(parseTar(formatTar([one]))).toEqual([one]);
    }
  });

  test.prop([fc.array(entry, { maxLength: 4 })], { numRuns: 300 })(
    "tar-deterministic",
    (entries) => {
      // The same attributes, put in in another order.
      const shuffled = entries.map((each) => ({
        ...each,
        xattrs: new Map([...each.xattrs].toReversed()),
        data: each.data.slice(),
      }));
      expect(digestOf(formatTar(shuffled))).toBe(digestOf(formatTar(entries)));
    },
  );

  test.prop([fc.array(entry, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255)], {
    numRuns: 1000,
  })("tar-round-trip never crashes: damage is refused or harmless", (entries, where, value) => {
    const archive = formatTar(entries);
    archive[where % archive.length] = value;
    const cut = archive.subarray(0, (where * 7) % archive.length);
    for (const damaged of [archive, cut]) {
      try {
        parseTar(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(RuntimeError);
        expect(error).toMatchObject({ code: "layer-invalid", class: "invalid" });
      }
    }
  });
});

const skip = skipReal("layers on the real kernel");

describe.skipIf(skip)("on the real kernel", () => {
  const kernel: Kernel = openRealKernel();
  /** Runs a body with an empty directory. */
  function inDirectory(body: (directory: string) => void): void {
    using home = ownDirectory();
    const directory = `${home.path}/case`;
    mkdirSync(directory);
    body(directory);
  }

  function makeTree(path: string, operations: Parameters<typeof perform>[2][]): void {
    mkdirSync(path);
    for (const operation of operations) perform(kernel, path, operation);
  }

  /** Hard links as sets of names. */
  function linksIn(path: string): readonly string[] {
    const names = new Map<number, string[]>();
    const visit = (prefix: string) => {
      for (const name of readdirSync(`${path}/${prefix}`)) {
        const stat = kernel.lstat(`${path}/${prefix}${name}`);
        names.set(stat.inode, [...(names.get(stat.inode) ?? []), `${prefix}${name}`]);
        if (stat.type === "directory") visit(`${prefix}${name}/`);
      }
    };
    visit("");
    return [...names.values()].map((each) => each.toSorted().join(" ")).toSorted();
  }

  test.prop([building], { numRuns: 120 })("pack-unpack-round-trip", (operations) => {
    inDirectory((directory) => {
      const [from, to] = [`${directory}/from`, `${directory}/to`];
      makeTree(from, [...operations]);
      mkdirSync(to);
      expect(unpackLayer(kernel, packTree(kernel, from), to)).toEqual({ droppedXattrs: [] });
      expect(snapshot(kernel, to)).toEqual(snapshot(kernel, from));
      expect(linksIn(to)).toEqual(linksIn(from));
    });
  });

  /** Names that a file system takes and people do not expect. */
  const fileName = oddName
    .map((text) => text.replaceAll(/[/\0]/g, "_"))
    .map((text) => nameOf(bytesOfName(text)))
    .filter((text) => bytesOfName(text).length <= 255)
    .filter((text) => text !== "." && text !== ".." && !text.startsWith(".wh."));
  test.prop([fc.uniqueArray(fileName, { maxLength: 5 })], { numRuns: 60 })(
    "pack-is-tree-function, whatever the names and the order in which they were made",
    (names) => {
      inDirectory((directory) => {
        const orders = [names, names.toReversed()];
        const digests = orders.map((order, index) => {
          const tree = `${directory}/${index}`;
          mkdirSync(tree);
          for (const name of order) {
            kernel.writeFile(`${tree}/${name}`, name, "create");
            kernel.lutimes(`${tree}/${name}`, 1000);
          }
          kernel.lutimes(tree, 1000);
          return digestOf(packTree(kernel, tree));
        });
        expect(new Set(digests).size).toBe(1);
        const copy = `${directory}/copy`;
        mkdirSync(copy);
        unpackLayer(kernel, packTree(kernel, `${directory}/0`), copy);
        expect(readdirSync(copy).toSorted()).toEqual(readdirSync(`${directory}/0`).toSorted());
      });
    },
  );

  /** Entries of one directory with whiteouts among them, each name at most once. */
  const siblings = fc.uniqueArray(
    fc.constantFrom<TarEntry>(
      { ...PLAIN, path: "d/.wh.a" },
      { ...PLAIN, path: "d/.wh.b" },
      { ...PLAIN, path: "d/.wh..wh..opq" },
      { ...PLAIN, path: "d/.wh..wh.plnk" },
      { ...PLAIN, path: "d/a", type: "directory", mode: 0o755 },
      { ...PLAIN, path: "d/b", data: new Uint8Array(3) },
      { ...PLAIN, path: "d/c", type: "symlink", linkPath: "b" },
    ),
    { maxLength: 7, selector: ({ path }) => path },
  );
  test.prop([siblings, fc.infiniteStream(fc.nat(100))], { numRuns: 150 })(
    "whiteout-order-free",
    (entries, chance) => {
      const first: TarEntry = { ...PLAIN, path: "d", type: "directory", mode: 0o755 };
      const shuffled = entries
        .map((each) => [chance.next().value, each] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, each]) => each);
      inDirectory((directory) => {
        const [one, other] = [entries, shuffled].map((order, index) => {
          const target = `${directory}/${index}`;
          mkdirSync(target);
          unpackLayer(kernel, formatTar([first, ...order]), target);
          return snapshot(kernel, target);
        });
        // The root is not in the archive, so its time is that of the unpacking: snapshots say
        // "now".
        expect(one).toEqual(other);
      });
    },
  );

  const kind = fc.constantFrom<Pick<TarEntry, "type"> & Partial<TarEntry>>(
    { type: "file", data: new Uint8Array([1]) },
    { type: "directory", mode: 0o755 },
    { type: "symlink", linkPath: "elsewhere" },
    { type: "fifo" },
    { type: "char", major: 1, minor: 3 },
  );
  test.prop([fc.array(kind, { minLength: 1, maxLength: 5 }), fc.boolean()], { numRuns: 100 })(
    "last-entry-wins",
    (kinds, hasChild) => {
      const entries = kinds.flatMap((each, index): readonly TarEntry[] => {
        const whole = { ...PLAIN, ...each, path: "x" };
        const child = { ...PLAIN, path: `x/child${index}` };
        return hasChild && each.type === "directory" ? [whole, child] : [whole];
      });
      inDirectory((directory) => {
        unpackLayer(kernel, formatTar(entries), directory);
        const last = kinds.at(-1);
        expect(readdirSync(directory)).toEqual(["x"]);
        expect(kernel.lstat(`${directory}/x`).type).toBe(last?.type);
        if (last?.type !== "directory") return;
        // Directories in a row are one directory; anything in between empties it.
        const run = kinds.findLastIndex(({ type }) => type !== "directory") + 1;
        const expected = hasChild ? kinds.map((_, at) => `child${at}`).slice(run) : [];
        expect(readdirSync(`${directory}/x`).toSorted()).toEqual(expected.toSorted());
      });
    },
  );

  const groups = fc.array(fc.nat(2), { minLength: 2, maxLength: 8 });
  test.prop([groups], { numRuns: 80 })("hard-links-kept", (owners) => {
    // File number n belongs to inode owners[n]: the first of each is a file, the others are links.
    const entries = owners.map((owner, index): TarEntry => {
      const first = owners.indexOf(owner);
      const path = `f${index}`;
      if (first === index) return { ...PLAIN, path, data: new Uint8Array([owner]) };
      return { ...PLAIN, path, type: "link", linkPath: `f${first}` };
    });
    inDirectory((directory) => {
      unpackLayer(kernel, formatTar(entries), directory);
      const inodes = owners.map((_, index) => kernel.lstat(`${directory}/f${index}`).inode);
      for (const [index, owner] of owners.entries()) {
        expect(inodes[index] === inodes[0]).toBe(owner === owners[0]);
        expect([...readFileSync(`${directory}/f${index}`)]).toEqual([owner]);
      }
      const again = `${directory}-again`;
      mkdirSync(again);
      unpackLayer(kernel, packTree(kernel, directory), again);
      expect(linksIn(again)).toEqual(linksIn(directory));
    });
  });

  /** Everything that an attacker would try, with a few names so that tricks meet. */
  const hostilePath = fc.constantFrom(
    ..."x l l/x l/l l/l/x ../x ../out/x /x /../../x l/../../x .. . l/victim".split(" "),
    ...".wh.victim l/.wh.victim ../.wh.victim l/.wh..wh..opq .wh... .wh.".split(" "),
  );
  const linkPath = fc.constantFrom(..."../out ../out/victim / .. . l x l/victim OUT".split(" "));
  const hostile = fc.record({
    path: hostilePath,
    type: fc.constantFrom("file", "link", "symlink", "directory", "char", "fifo"),
    linkPath,
    mode: fc.constantFrom(0o777, 0o4755),
  });
  test.prop([fc.array(hostile, { minLength: 1, maxLength: 6 })], {
    numRuns: 800,
    examples: [
      // A link out of the tree, then a file written through it, deleted through it, linked through
      // it.
      [[trick("l", "symlink", "../out"), trick("l/victim", "file")]],
      [[trick("l", "symlink", "../out"), trick("l/.wh.victim", "file")]],
      [[trick("l", "symlink", "../out"), trick("x", "link", "l/victim"), trick("x", "file")]],
      [[trick("l", "symlink", "../out"), trick("x", "link", "l/victim")]],
      [[trick("l", "symlink", "OUT"), trick("l/x", "directory")]],
      // It was a directory when it was looked at.
      [[trick("l/x", "file"), trick("l", "symlink", "../out"), trick("l/victim", "file")]],
      [[trick("l/l/x", "file"), trick("l", "symlink", ".."), trick("l/out/x", "file")]],
      // Its time is set at the end, when what is above it is a link.
      [[trick("l/x", "directory"), trick("l", "symlink", "l")]],
      [[trick("l/x", "directory"), trick("l", "symlink", "../out")]],
      [[trick("l", "symlink", "../out/victim"), trick("l", "file")]],
      [[trick("x", "link", "../out/victim"), trick("x", "file")]],
    ],
  })("no-archive-escapes", (tricks) => {
    inDirectory((directory) => {
      const [target, out] = [`${directory}/target`, `${directory}/out`];
      mkdirSync(target);
      mkdirSync(`${out}/x`, { recursive: true });
      writeFileSync(`${out}/victim`, "innocent");
      for (const path of [out, `${out}/x`]) kernel.lutimes(path, 1000);
      const before = snapshot(kernel, out, "exact");
      const entries = tricks.map((each): TarEntry => ({
        ...PLAIN,
        ...each,
        linkPath: each.linkPath === "OUT" ? out : each.linkPath,
        data: each.type === "file" ? new Uint8Array([1, 2]) : new Uint8Array(),
      }));
      try {
        unpackLayer(kernel, formatTar(entries), target);
      } catch (error) {
        expect(error).toMatchObject({ code: "layer-invalid" });
      }
      expect(snapshot(kernel, out, "exact")).toEqual(before);
      expect(readdirSync(directory).toSorted()).toEqual(["out", "target"]);
    });
  });

  test.prop([building, fc.boolean()], { numRuns: 60 })(
    "remove-stays-inside",
    (operations, isLinked) => {
      inDirectory((directory) => {
        const [tree, out] = [`${directory}/tree`, `${directory}/out`];
        mkdirSync(out);
        writeFileSync(`${out}/victim`, "innocent");
        const before = snapshot(kernel, out, "exact");
        makeTree(tree, [...operations]);
        symlinkSync(out, `${tree}/to-out`);
        if (isLinked) symlinkSync(tree, `${directory}/link`);
        removeTree(kernel, isLinked ? `${directory}/link` : tree);
        // A link is a name: removing it leaves what it leads to.
        expect(existsSync(tree)).toBe(isLinked);
        expect(existsSync(`${directory}/link`)).toBe(false);
        removeTree(kernel, tree);
        removeTree(kernel, tree);
        expect(readdirSync(directory)).toEqual(["out"]);
        expect(snapshot(kernel, out, "exact")).toEqual(before);
      });
    },
  );

  test("remove-stays-inside: what is mounted in the tree is left, and told", async () => {
    using home = ownDirectory();
    const directory = home.path;
    mkdirSync(`${directory}/tree/mounted`, { recursive: true });
    const said = await runInChild(kernel, ({ kernel: own }) => {
      own.unshare(["CLONE_NEWNS"]);
      const everything = { source: "", target: "/", fstype: "", data: "" };
      own.mount({ ...everything, flags: ["MS_REC", "MS_PRIVATE"] });
      const target = `${directory}/tree/mounted`;
      own.mount({ source: "none", target, fstype: "tmpfs", flags: [], data: "" });
      own.writeFile(`${target}/victim`, "innocent", "create");
      try {
        removeTree(own, `${directory}/tree`);
      } catch (error) {
        return `${String(error)}; ${own.readdir(target).join()}`;
      }
      return "removed";
    });
    expect(said).toMatch(/something is mounted on .*; victim$/);
  });

  const machine: Sha256 = (content) => createHash("sha256").update(content).digest();
  test.prop([fc.array(bytes, { maxLength: 5 }), fc.nat(), fc.integer({ min: 1, max: 255 })], {
    numRuns: 60,
  })("blob-name-is-hash, whoever computes it", (contents, where, flip) => {
    inDirectory((directory) => {
      const store = openContentStore(kernel, `${directory}/store`, [undefined, machine][where % 2]);
      for (const content of [...contents, ...contents]) {
        expect(putBlob(kernel, store, content)).toBe(digestOf(content));
      }
      const names = readdirSync(`${directory}/store/blobs/sha256`);
      const distinct = new Set(contents.map((content) => digestOf(content)));
      expect(new Set(names.map((name): Digest => `sha256:${name}`))).toEqual(distinct);
      expect(new Set(listBlobs(kernel, store))).toEqual(distinct);
      for (const content of contents) {
        const digest = digestOf(content);
        expect([...getBlob(kernel, store, digest)]).toEqual([...content]);
        if (content.length === 0) continue;
        const path = `${directory}/store/blobs/sha256/${digest.slice(7)}`;
        const damaged = content.slice();
        const at = where % content.length;
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        writeFileSync(path, damaged);
        expect(() => getBlob(kernel, store, digest)).toThrow("is damaged");
        writeFileSync(path, content);
      }
    });
  });

  test("blob-name-is-hash, and nothing is left when any call fails", () => {
    inDirectory((directory) => {
      const store = openContentStore(kernel, `${directory}/store`);
      const content = new TextEncoder().encode("bytes");
      const folder = `${directory}/store/blobs/sha256`;
      for (let failAt = 1; failAt < 20; failAt++) {
        const faulty = injectFaults(kernel, { failAt, errno: "ENOSPC" });
        try {
          putBlob(faulty.kernel, store, content);
          expect(failAt).toBeGreaterThan(3);
          break;
        } catch {
          // Either nothing is there, or the whole blob is: the last call only makes it durable.
          for (const name of readdirSync(folder)) {
            expect(name).toBe(digestOf(content).slice(7));
            rmSync(`${folder}/${name}`);
          }
        }
      }
      expect(listBlobs(kernel, store)).toEqual([digestOf(content)]);
    });
  });

  test.prop([building], { numRuns: 12 })("layer-is-whole, whichever call fails", (operations) => {
    inDirectory((directory) => {
      makeTree(`${directory}/tree`, [...operations]);
      const layerTar = packTree(kernel, `${directory}/tree`);
      const chainId = digestOf(layerTar);
      const store = openLayerStore(kernel, directory);
      let failAt = 1;
      for (; ; failAt++) {
        // Failures in the clean-up itself are left to the sweep at the next start.
        const faulty = injectFaults(kernel, { failAt, errno: "ENOSPC" });
        try {
          addLayer(faulty.kernel, store, chainId, layerTar);
        } catch {
          if (!hasLayer(kernel, store, chainId)) {
            expect(readdirSync(`${directory}/layers`)).toEqual([]);
            continue;
          }
        }
        expect(snapshot(kernel, layerDiff(store, chainId))).toEqual(
          snapshot(kernel, `${directory}/tree`),
        );
        if (faulty.failedCall() === undefined) break;
        removeLayers(kernel, store);
      }
      expect(failAt).toBeGreaterThan(operations.length > 0 ? 4 : 1);
      mkdirSync(`${directory}/layers/half.tmp`);
      expect(sweepLayers(kernel, store)).toEqual(["half.tmp"]);
      removeLayers(kernel, store);
      removeLayers(kernel, store);
      expect(readdirSync(`${directory}/layers`)).toEqual([]);
      expect(readdirSync(`${directory}/l`)).toEqual([]);
    });
  });

  test.prop([building], { numRuns: 12 })(
    "layer-is-whole, whenever the process dies",
    (operations) => {
      inDirectory((directory) => {
        makeTree(`${directory}/tree`, [...operations]);
        const layerTar = packTree(kernel, `${directory}/tree`);
        const chainId = digestOf(layerTar);
        const store = openLayerStore(kernel, directory);
        const dying = switchable(kernel);
        for (let at = 1; at === 1 || dying.hasCrashed(); at++) {
          dying.crashAt(at);
          try {
            addLayer(dying.kernel, store, chainId, layerTar);
          } catch {
            // Nobody is left to say anything.
          }
          sweepLayers(kernel, store);
          const left = readdirSync(`${directory}/layers`);
          expect(left).toHaveLength(hasLayer(kernel, store, chainId) ? 1 : 0);
          if (left.length === 0) continue;
          expect(snapshot(kernel, layerDiff(store, chainId))).toEqual(
            snapshot(kernel, `${directory}/tree`),
          );
          removeLayers(kernel, store);
        }
      });
    },
  );

  test("pack-unpack-round-trip keeps what only root can make", () => {
    inDirectory((directory) => {
      const entries: TarEntry[] = [
        { ...PLAIN, path: ".", type: "directory", mode: 0o750, uid: 7, gid: 8, mtimeSeconds: 9 },
        { ...PLAIN, path: "block", type: "block", major: 8, minor: 300, mode: 0o660, uid: 1 },
        { ...PLAIN, path: "pipe", type: "fifo", mode: 0o620, gid: 5 },
        {
          ...PLAIN,
          path: "tool",
          mode: 0o4755,
          xattrs: new Map([["security.capability", capability()]]),
          data: new Uint8Array([0]),
        },
      ];
      unpackLayer(kernel, formatTar(entries), directory);
      expect(plain(parseTar(packTree(kernel, directory)))).toEqual(plain(entries));
      expect(describeStat(kernel.lstat(directory))).toBe("directory 750 7 8  9000 ");
    });
  });
});

function trick(path: string, type: "file" | "link" | "symlink" | "directory", linkPath = "") {
  return { path, type, linkPath, mode: 0o777 as const };
}

/** cap_net_raw=ep as the kernel stores it: bytes that are no UTF-8 text. */
function capability(): Uint8Array {
  const value = new Uint8Array(20);
  value.set([1, 0, 0, 2, 0, 0x20]);
  return value;
}
