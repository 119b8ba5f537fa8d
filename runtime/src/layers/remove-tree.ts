/**
 * Layers: deleting a tree, and only that tree.
 *
 * The tree was written by somebody whom we do not trust: symbolic links may lead anywhere, so they
 * are removed and never followed. Something may be mounted inside: then it stays, and so do the
 * directories above it.
 *
 * Kernel interface: unlink(2), rmdir(2), getdents64(2).
 * Invariants:
 *   remove-stays-inside   removing a tree removes all of it and nothing outside, whatever links it
 *                         contains; again is fine
 * Left out: a mount of the same file system on itself (bind) is not seen by its device number;
 *   nobody else may be writing.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import type { Files } from "../kernel/index.ts";
import { KernelError } from "../kernel/index.ts";

/**
 * Removes a file, a link or a directory with everything in it. Idempotent.
 *
 * @throws RuntimeError `layer-invalid` when something is mounted inside; everything else is removed
 *   by then
 */
export function removeTree(kernel: Files, path: string): void {
  const device = kernel.lstatIfPresent(path)?.device;
  if (device === undefined) return;
  const mounted: string[] = [];
  removeEntry(kernel, path, { device, mounted });
  if (mounted.length === 0) return;
  throw new RuntimeError({
    code: "layer-invalid",
    class: "conflict",
    operation: "remove tree",
    subject: mounted[0],
    errno: "EBUSY",
    message: `Cannot remove "${path}": something is mounted on "${mounted[0]}"`,
    hint: "Unmount it and remove again.",
  });
}

interface Removal {
  readonly device: number;
  readonly mounted: string[];
}

function removeEntry(kernel: Files, path: string, removal: Removal): void {
  // Most entries are files: try that first, it is one call instead of two.
  const refusal = refusalOf(() => kernel.unlink(path));
  if (refusal === undefined || refusal.errno === "ENOENT") return;
  if (refusal.errno === "EBUSY") {
    removal.mounted.push(path);
    return;
  }
  if (refusal.errno !== "EISDIR" && refusal.errno !== "EPERM") throw refusal;
  removeDirectory(kernel, path, removal);
}

function removeDirectory(kernel: Files, path: string, removal: Removal): void {
  const stat = kernel.lstat(path);
  if (stat.type !== "directory") throw new KernelError("unlink", "EPERM", path);
  if (stat.device !== removal.device) {
    removal.mounted.push(path);
    return;
  }
  for (const name of kernel.readdir(path)) removeEntry(kernel, `${path}/${name}`, removal);
  const refusal = refusalOf(() => kernel.rmdir(path));
  if (refusal === undefined || refusal.errno === "ENOENT") return;
  if (refusal.errno === "EBUSY") removal.mounted.push(path);
  // Not empty is what a directory is that has a mount somewhere below.
  else if (refusal.errno !== "ENOTEMPTY" || removal.mounted.length === 0) throw refusal;
}

function refusalOf(call: () => void): KernelError | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
}
