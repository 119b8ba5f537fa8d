/**
 * Layers: what a container changed.
 *
 * The upper directory of an overlay holds exactly the changes, so `docker diff` is a walk through
 * it: a whiteout is a deletion, a name that no layer below has is an addition, everything else is a
 * change.
 *
 * Kernel interface: overlayfs ("whiteouts and opaque directories").
 * Specification: Docker Engine API v1.50, "ContainerChanges".
 * Invariants:
 *   changes-match-trees   the changes are the differences between the merged tree before and after
 * Left out: a file that was copied up and written back byte for byte counts as changed, as with
 *   Docker.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import type { FileStat, Files } from "../kernel/index.ts";
import { isOpaque, isWhiteout } from "./pack.ts";

/** Docker's letters: changed, added, deleted. */
export type ChangeKind = "C" | "A" | "D";

/** One changed path, absolute as the container sees it. */
export interface Change {
  readonly kind: ChangeKind;
  readonly containerPath: string;
}

/**
 * Reads the changes in an upper directory, sorted by path.
 *
 * @param lowers the layers' directories, the topmost first
 */
export function readChanges(
  kernel: Files,
  upper: string,
  lowers: readonly string[],
): readonly Change[] {
  const changes: Change[] = [];
  addChanges({ kernel, upper, changes }, "", lowers);
  return changes.toSorted((a, b) => (a.containerPath < b.containerPath ? -1 : 1));
}

interface ChangeWalk {
  readonly kernel: Files;
  readonly upper: string;
  readonly changes: Change[];
}

/**
 * @param lowers the directories of the layers below that still shine through at `path`, themselves
 */
function addChanges(walk: ChangeWalk, path: string, lowers: readonly string[]): void {
  const { kernel, upper, changes } = walk;
  const here = `${upper}${path}`;
  const hidesBelow = isOpaque(kernel, here);
  const names = kernel.readdir(here);
  for (const name of names) {
    const containerPath = `${path}/${name}`;
    const isThereBelow = lookupMerged(kernel, lowers, name) !== undefined;
    const stat = kernel.lstat(`${upper}${containerPath}`);
    if (isWhiteout(stat)) {
      if (isThereBelow) changes.push({ kind: "D", containerPath });
      continue;
    }
    changes.push({ kind: isThereBelow ? "C" : "A", containerPath });
    if (stat.type !== "directory") continue;
    addChanges(walk, containerPath, directoriesBelow(kernel, lowers, name));
  }
  if (!hidesBelow) return;
  const kept = new Set(names);
  for (const name of listMerged(kernel, lowers)) {
    if (!kept.has(name)) changes.push({ kind: "D", containerPath: `${path}/${name}` });
  }
}

/** What a name leads to in a stack of directories: the topmost one decides. */
function lookupMerged(
  kernel: Files,
  directories: readonly string[],
  name: string,
): FileStat | undefined {
  for (const directory of directories) {
    const stat = kernel.lstatIfPresent(`${directory}/${name}`);
    if (stat !== undefined) return isWhiteout(stat) ? undefined : stat;
    if (isOpaque(kernel, directory)) return undefined;
  }
  return undefined;
}

/** The names in a stack of directories. */
function listMerged(kernel: Files, directories: readonly string[]): readonly string[] {
  const names = new Set(directories.flatMap((directory) => kernel.readdir(directory)));
  return [...names].filter((name) => lookupMerged(kernel, directories, name) !== undefined);
}

/**
 * The directories of a name that are merged: down to the first that is none, is deleted or is
 * opaque.
 */
function directoriesBelow(
  kernel: Files,
  directories: readonly string[],
  name: string,
): readonly string[] {
  const below: string[] = [];
  for (const directory of directories) {
    const path = `${directory}/${name}`;
    const stat = kernel.lstatIfPresent(path);
    if (stat !== undefined && stat.type !== "directory") break;
    if (stat !== undefined) below.push(path);
    const isEnd = (stat !== undefined && isOpaque(kernel, path)) || isOpaque(kernel, directory);
    if (isEnd) break;
  }
  return below;
}
