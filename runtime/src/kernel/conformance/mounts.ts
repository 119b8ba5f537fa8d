/**
 * Conformance of mounts: always in a child's own mount namespace, so that the machine sees nothing
 * of them.
 *
 * Kernel interface: mount(2), umount2(2), pivot_root(2), mount_namespaces(7), overlayfs.
 * Invariants: none.
 * Left out: quotas, idmapped mounts.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Kernel, MountCall, Self } from "../port.ts";
import { equal, errnoOf, FIRST, inChild, PLAIN, unshareMounts, type Case } from "./case.ts";

const tmpfs = (target: string): MountCall => ({
  source: "tmpfs",
  target,
  fstype: "tmpfs",
  flags: [],
  data: "",
});
const bind = (source: string, target: string): MountCall => ({
  source,
  target,
  fstype: "",
  flags: ["MS_BIND"],
  data: "",
});

/** lower, upper, work and merged directories, and the mount of the last. */
function overlay(kernel: Kernel, scratch: string): MountCall {
  for (const name of ["lower", "upper", "work", "merged"]) {
    kernel.mkdir(`${scratch}/${name}`, 0o755);
  }
  const data = `lowerdir=${scratch}/lower,upperdir=${scratch}/upper,workdir=${scratch}/work`;
  return { source: "overlay", target: `${scratch}/merged`, fstype: "overlay", flags: [], data };
}

function readOnly(kernel: Kernel & Self, target: string): void {
  const flags = ["MS_BIND", "MS_REMOUNT", "MS_RDONLY"] as const;
  kernel.mount({ source: "none", target, fstype: "", flags, data: "" });
}

/** Mounts: what every implementation must do. */
export const mountCases: readonly Case[] = [
  {
    name: "mount() covers a directory in the own mount namespace only, umount() uncovers it",
    need: "root",
    run: async ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/below`, "", "create");
      const seen = await inChild(kernel, PLAIN, (own) => {
        unshareMounts(own);
        own.mount(tmpfs(scratch));
        own.writeFile(`${scratch}/above`, "", "create");
        const covered = own.readdir(scratch);
        own.umount(scratch, "now");
        return [covered, own.readdir(scratch)];
      });
      equal(seen, [["above"], ["below"]], "inside");
      equal(kernel.readdir(scratch), ["below"], "outside");
    },
  },
  {
    name: "mount() binds files and directories, and read-only is a second call",
    need: "root",
    run: async ({ kernel, scratch }) => {
      kernel.mkdir(`${scratch}/a`, 0o755);
      kernel.mkdir(`${scratch}/b`, 0o755);
      kernel.writeFile(`${scratch}/file`, "one", "create");
      kernel.writeFile(`${scratch}/other`, "", "create");
      const seen = await inChild(kernel, PLAIN, (own) => {
        unshareMounts(own);
        own.mount(bind(`${scratch}/a`, `${scratch}/b`));
        own.mount(bind(`${scratch}/file`, `${scratch}/other`));
        own.writeFile(`${scratch}/b/new`, "", "create");
        readOnly(own, `${scratch}/b`);
        return [
          own.readdir(`${scratch}/a`),
          own.readText(`${scratch}/other`),
          errnoOf(() => own.writeFile(`${scratch}/b/more`, "", "create")),
          errnoOf(() => own.writeFile(`${scratch}/a/more`, "", "create")),
        ];
      });
      equal(seen, [["new"], "one", "EROFS", "OK"], "inside");
    },
  },
  {
    name: "mount() and umount() say why not",
    need: "root",
    run: async ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/file`, "", "create");
      const errnos = await inChild(kernel, PLAIN, (own) => {
        unshareMounts(own);
        return [
          errnoOf(() => own.mount(tmpfs(`${scratch}/none`))),
          errnoOf(() => own.mount(tmpfs(`${scratch}/file`))),
          errnoOf(() => own.mount({ ...tmpfs(scratch), fstype: "nosuchfs" })),
          errnoOf(() => own.mount({ ...tmpfs(scratch), data: "size=many" })),
          errnoOf(() => own.mount({ ...tmpfs(scratch), data: "x".repeat(4096) })),
          errnoOf(() => own.mount(bind(`${scratch}/file`, scratch))),
          errnoOf(() => own.umount(scratch, "now")),
          errnoOf(() => own.umount(`${scratch}/none`, "now")),
        ];
      });
      const expected = ["ENOENT", "ENOTDIR", "ENODEV", "EINVAL", "EINVAL", "ENOTDIR"];
      equal(errnos, [...expected, "EINVAL", "ENOENT"], "errnos");
    },
  },
  {
    name: "umount() of a busy mount is EBUSY, and detach takes it away all the same",
    need: "root",
    run: async ({ kernel, scratch }) => {
      const errnos = await inChild(kernel, PLAIN, (own) => {
        unshareMounts(own);
        own.mount(tmpfs(scratch));
        own.mkdir(`${scratch}/d`, 0o755);
        own.chdir(`${scratch}/d`);
        const now = errnoOf(() => own.umount(scratch, "now"));
        own.umount(scratch, "detach");
        own.chdir("/");
        return [now, own.readdir(scratch)];
      });
      equal(errnos, ["EBUSY", []], "errnos");
    },
  },
  {
    name: "an overlay shows the lower tree and keeps it unchanged",
    need: "root",
    run: async ({ kernel, scratch }) => {
      const call = overlay(kernel, scratch);
      kernel.writeFile(`${scratch}/lower/keep`, "lower", "create");
      kernel.writeFile(`${scratch}/lower/gone`, "lower", "create");
      const seen = await inChild(kernel, PLAIN, (own) => {
        unshareMounts(own);
        own.mount(call);
        own.writeFile(`${scratch}/merged/keep`, "upper", "existing");
        own.unlink(`${scratch}/merged/gone`);
        own.mkdir(`${scratch}/merged/new`, 0o755);
        return own.readdir(`${scratch}/merged`);
      });
      equal(seen, ["keep", "new"], "merged");
      equal(kernel.readText(`${scratch}/lower/keep`), "lower", "lower");
      equal(kernel.readdir(`${scratch}/lower`), ["gone", "keep"], "lower names");
      const whiteout = kernel.lstat(`${scratch}/upper/gone`);
      const told = [whiteout.type, whiteout.rdevMajor, whiteout.rdevMinor];
      equal(told, ["char", 0, 0], "a whiteout is a device node 0/0");
    },
  },
  {
    name: "pivotRoot() exchanges the root, and the old one can be left",
    need: "root",
    run: async ({ kernel, scratch }) => {
      const root = `${scratch}/root`;
      kernel.mkdir(root, 0o755);
      const seen = await inChild(kernel, PLAIN, (own) => {
        unshareMounts(own);
        const sameMount = errnoOf(() => own.pivotRoot("/", "/"));
        own.mount(tmpfs(root));
        own.mkdir(`${root}/old`, 0o700);
        own.writeFile(`${root}/inside`, "", "create");
        own.chdir(root);
        own.pivotRoot(".", "old");
        own.chdir("/");
        own.umount("/old", "detach");
        own.rmdir("/old");
        return [sameMount, own.readdir("/"), errnoOf(() => own.stat(scratch))];
      });
      equal(seen, ["EBUSY", ["inside"], "ENOENT"], "inside");
      equal(kernel.readdir(root), [], "outside");
    },
  },
  {
    name: "a proc mount shows the PID namespace of the one that mounts it",
    need: "root",
    run: async ({ kernel, scratch }) => {
      const names = await inChild(kernel, FIRST, (own) => {
        unshareMounts(own);
        own.mount({ source: "proc", target: scratch, fstype: "proc", flags: [], data: "" });
        return own.readdir(scratch).filter((name) => /^\d+$/.test(name));
      });
      equal(names, ["1"], "pids");
    },
  },
];
