/**
 * Surroundings: where a process stands, and what it is called.
 *
 * Kernel interface: chdir(2), umask(2), sethostname(2), setsid(2).
 * Invariants: none.
 * Left out: process groups.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Self } from "../../port.ts";
import { checkAccess, EXECUTE } from "../files/permission.ts";
import { resolve } from "../files/walk.ts";
import { call, refuseIf } from "../refusal.ts";
import type { Process } from "../state.ts";

/** The calls of a process about its surroundings. */
export function modelSurroundings(process: Process): Pick<Self, "chdir" | "umask"> {
  return {
    chdir: (path) =>
      call("chdir", path, () => {
        const place = resolve(process, path, "follow");
        refuseIf(place.dentry.inode.type !== "directory", "ENOTDIR");
        checkAccess(process, place.dentry, EXECUTE);
        process.cwd = place;
      }),
    umask: (mask) => {
      process.umask = mask & 0o777;
    },
  };
}
