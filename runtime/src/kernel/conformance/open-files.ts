/**
 * Conformance of open files: what is held stays the same one, whatever becomes of its name.
 *
 * Kernel interface: open(2), openat2(2), pread(2), write(2), fchown(2), fchmod(2), futimens(3),
 * fsetxattr(2).
 * Invariants: none.
 * Left out: full disks.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { equal, errnoOf, type Case } from "./case.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Open files: what every implementation must do. */
export const openFileCases: readonly Case[] = [
  {
    name: "openFile() gives what was opened, whatever becomes of its name",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      const path = `${scratch}/f`;
      kernel.writeFile(path, "0123456789", "create");
      using file = kernel.openFile(path);
      kernel.unlink(path);
      kernel.writeFile(path, "another", "create");
      const part = (offset: number, length: number): number[] => {
        const into = new Uint8Array(length);
        return [...into.subarray(0, file.read(into, offset))];
      };
      equal(part(2, 3), [...bytes("234")], "inside");
      equal(part(8, 5), [...bytes("89")], "at the end");
      equal(part(10, 5), [], "behind");
      equal(file.listXattr(), [], "attributes");
      equal(
        errnoOf(() => file.getXattr("user.none")),
        "ENODATA",
        "no attribute",
      );
    },
  },
  {
    name: "openFile() follows no last link and refuses to read a directory",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.symlink("f", `${scratch}/link`);
      const refused = [
        errnoOf(() => kernel.openFile(`${scratch}/link`)),
        errnoOf(() => kernel.openFile(`${scratch}/none`)),
        errnoOf(() => kernel.openFile(`${scratch}/a\0b`)),
      ];
      equal(refused, ["ELOOP", "ENOENT", "EINVAL"], "errnos");
      using directory = kernel.openFile(scratch);
      equal(
        errnoOf(() => directory.read(new Uint8Array(1), 0)),
        "EISDIR",
        "directory",
      );
    },
  },
  {
    name: "createFile() fills the file that it made, whatever becomes of its name",
    need: "nothing",
    run: async ({ kernel, scratch }) => {
      const path = `${scratch}/f`;
      {
        using file = kernel.createFile(path);
        equal(kernel.lstat(path).mode, 0o600, "closed to others");
        kernel.rename(path, `${path}2`);
        kernel.writeFile(path, "another", "create");
        file.write(bytes("one"));
        await file.writeAside(bytes(" two"));
        file.write(bytes(" three"));
        const { hostUid, hostGid } = kernel.lstat(path);
        file.chown(hostUid, hostGid);
        file.setXattr("user.a", bytes("x"));
        file.chmod(0o4751);
        file.utimes(5000);
      }
      const { mode, mtimeMs } = kernel.lstat(`${path}2`);
      equal([mode, mtimeMs], [0o4751, 5000], "mode and time");
      equal(kernel.readText(`${path}2`), "one two three", "bytes");
      equal([...kernel.getXattr(`${path}2`, "user.a")], [...bytes("x")], "attribute");
      equal(kernel.readText(path), "another", "the other one");
    },
  },
  {
    name: "createFile() wants a name that is not there, no link either",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.symlink("none", `${scratch}/link`);
      const refused = [
        errnoOf(() => kernel.createFile(`${scratch}/link`)),
        errnoOf(() => kernel.createFile(`${scratch}/none/f`)),
        errnoOf(() => kernel.createFile(`${scratch}/link/f`)),
        errnoOf(() => kernel.createFile(scratch)),
        errnoOf(() => kernel.createFile(`${scratch}/a\0b`)),
      ];
      equal(refused, ["EEXIST", "ENOENT", "ENOENT", "EEXIST", "EINVAL"], "errnos");
    },
  },
  {
    name: "holdDirectory() finds a directory as a process with that root would, and stays with it",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      for (const name of ["root", "root/a", "root/a/b", "b"])
        kernel.mkdir(`${scratch}/${name}`, 0o755);
      kernel.symlink("/a/b", `${scratch}/root/absolute`);
      kernel.symlink("../../b", `${scratch}/root/a/up`);
      kernel.writeFile(`${scratch}/root/f`, "", "create");
      const root = `${scratch}/root`;
      const errnos = ["/f", "/none", "/f/x"].map((path) =>
        errnoOf(() => kernel.holdDirectory(root, path)),
      );
      equal(errnos, ["ENOTDIR", "ENOENT", "ENOTDIR"], "errnos");
      // "b" beside the root is not what a link to "../../b" means inside.
      equal(
        errnoOf(() => kernel.holdDirectory(root, "/a/up")),
        "ENOENT",
        "above the root",
      );
      using held = kernel.holdDirectory(root, "../absolute");
      kernel.rename(`${root}/a/b`, `${root}/moved`);
      kernel.symlink(`${scratch}/b`, `${root}/a/b`);
      kernel.writeFile(`${held.path}/inside`, "it", "create");
      equal(kernel.readText(`${root}/moved/inside`), "it", "where it went");
      equal(kernel.readdir(`${scratch}/b`), [], "the other one");
    },
  },
];
