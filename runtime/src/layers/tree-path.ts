/**
 * Layers: names out of an archive, made harmless.
 *
 * An archive can name anything: `/etc/passwd`, `../../etc/passwd`, or `a` as a link to `/etc` and
 * then `a/passwd`. A name becomes a list of parts first; the parts before the last must be real
 * directories of the tree, never links.
 *
 * Kernel interface: path_resolution(7).
 * Specification: OCI image-spec v1.1, layer.md.
 * Invariants:
 *   no-archive-escapes   no archive, however hostile, makes, changes or links anything outside the
 *                        target
 * Left out: openat2(2) with RESOLVE_BENEATH, which would also hold against somebody who changes the
 *   tree meanwhile; the tree under a temporary name is ours alone.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { refuseTar } from "./tar.ts";

/**
 * The parts of a path inside a tree. The tree itself is the empty list.
 *
 * @throws RuntimeError `layer-invalid` when a part is `..` or holds a zero byte
 * @example partsInside("./usr//bin") // ["usr", "bin"]
 */
export function partsInside(path: string): readonly string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) refuseTar(path, `"${path}" leads out of the tree`);
  if (path.includes("\0")) refuseTar(path, "a name holds a zero byte");
  return parts;
}
