/**
 * Container view: a container's files as its own paths name them.
 *
 * For looking, when something has gone wrong: every link is followed as the container would follow
 * it, so a path never leads out of the tree, and what cannot be looked at is simply not there.
 *
 * Kernel interface: path_resolution(7).
 * Specification: none.
 * Invariants: see `container/resolve-path.ts`.
 * Left out: names that change while somebody looks.
 * Docs: docs/concepts/errors.md
 *
 * @module
 */

import { resolveInRoot } from "../container/index.ts";
import type { Files, FileStat } from "../kernel/index.ts";
import { lookOr } from "./look.ts";

/** Looking at a tree. Paths are the container's, absolute. */
export interface ContainerView {
  /** What a path leads to; null: nothing. */
  stat(path: string): FileStat | null;
  /** The link that a path itself is; null: it is none. */
  link(path: string): string | null;
  /** Names in a directory; empty where there is none. */
  list(path: string): readonly string[];
  /** The first bytes of a file; empty where there is none. */
  head(path: string, bytes: number): Uint8Array;
}

/** @param root host path of the tree, itself without links that matter */
export function createContainerView(kernel: Files, root: string): ContainerView {
  const at = (path: string): string => resolveInRoot(kernel, root, path);
  return {
    stat: (path) => lookOr(() => kernel.lstat(at(path)), null),
    link: (path) => {
      const [, above = "/", name = ""] = /^(.*\/)([^/]+)\/*$/u.exec(path) ?? [];
      return lookOr(() => kernel.readlink(`${at(above)}/${name}`), null);
    },
    list: (path) => lookOr(() => kernel.readdir(at(path)), []),
    head: (path, bytes) => lookOr(() => kernel.readRange(at(path), 0, bytes), NO_BYTES),
  };
}

const NO_BYTES = new Uint8Array(0);
