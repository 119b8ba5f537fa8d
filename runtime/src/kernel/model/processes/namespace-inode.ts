/**
 * Namespace inodes: the numbers by which namespaces are told apart.
 *
 * Kernel interface: namespaces(7).
 * Invariants: none.
 * Left out: numbers are not used again.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { nextNumber, type World } from "../state.ts";

/** Namespaces are numbered from here, as on Linux. */
const FIRST_NAMESPACE_INODE = 4_026_531_834;

/** The next one. */
export function namespaceInode(world: World): number {
  return nextNumber(world, "namespace", FIRST_NAMESPACE_INODE);
}
