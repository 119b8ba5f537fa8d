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
 * What is known of a tree that nobody else changes: host paths of directories that are no links.
 */
export type KnownDirectories = Set<string>;

/**
 * The host path of a path inside a root, with every link followed. Parts that do not exist stay as
 * they are.
 *
 * @param root host path, itself without links
 * @param path as the container sees it
 * @param known directories need not be looked at again; what is found is added
 * @throws KernelError ELOOP after 40 links
 * @example resolveInRoot(kernel, "/r", "/a/../../etc") // "/r/etc"
 */
export function resolveInRoot(
  kernel: Pick<Files, "lstat" | "readlink">,
  root: string,
  path: string,
  known: KnownDirectories = new Set(),
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

/** Where a link leads; undefined when there is no link. */
function linkTarget(
  kernel: Pick<Files, "lstat" | "readlink">,
  hostPath: string,
  known: KnownDirectories,
): string | undefined {
  if (known.has(hostPath)) return undefined;
  try {
    const { type } = kernel.lstat(hostPath);
    if (type === "directory") known.add(hostPath);
    return type === "symlink" ? kernel.readlink(hostPath) : undefined;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
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
  kernel: Pick<Files, "stat" | "mkdir" | "writeFile">,
  hostPath: string,
  type: "file" | "directory",
  known: KnownDirectories = new Set(),
): void {
  const present = known.has(hostPath) ? "directory" : typeOf(kernel, hostPath);
  if (present === undefined) {
    const parent = hostPath.slice(0, hostPath.lastIndexOf("/"));
    if (parent !== "") makeMountPoint(kernel, parent, "directory", known);
    if (type === "directory") kernel.mkdir(hostPath, 0o755);
    else kernel.writeFile(hostPath, "", "exclusive", 0o644);
    if (type === "directory") known.add(hostPath);
    return;
  }
  const isDirectory = present === "directory";
  if (isDirectory === (type === "directory")) return;
  throw new KernelError("mount", isDirectory ? "EISDIR" : "ENOTDIR", hostPath);
}

function typeOf(kernel: Pick<Files, "stat">, path: string): string | undefined {
  try {
    return kernel.stat(path).type;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Whether the kernel refused with one of these. */
export function isErrno(error: unknown, ...errnos: readonly string[]): error is KernelError {
  return error instanceof KernelError && errnos.includes(error.errno);
}
