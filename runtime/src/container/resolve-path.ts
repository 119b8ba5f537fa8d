/**
 * Paths inside a root: where a path leads when `/` means the container's root.
 *
 * Before pivot_root the container's tree is a directory of the host, so a symbolic link in an image
 * (`/dev -> /etc`) would lead out of it into the host. Everything that init does there goes through
 * this file, which follows links as the container will: an absolute target begins at the root, and
 * `..` never goes above it.
 *
 * Kernel interface: path_resolution(7), symlink(7).
 * Invariants:
 *   paths-stay-inside   no mix of names, .. and links leads outside the root
 * Left out: openat2(2) with RESOLVE_IN_ROOT, which resolves and opens in one step: somebody who can
 *   change the tree meanwhile, through a volume that another container shares, can still swap a
 *   directory for a link.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { KernelError } from "../kernel/index.ts";
import type { Files } from "../kernel/index.ts";

const MAX_LINKS = 40;

/**
 * What is known of a tree that nobody else changes, by host path. `empty` is a directory in which
 * there is only what is known: one that was just made, or a new tmpfs.
 */
export type KnownTree = Map<string, "directory" | "empty" | "file" | "missing">;

/**
 * The host path of a path inside a root, with every link followed. Parts that do not exist stay as
 * they are.
 *
 * @param root host path, itself without links
 * @param path as the container sees it
 * @param known need not be looked at again; what is found is added
 * @throws KernelError ELOOP after 40 links
 * @example resolveInRoot(kernel, "/r", "/a/../../etc") // "/r/etc"
 */
export function resolveInRoot(
  kernel: Pick<Files, "lstatIfPresent" | "readlink">,
  root: string,
  path: string,
  known: KnownTree = new Map(),
): string {
  const done: string[] = [];
  const todo = partsOf(path).toReversed();
  let links = 0;
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    if (part === "..") {
      done.pop();
      continue;
    }
    const target = linkTarget(kernel, [root, ...done, part].join("/"), known);
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > MAX_LINKS) throw new KernelError("open", "ELOOP", path);
    if (target.startsWith("/")) done.length = 0;
    todo.push(...partsOf(target).toReversed());
  }
  return [root, ...done].join("/");
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Where a link leads; undefined when there is no link. */
function linkTarget(
  kernel: Pick<Files, "lstatIfPresent" | "readlink">,
  hostPath: string,
  known: KnownTree,
): string | undefined {
  if (known.has(hostPath)) return undefined;
  const type = known.get(parentOf(hostPath)) === "empty" ? "missing" : look(kernel, hostPath);
  if (type === "symlink") return kernel.readlink(hostPath);
  known.set(hostPath, type);
  return undefined;
}

function look(
  kernel: Pick<Files, "lstatIfPresent">,
  hostPath: string,
): "directory" | "file" | "missing" | "symlink" {
  const type = kernel.lstatIfPresent(hostPath)?.type;
  if (type === undefined) return "missing";
  return type === "directory" || type === "symlink" ? type : "file";
}

/**
 * Makes what a mount needs to stand on: an empty file or a directory, with the directories above
 * it.
 *
 * @param hostPath as `resolveInRoot` gave it; what exists already is left as it is
 * @param known as for `resolveInRoot`
 * @throws KernelError ENOTDIR when a part of the path is a file, or a directory is wanted where a
 *   file is; EISDIR the other way round
 */
export function makeMountPoint(
  kernel: Pick<Files, "lstatIfPresent" | "mkdir" | "writeFile">,
  hostPath: string,
  type: "file" | "directory",
  known: KnownTree = new Map(),
): void {
  const present = known.get(hostPath) ?? look(kernel, hostPath);
  if (present === "missing") {
    const parent = parentOf(hostPath);
    if (parent !== "") makeMountPoint(kernel, parent, "directory", known);
    if (type === "directory") kernel.mkdir(hostPath, 0o755);
    else kernel.writeFile(hostPath, "", "exclusive", 0o644);
    known.set(hostPath, type === "directory" ? "empty" : "file");
    return;
  }
  const isDirectory = present === "directory" || present === "empty";
  if (isDirectory === (type === "directory")) return;
  throw new KernelError("mount", isDirectory ? "EISDIR" : "ENOTDIR", hostPath);
}

/** Takes note of a mount: it covers what was below its target. */
export function noteMount(known: KnownTree, target: string, fstype: string): void {
  for (const path of known.keys()) if (path.startsWith(`${target}/`)) known.delete(path);
  if (fstype === "tmpfs") known.set(target, "empty");
  else if (known.get(target) === "empty") known.set(target, "directory");
}

/** Whether the kernel refused with one of these. */
export function isErrno(error: unknown, ...errnos: readonly string[]): error is KernelError {
  return error instanceof KernelError && errnos.includes(error.errno);
}
