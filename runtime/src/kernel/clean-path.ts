/**
 * Clean path: what a path says, by its text alone.
 *
 * Kernel interface: path_resolution(7), where nothing is a link.
 * Invariants: none.
 * Left out: links; `container/resolve-path.ts` follows them.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */

/**
 * An absolute path without empty parts, `.` and `..`.
 *
 * @example cleanPath("/a//b/../c/") // "/a/c"
 */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
