/**
 * Conformance of files: names, contents and the errnos of path_resolution(7).
 *
 * Kernel interface: open(2), mkdir(2), rmdir(2), unlink(2), rename(2), link(2), symlink(2),
 * flock(2).
 * Invariants: none.
 * Left out: quotas and full disks.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { equal, errnoOf, type Case } from "./case.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What every implementation must do with contents. */
const contents: readonly Case[] = [
  {
    name: "writeFile() then readFile() gives the same bytes",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      const data = new Uint8Array([0, 1, 255, 10, 13, 0]);
      kernel.writeFile(`${scratch}/f`, data, "create");
      equal([...kernel.readFile(`${scratch}/f`)], [...data], "bytes");
      kernel.writeFile(`${scratch}/f`, "grüße", "create");
      equal(kernel.readText(`${scratch}/f`), "grüße", "text");
    },
  },
  {
    name: "writeFile() has four modes",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      const path = `${scratch}/f`;
      equal(
        errnoOf(() => kernel.writeFile(path, "x", "existing")),
        "ENOENT",
        "existing",
      );
      kernel.writeFile(path, "one", "exclusive");
      equal(
        errnoOf(() => kernel.writeFile(path, "x", "exclusive")),
        "EEXIST",
        "exclusive",
      );
      kernel.writeFile(path, "+two", "append");
      equal(kernel.readText(path), "one+two", "append");
      kernel.writeFile(path, "3", "existing");
      equal(kernel.readText(path), "3", "existing truncates");
      kernel.writeFile(path, "", "create");
      equal(kernel.readText(path), "", "create truncates");
    },
  },
  {
    name: "writeEach() empties a file that is there and writes one text after the other",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      const path = `${scratch}/f`;
      equal(
        errnoOf(() => kernel.writeEach(path, ["x"])),
        "ENOENT",
        "existing",
      );
      kernel.writeFile(path, "a longer text", "create");
      kernel.writeEach(path, ["one", "", "two"]);
      equal(kernel.readText(path), "onetwo", "texts");
      kernel.writeEach(path, []);
      equal(kernel.readText(path), "", "no texts");
    },
  },
  {
    name: "writeFile() applies permissions exactly, and only to a file that it makes",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "", "create", 0o666);
      equal(kernel.lstat(`${scratch}/f`).mode, 0o666, "made");
      kernel.writeFile(`${scratch}/f`, "", "create", 0o777);
      equal(kernel.lstat(`${scratch}/f`).mode, 0o666, "was there");
      kernel.writeFile(`${scratch}/g`, "", "exclusive");
      equal(kernel.lstat(`${scratch}/g`).mode, 0o644, "default");
    },
  },
  {
    name: "writeFile() and readFile() refuse what is not a file",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "", "create");
      const refused = [
        errnoOf(() => kernel.readFile(scratch)),
        errnoOf(() => kernel.writeFile(scratch, "x", "create")),
        errnoOf(() => kernel.readText(`${scratch}/none`)),
        errnoOf(() => kernel.readText(`${scratch}/f/below`)),
        errnoOf(() => kernel.readText(`${scratch}/a\0b`)),
        errnoOf(() => kernel.readText(`${scratch}/${"n".repeat(256)}`)),
      ];
      const expected = ["EISDIR", "EISDIR", "ENOENT", "ENOTDIR", "EINVAL", "ENAMETOOLONG"];
      equal(refused, expected, "errnos");
    },
  },
  {
    name: "readRange() reads part of a file, less at the end and nothing behind it",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "0123456789", "create");
      const part = (offset: number, length: number): number[] => [
        ...kernel.readRange(`${scratch}/f`, offset, length),
      ];
      equal(part(2, 3), [...bytes("234")], "inside");
      equal(part(8, 5), [...bytes("89")], "at the end");
      equal(part(10, 5), [], "behind");
    },
  },
  {
    name: "readdir() and readlink() give names that are no UTF-8 so that they lead there again",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      const odd = ["a\udcffb", "\udcc3\ufffd", "ä\udcc3"];
      for (const name of odd) {
        kernel.mkdir(`${scratch}/${name}`, 0o755);
        kernel.writeFile(`${scratch}/${name}/${name}`, "x", "create");
      }
      kernel.symlink("a\udcffb", `${scratch}/l`);
      equal(kernel.readdir(scratch), [...odd, "l"].toSorted(), "names");
      equal(kernel.readlink(`${scratch}/l`), "a\udcffb", "a link");
      equal(kernel.readdir(`${scratch}/l`), ["a\udcffb"], "through the link");
      for (const name of odd) {
        const path = `${scratch}/${name}/${name}`;
        equal(kernel.readText(path), "x", "bytes");
        kernel.setXattr(path, "user.odd", bytes("v"));
        equal(kernel.listXattr(path), ["user.odd"], "attributes");
        kernel.rename(path, `${path}2`);
        kernel.lchown(`${path}2`, 0, 0);
        kernel.unlink(`${path}2`);
        kernel.rmdir(`${scratch}/${name}`);
      }
      equal(kernel.readdir(scratch), ["l"], "what is left");
    },
  },
  {
    name: "truncate() cuts and fills with zeros",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "abc", "create");
      kernel.truncate(`${scratch}/f`, 2);
      equal(kernel.readText(`${scratch}/f`), "ab", "shorter");
      kernel.truncate(`${scratch}/f`, 4);
      equal(kernel.readText(`${scratch}/f`), "ab\0\0", "longer");
      equal(
        errnoOf(() => kernel.truncate(`${scratch}/none`, 1)),
        "ENOENT",
        "missing",
      );
    },
  },
  {
    name: "fsync() takes files and directories",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "abc", "create");
      kernel.fsync(`${scratch}/f`);
      kernel.fsync(scratch);
      equal(
        errnoOf(() => kernel.fsync(`${scratch}/none`)),
        "ENOENT",
        "missing",
      );
    },
  },
];

/** What every implementation must do with names. */
const names: readonly Case[] = [
  {
    name: "mkdir() and rmdir() say why not",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.mkdir(`${scratch}/d`, 0o755);
      kernel.writeFile(`${scratch}/d/f`, "", "create");
      const refused = [
        errnoOf(() => kernel.mkdir(`${scratch}/d`, 0o755)),
        errnoOf(() => kernel.mkdir(`${scratch}/none/e`, 0o755)),
        errnoOf(() => kernel.mkdir(`${scratch}/d/f/e`, 0o755)),
        errnoOf(() => kernel.rmdir(`${scratch}/d`)),
        errnoOf(() => kernel.rmdir(`${scratch}/d/f`)),
        errnoOf(() => kernel.rmdir(`${scratch}/none`)),
        errnoOf(() => kernel.rmdir(`${scratch}/d/.`)),
      ];
      const expected = ["EEXIST", "ENOENT", "ENOTDIR", "ENOTEMPTY", "ENOTDIR", "ENOENT", "EINVAL"];
      equal(refused, expected, "errnos");
      kernel.unlink(`${scratch}/d/f`);
      kernel.rmdir(`${scratch}/d`);
      equal(kernel.readdir(scratch), [], "nothing left");
    },
  },
  {
    name: "mkdir() applies permissions exactly",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      for (const mode of [0o777, 0o700, 0o1777, 0o2775]) {
        kernel.mkdir(`${scratch}/${mode}`, mode);
        equal(kernel.lstat(`${scratch}/${mode}`).mode, mode, "mode");
      }
    },
  },
  {
    name: "unlink() removes a name, not a directory",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.mkdir(`${scratch}/d`, 0o755);
      kernel.symlink("d", `${scratch}/l`);
      equal(
        errnoOf(() => kernel.unlink(`${scratch}/d`)),
        "EISDIR",
        "directory",
      );
      equal(
        errnoOf(() => kernel.unlink(`${scratch}/none`)),
        "ENOENT",
        "missing",
      );
      kernel.unlink(`${scratch}/l`);
      equal(kernel.readdir(scratch), ["d"], "the link is gone, its target is not");
    },
  },
  {
    name: "rename() replaces atomically, and says why not",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/a`, "a", "create");
      kernel.writeFile(`${scratch}/b`, "b", "create");
      kernel.rename(`${scratch}/a`, `${scratch}/b`);
      equal(kernel.readText(`${scratch}/b`), "a", "replaced");
      kernel.mkdir(`${scratch}/d`, 0o755);
      kernel.mkdir(`${scratch}/e`, 0o755);
      kernel.writeFile(`${scratch}/e/f`, "", "create");
      const refused = [
        errnoOf(() => kernel.rename(`${scratch}/none`, `${scratch}/x`)),
        errnoOf(() => kernel.rename(`${scratch}/b`, `${scratch}/d`)),
        errnoOf(() => kernel.rename(`${scratch}/d`, `${scratch}/b`)),
        errnoOf(() => kernel.rename(`${scratch}/d`, `${scratch}/e`)),
        errnoOf(() => kernel.rename(`${scratch}/d`, `${scratch}/d/below`)),
      ];
      equal(refused, ["ENOENT", "EISDIR", "ENOTDIR", "ENOTEMPTY", "EINVAL"], "errnos");
    },
  },
  {
    name: "link() gives one inode a second name",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/a`, "one", "create");
      kernel.link(`${scratch}/a`, `${scratch}/b`);
      kernel.writeFile(`${scratch}/b`, "two", "existing");
      equal(kernel.readText(`${scratch}/a`), "two", "same bytes");
      const [a, b] = [kernel.lstat(`${scratch}/a`), kernel.lstat(`${scratch}/b`)];
      equal([a.inode === b.inode, a.links, b.links], [true, 2, 2], "same inode");
      const refused = [
        errnoOf(() => kernel.link(`${scratch}/a`, `${scratch}/b`)),
        errnoOf(() => kernel.link(`${scratch}/none`, `${scratch}/c`)),
        errnoOf(() => kernel.link(scratch, `${scratch}/c`)),
      ];
      equal(refused, ["EEXIST", "ENOENT", "EPERM"], "errnos");
    },
  },
  {
    name: "symlink() stores any text, and links are followed but at the end of lstat()",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.mkdir(`${scratch}/d`, 0o755);
      kernel.writeFile(`${scratch}/d/f`, "deep", "create");
      kernel.symlink("d", `${scratch}/l`);
      kernel.symlink("nowhere/at all", `${scratch}/broken`);
      kernel.symlink("loop", `${scratch}/loop`);
      equal(kernel.readText(`${scratch}/l/f`), "deep", "through a link");
      equal(kernel.readlink(`${scratch}/broken`), "nowhere/at all", "text");
      const types = [kernel.lstat(`${scratch}/l`).type, kernel.stat(`${scratch}/l`).type];
      equal(types, ["symlink", "directory"], "lstat and stat");
      const refused = [
        errnoOf(() => kernel.stat(`${scratch}/broken`)),
        errnoOf(() => kernel.stat(`${scratch}/loop`)),
        errnoOf(() => kernel.symlink("x", `${scratch}/l`)),
        errnoOf(() => kernel.readlink(`${scratch}/d`)),
        errnoOf(() => kernel.readlink(`${scratch}/none`)),
      ];
      equal(refused, ["ENOENT", "ELOOP", "EEXIST", "EINVAL", "ENOENT"], "errnos");
    },
  },
  {
    name: "statIfPresent() and lstatIfPresent() throw for all reasons but that nothing is there",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "four", "create");
      kernel.symlink("nowhere", `${scratch}/broken`);
      kernel.symlink("loop", `${scratch}/loop`);
      const names = ["f", "broken", "none", "f/below", "none/below"];
      const sizes = names.map((name) => kernel.statIfPresent(`${scratch}/${name}`)?.sizeBytes);
      equal(sizes, [4, undefined, undefined, undefined, undefined], "stat");
      const types = names.map((name) => kernel.lstatIfPresent(`${scratch}/${name}`)?.type);
      equal(types, ["file", "symlink", undefined, undefined, undefined], "lstat");
      const refused = [
        errnoOf(() => kernel.statIfPresent(`${scratch}/loop`)),
        errnoOf(() => kernel.lstatIfPresent(`${scratch}/loop/below`)),
        errnoOf(() => kernel.lstatIfPresent(`${scratch}/${"n".repeat(256)}`)),
      ];
      equal(refused, ["ELOOP", "ELOOP", "ENAMETOOLONG"], "errnos");
    },
  },
  {
    name: "reach() resolves, whatever the path leads to",
    need: "nothing",
    run: async ({ kernel, scratch }) => {
      kernel.symlink("loop", `${scratch}/loop`);
      const paths = [scratch, `${scratch}/none`, `${scratch}/loop`, "a\0b"];
      equal(
        await Promise.all(paths.map((path) => kernel.reach(path))),
        paths.map(() => undefined),
        "all",
      );
    },
  },
  {
    name: "readdir() sorts by code unit and leaves out . and ..",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      for (const name of ["b", "B", "a10", "a9", ".hidden", "é"]) {
        kernel.writeFile(`${scratch}/${name}`, "", "create");
      }
      equal(kernel.readdir(scratch), [".hidden", "B", "a10", "a9", "b", "é"], "names");
      equal(
        errnoOf(() => kernel.readdir(`${scratch}/b`)),
        "ENOTDIR",
        "file",
      );
      equal(
        errnoOf(() => kernel.readdir(`${scratch}/none`)),
        "ENOENT",
        "missing",
      );
    },
  },
  {
    name: "lockFile() is exclusive until released",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      const lock = kernel.lockFile(`${scratch}/lock`);
      equal(
        errnoOf(() => kernel.lockFile(`${scratch}/lock`)),
        "EAGAIN",
        "held",
      );
      lock.release();
      lock.release();
      kernel.lockFile(`${scratch}/lock`).release();
    },
  },
];

/** Files: what every implementation must do. */
export const fileCases: readonly Case[] = [...contents, ...names];
