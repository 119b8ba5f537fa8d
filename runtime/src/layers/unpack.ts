/**
 * Layers: a layer's tar becomes a directory that overlayfs can stack.
 *
 * A layer says what changed: entries that were made or replaced, and what was deleted. Deletions
 * have no tar type, so they are written as names: `.wh.x` deletes x below, `.wh..wh..opq` hides
 * everything that a directory held below.
 * Overlayfs has its own marks for both: a character device 0/0, and the attribute
 * trusted.overlay.opaque.
 *
 * Whiteouts speak about the layers below only, so they are applied after all other entries: the
 * result does not depend on where among its siblings a whiteout stands.
 *
 * Kernel interface: mknod(2), setxattr(2), link(2), overlayfs ("whiteouts and opaque directories").
 * Specification: OCI image-spec v1.1, layer.md, "Applying Changesets", "Whiteouts".
 * Invariants:
 *   whiteout-order-free   whiteout and opaque entries give the same result wherever they stand
 *                         among their siblings
 *   last-entry-wins       an entry of another type under the same name leaves only the new one
 *   hard-links-kept       hard links inside a layer end as one inode
 *   layer-apply-diff      a tree with a layer's tar applied is the tree that the tar was taken from
 * Left out: a directory that a layer needs but does not list is made with mode 0755 and owner root,
 *   as Docker does.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import type { Files } from "../kernel/index.ts";
import { removeTree } from "./remove-tree.ts";
import { parseTar, refuseTar, type TarEntry } from "./tar.ts";
import { attributedAt, makeInode, setAttributes } from "./tar-inode.ts";
import { partsInside } from "./tree-path.ts";

const WHITEOUT_PREFIX = ".wh.";
const OPAQUE_NAME = ".wh..wh..opq";
/** The mark that hides what lower layers hold in a directory. */
export const OPAQUE_XATTR = "trusted.overlay.opaque";

/** What could not be kept. */
export interface UnpackReport {
  /** `path: attribute` of attributes that the file system does not take. */
  readonly droppedXattrs: readonly string[];
}

/**
 * Unpacks a layer into an empty directory.
 *
 * @param target absolute path of the directory; nothing outside is touched, whatever the archive
 *   says
 * @throws RuntimeError `layer-invalid` when the archive is damaged or wants to escape; the target
 *   is then half filled
 */
export function unpackLayer(kernel: Files, layerTar: Uint8Array, target: string): UnpackReport {
  const whiteouts: (readonly string[])[] = [];
  const directories = new Map<string, TarEntry>();
  const droppedXattrs: string[] = [];
  const tree: Tree = { kernel, target, droppedXattrs, directories: new Set() };
  for (const entry of parseTar(layerTar)) {
    const parts = partsInside(entry.path);
    if (parts.at(-1)?.startsWith(WHITEOUT_PREFIX) === true) {
      whiteouts.push(parts);
      continue;
    }
    if (entry.type === "directory") directories.set(parts.join("/"), entry);
    makeEntry(tree, parts, entry);
  }
  for (const parts of whiteouts) applyWhiteout(tree, parts);
  // A directory's time changes with every name made in it: set it when all are made, the deepest
  // first.
  for (const [path, entry] of [...directories].toReversed()) setTimeIfDirectory(tree, path, entry);
  return { droppedXattrs };
}

interface Tree {
  readonly kernel: Files;
  readonly target: string;
  readonly droppedXattrs: string[];
  /** Paths that were found to be real directories, so that each is looked at once. */
  readonly directories: Set<string>;
}

function pathOf(tree: Tree, parts: readonly string[]): string {
  return [tree.target, ...parts].join("/");
}

function makeEntry(tree: Tree, parts: readonly string[], entry: TarEntry): void {
  const path = pathOf(tree, parts);
  if (parts.length === 0) {
    if (entry.type !== "directory")
      refuseTar(entry.path, "the root of a layer must be a directory");
  } else {
    makeParents(tree, parts);
    makePlace(tree, path, entry);
  }
  if (entry.type === "link") return;
  for (const name of setAttributes(attributedAt(tree.kernel, path), entry)) {
    tree.droppedXattrs.push(`${path.slice(tree.target.length + 1)}: ${name}`);
  }
}

/** Makes the directories above an entry; each must be a real one. */
function makeParents(tree: Tree, parts: readonly string[]): void {
  for (let depth = 1; depth < parts.length; depth++) {
    const path = pathOf(tree, parts.slice(0, depth));
    if (tree.directories.has(path)) continue;
    const type = tree.kernel.lstatIfPresent(path)?.type;
    if (type === undefined) tree.kernel.mkdir(path, 0o755);
    else if (type !== "directory") {
      refuseTar(parts.join("/"), `"${path}" is above it and is a ${type}`);
    }
    tree.directories.add(path);
  }
}

/** Whether each directory above is a real one: nothing leads from there to somewhere else. */
function isInTree(tree: Tree, parts: readonly string[]): boolean {
  for (let depth = 1; depth < parts.length; depth++) {
    const path = pathOf(tree, parts.slice(0, depth));
    if (tree.directories.has(path)) continue;
    if (tree.kernel.lstatIfPresent(path)?.type !== "directory") return false;
    tree.directories.add(path);
  }
  return true;
}

/** Makes the name itself, after whatever an earlier entry left there is gone. */
function makePlace(tree: Tree, path: string, entry: TarEntry): void {
  const { kernel } = tree;
  if (entry.type === "directory" && kernel.lstatIfPresent(path)?.type === "directory") return;
  // The source of a hard link must be resolved before its own name is cleared.
  const source = entry.type === "link" ? linkSource(tree, entry) : "";
  if (source === path) return;
  removeTree(kernel, path);
  // What was a directory may be a link now, and everything below it somewhere else.
  if (tree.directories.has(path)) tree.directories.clear();
  if (entry.type === "file") kernel.writeFile(path, entry.data, "exclusive", 0o600);
  else makeInode(kernel, path, entry, source);
}

/**
 * Where a hard link's other name is: in the tree, not behind a symbolic link, and there already.
 */
function linkSource(tree: Tree, entry: TarEntry): string {
  const parts = partsInside(entry.linkPath);
  if (!isInTree(tree, parts)) refuseTar(entry.path, `"${entry.linkPath}" is not in the tree`);
  const source = pathOf(tree, parts);
  const type = tree.kernel.lstatIfPresent(source)?.type;
  if (parts.length === 0 || type === undefined || type === "directory") {
    refuseTar(
      entry.path,
      `it is a hard link to "${entry.linkPath}", which is no file of the layer`,
    );
  }
  return source;
}

/** A later entry may have put something else in its place, or above it a link to elsewhere. */
function setTimeIfDirectory(tree: Tree, path: string, entry: TarEntry): void {
  const parts = path === "" ? [] : path.split("/");
  const absolute = pathOf(tree, parts);
  if (!isInTree(tree, parts)) return;
  if (tree.kernel.lstatIfPresent(absolute)?.type !== "directory") return;
  tree.kernel.lutimes(absolute, entry.mtimeSeconds * 1000);
}

function applyWhiteout(tree: Tree, parts: readonly string[]): void {
  const { kernel } = tree;
  const name = parts.at(-1) ?? "";
  const above = parts.slice(0, -1);
  if (name === OPAQUE_NAME) {
    makeParents(tree, parts);
    kernel.setXattr(pathOf(tree, above), OPAQUE_XATTR, new TextEncoder().encode("y"));
    return;
  }
  // `.wh..wh.` begins the names that AUFS kept for itself.
  if (name.startsWith(WHITEOUT_PREFIX + WHITEOUT_PREFIX)) return;
  const deleted = name.slice(WHITEOUT_PREFIX.length);
  if (deleted === "" || deleted === "." || deleted === "..") {
    refuseTar(parts.join("/"), `"${name}" deletes no name`);
  }
  makeParents(tree, parts);
  const path = pathOf(tree, [...above, deleted]);
  const type = kernel.lstatIfPresent(path)?.type;
  if (type === undefined) {
    kernel.mknod(path, { type: "char", major: 0, minor: 0, permissions: 0 });
  } else if (type === "directory") {
    // Deleted below and made again in the same layer: only what this layer holds may be seen.
    kernel.setXattr(path, OPAQUE_XATTR, new TextEncoder().encode("y"));
  }
}
