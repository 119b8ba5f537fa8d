/**
 * Mounts: mount(2), umount2(2) and pivot_root(2), with the kernel's flags by name.
 *
 * Kernel interface: mount(2), umount2(2), pivot_root(2), mount_namespaces(7).
 * Invariants: none.
 * Left out: the descriptor based calls (fsopen(2), move_mount(2), mount_setattr(2)).
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { KernelError, type MountCall, type MountFlag, type Mounts } from "../port.ts";
import { check, cPath, type Libc } from "./libc.ts";

/** The flags as `linux/mount.h` numbers them. */
export const MOUNT_FLAGS: Readonly<Record<MountFlag, number>> = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_REMOUNT: 32,
  MS_NOATIME: 1024,
  MS_BIND: 4096,
  MS_MOVE: 8192,
  MS_REC: 16384,
  MS_UNBINDABLE: 1 << 17,
  MS_PRIVATE: 1 << 18,
  MS_SLAVE: 1 << 19,
  MS_SHARED: 1 << 20,
  MS_RELATIME: 1 << 21,
  MS_STRICTATIME: 1 << 24,
};

const MNT_DETACH = 2;

/**
 * The kernel reads one page of options and cuts the rest off without a word; so longer ones are
 * refused here.
 */
const DATA_MAX_BYTES = 4095;

/** The mount calls of the port on Linux. */
export function linuxMounts(libc: Libc): Mounts {
  return {
    mount: (call) => {
      check(libc.mount(...mountArguments(call)), "mount", call.target);
    },
    umount: (target, how) => {
      const flags = how === "detach" ? MNT_DETACH : 0;
      check(libc.umount2(cPath("umount2", target), flags), "umount2", target);
    },
    pivotRoot: (newRoot, putOld) => {
      const path = cPath("pivot_root", newRoot);
      check(libc.rawPaths("pivot_root", path, cPath("pivot_root", putOld)), "pivot_root", newRoot);
    },
  };
}

/** What mount(2) of the C library takes. @throws KernelError EINVAL for what it would cut off */
export function mountArguments(call: MountCall): Parameters<Libc["mount"]> {
  if (new TextEncoder().encode(call.data).length > DATA_MAX_BYTES) {
    throw new KernelError("mount", "EINVAL", call.target);
  }
  for (const text of [call.source, call.target, call.fstype, call.data]) cPath("mount", text);
  const flags = call.flags.reduce((sum, flag) => sum | MOUNT_FLAGS[flag], 0);
  const fstype = call.fstype === "" ? null : call.fstype;
  return [call.source, call.target, fstype, flags, call.data === "" ? null : call.data];
}
