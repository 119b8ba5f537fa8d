/**
 * Conformance of attributes: owners, permissions, times, device nodes, extended attributes.
 *
 * Kernel interface: stat(2), chmod(2), lchown(2), utimensat(2), mknod(2), xattr(7).
 * Invariants: none.
 * Left out: access control lists.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { equal, errnoOf, type Case } from "./case.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Attributes: what every implementation must do. */
export const attributeCases: readonly Case[] = [
  {
    name: "lstat() tells type, size and links",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "12345", "create", 0o640);
      kernel.mkdir(`${scratch}/d`, 0o755);
      kernel.symlink("12", `${scratch}/l`);
      const { type, mode, sizeBytes, links } = kernel.lstat(`${scratch}/f`);
      equal([type, mode, sizeBytes, links], ["file", 0o640, 5, 1], "file");
      equal(kernel.lstat(`${scratch}/d`).type, "directory", "directory");
      const link = kernel.lstat(`${scratch}/l`);
      equal([link.type, link.sizeBytes], ["symlink", 2], "link");
      equal(
        errnoOf(() => kernel.lstat(`${scratch}/none`)),
        "ENOENT",
        "missing",
      );
    },
  },
  {
    name: "chmod() sets all twelve bits and follows links",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "", "create");
      kernel.symlink("f", `${scratch}/l`);
      kernel.chmod(`${scratch}/l`, 0o4751);
      equal(kernel.lstat(`${scratch}/f`).mode, 0o4751, "mode");
      equal(
        errnoOf(() => kernel.chmod(`${scratch}/none`, 0o644)),
        "ENOENT",
        "missing",
      );
    },
  },
  {
    name: "lchown() sets the owner of the name itself and clears set-id bits of files",
    need: "root",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "", "create");
      kernel.chmod(`${scratch}/f`, 0o4755);
      kernel.symlink("f", `${scratch}/l`);
      kernel.lchown(`${scratch}/l`, 3, 4);
      kernel.lchown(`${scratch}/f`, 1000, 1001);
      const [f, l] = [kernel.lstat(`${scratch}/f`), kernel.lstat(`${scratch}/l`)];
      equal([f.hostUid, f.hostGid, f.mode], [1000, 1001, 0o755], "file");
      equal([l.hostUid, l.hostGid], [3, 4], "link");
    },
  },
  {
    name: "lutimes() sets the modification time of the name itself",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "", "create");
      kernel.symlink("f", `${scratch}/l`);
      kernel.lutimes(`${scratch}/f`, 86_400_500);
      kernel.lutimes(`${scratch}/l`, 0);
      equal(Math.round(kernel.lstat(`${scratch}/f`).mtimeMs), 86_400_500, "file");
      equal(kernel.lstat(`${scratch}/l`).mtimeMs, 0, "link");
    },
  },
  {
    name: "mknod() makes devices and fifos with their numbers and permissions",
    need: "root",
    run: ({ kernel, scratch }) => {
      kernel.mknod(`${scratch}/null`, { type: "char", major: 1, minor: 3, permissions: 0o666 });
      kernel.mknod(`${scratch}/big`, {
        type: "block",
        major: 259,
        minor: 70000,
        permissions: 0o60,
      });
      kernel.mknod(`${scratch}/pipe`, { type: "fifo", major: 0, minor: 0, permissions: 0o600 });
      const told = ["null", "big", "pipe"].map((name) => {
        const { type, mode, rdevMajor, rdevMinor } = kernel.lstat(`${scratch}/${name}`);
        return [type, mode, rdevMajor, rdevMinor];
      });
      const expected = [
        ["char", 0o666, 1, 3],
        ["block", 0o60, 259, 70000],
        ["fifo", 0o600, 0, 0],
      ];
      equal(told, expected, "nodes");
      const again = { type: "fifo", major: 0, minor: 0, permissions: 0o600 } as const;
      equal(
        errnoOf(() => kernel.mknod(`${scratch}/pipe`, again)),
        "EEXIST",
        "taken",
      );
    },
  },
  {
    name: "setXattr() keeps bytes by name, on the name itself",
    need: "root",
    run: ({ kernel, scratch }) => {
      const path = `${scratch}/f`;
      kernel.writeFile(path, "", "create");
      equal(kernel.listXattr(path), [], "none yet");
      kernel.setXattr(path, "trusted.b", new Uint8Array([0, 255, 1]));
      kernel.setXattr(path, "trusted.a", bytes("one"));
      kernel.setXattr(path, "trusted.a", bytes("two"));
      equal(kernel.listXattr(path), ["trusted.a", "trusted.b"], "names");
      equal([...kernel.getXattr(path, "trusted.b")], [0, 255, 1], "bytes");
      equal([...kernel.getXattr(path, "trusted.a")], [...bytes("two")], "replaced");
      using file = kernel.openFile(path);
      equal(file.listXattr(), ["trusted.a", "trusted.b"], "names of an open file");
      equal([...file.getXattr("trusted.b")], [0, 255, 1], "bytes of an open file");
      kernel.setXattr(path, "trusted.a", new Uint8Array(0));
      equal([...kernel.getXattr(path, "trusted.a")], [], "empty");
      kernel.removeXattr(path, "trusted.a");
      equal(kernel.listXattr(path), ["trusted.b"], "removed");
    },
  },
  {
    name: "getXattr() and removeXattr() say why not",
    need: "nothing",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "", "create");
      const refused = [
        errnoOf(() => kernel.getXattr(`${scratch}/f`, "user.none")),
        errnoOf(() => kernel.removeXattr(`${scratch}/f`, "user.none")),
        errnoOf(() => kernel.getXattr(`${scratch}/none`, "user.a")),
        errnoOf(() => kernel.listXattr(`${scratch}/none`)),
        errnoOf(() => kernel.setXattr(`${scratch}/f`, "nospace", bytes("x"))),
      ];
      equal(refused, ["ENODATA", "ENODATA", "ENOENT", "ENOENT", "EOPNOTSUPP"], "errnos");
    },
  },
];
