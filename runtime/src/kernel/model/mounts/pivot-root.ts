/**
 * Pivot root: exchanging the root of a mount namespace.
 *
 * The new root takes the place of the old one, and the old one hangs below it, from where it can be
 * unmounted: nothing of the host is left in reach. Every process that stood in the old root stands
 * in the new one.
 *
 * Kernel interface: pivot_root(2).
 * Invariants: none; property-tests/model-mounts.test.ts compares errnos and tables.
 * Left out: nothing.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { across, isSamePlace, resolve } from "../files/walk.ts";
import { refuse, refuseIf } from "../refusal.ts";
import type { Place, Process } from "../state.ts";
import { isMountRoot, isOwn, mayMount } from "./calls.ts";
import { hang, isBelow, unhang } from "./table.ts";

/** pivot_root(2). */
export function pivotRoot(process: Process, newRoot: string, putOld: string): void {
  if (!mayMount(process)) refuse("EPERM");
  const fresh = resolveDirectory(process, newRoot);
  const put = across(resolveDirectory(process, putOld));
  const { root } = process;
  checkPivot(process, fresh, put);
  const { parent, mountpoint } = root.mount;
  if (parent === undefined || mountpoint === undefined) return refuse("EINVAL");
  unhang(fresh.mount);
  unhang(root.mount);
  fresh.mount.locked = root.mount.locked;
  root.mount.locked = false;
  hang(root.mount, put);
  hang(fresh.mount, { mount: parent, dentry: mountpoint });
  for (const each of process.world.processes.values()) {
    if (isSamePlace(each.cwd, root)) each.cwd = fresh;
    if (isSamePlace(each.root, root)) each.root = fresh;
  }
}

function resolveDirectory(process: Process, path: string): Place {
  const place = resolve(process, path, "follow");
  if (place.dentry.inode.type !== "directory") refuse("ENOTDIR");
  return place;
}

function checkPivot(process: Process, fresh: Place, put: Place): void {
  const { root } = process;
  refuseIf(put.dentry.gone || put.mount.namespace === undefined, "ENOENT");
  const mustBePrivate = [put.mount, fresh.mount.parent, root.mount.parent];
  refuseIf(
    mustBePrivate.some((mount) => mount?.peers !== undefined),
    "EINVAL",
  );
  const areOwn = [root, fresh].every(({ mount }) => isOwn(process, mount));
  refuseIf(!areOwn || fresh.mount.locked, "EINVAL");
  refuseIf(fresh.dentry.gone, "ENOENT");
  refuseIf(
    [fresh, put].some(({ mount }) => mount === root.mount),
    "EBUSY",
  );
  const areMounted = [root, fresh].every(
    (place) => isMountRoot(place) && place.mount.parent !== undefined,
  );
  refuseIf(!areMounted, "EINVAL");
  refuseIf(!isReachable(put, fresh) || !isReachable(fresh, root), "EINVAL");
}

/** Whether a place is at or below another, across mounts. */
function isReachable(place: Place, top: Place): boolean {
  let { mount, dentry } = place;
  while (mount !== top.mount) {
    if (mount.parent === undefined || mount.mountpoint === undefined) return false;
    dentry = mount.mountpoint;
    mount = mount.parent;
  }
  return isBelow(dentry, top.dentry);
}
