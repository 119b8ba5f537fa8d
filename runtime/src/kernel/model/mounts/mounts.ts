/**
 * Mounts of the model: the port's calls, in the name of one process.
 *
 * Kernel interface: mount(2), umount2(2), pivot_root(2).
 * Invariants: none; `kernel/conformance.ts` says what every implementation must do.
 * Left out: see the files beside this one.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Mounts } from "../../port.ts";
import { call, refuse } from "../refusal.ts";
import type { Process } from "../state.ts";
import { mount, umount } from "./calls.ts";
import { pivotRoot } from "./pivot-root.ts";

/** As on Linux, where one page of options is read. */
const DATA_MAX_BYTES = 4095;

/** The mount calls of the port, made by a process. */
export function modelMounts(process: Process): Mounts {
  return {
    mount: (request) =>
      call("mount", request.target, () => {
        const { source, target, fstype, data } = request;
        if ([source, target, fstype, data].some((text) => text.includes("\0"))) refuse("EINVAL");
        if (new TextEncoder().encode(data).length > DATA_MAX_BYTES) refuse("EINVAL");
        mount(process, request);
      }),
    umount: (target, how) => call("umount2", target, () => umount(process, target, how)),
    pivotRoot: (newRoot, putOld) =>
      call("pivot_root", newRoot, () => pivotRoot(process, newRoot, putOld)),
  };
}
