/**
 * Reading namespaces: which ones a process is in, and what two processes share.
 *
 * Each link under /proc/PID/ns reads like `net:[4026531840]`: a kind and the inode that is the
 * namespace's only name. Two processes share a namespace exactly if the inodes are equal, which is
 * what `drydock explain` and `diff-ns` show.
 *
 * Kernel interface: namespaces(7), /proc/PID/ns/.
 * Specification: none.
 * Invariants:
 *   namespace-lives-while-used   it exists while a process, a handle or a bind mount refers to it
 * Left out: the kinds `time`, `pid_for_children` and `time_for_children`; the owner (NS_GET_USERNS)
 * needs ioctl(2).
 * Docs: docs/concepts/namespaces.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { Files, HostPid } from "../kernel/index.ts";
import { NAMESPACE_KINDS } from "./modes.ts";
import type { NamespaceKind } from "./modes.ts";

/** The inode of each namespace that a process is in. */
export type NamespaceInodes = Readonly<Record<NamespaceKind, number>>;

/**
 * Parses one link target of /proc/PID/ns.
 *
 * @throws RuntimeError `request-invalid` when the text has another form
 * @example parseNamespaceLink("net:[4026531840]") // { name: "net", inode: 4026531840 }
 */
export function parseNamespaceLink(text: string): {
  readonly name: string;
  readonly inode: number;
} {
  const match = /^([a-z_]+):\[(\d+)\]$/.exec(text);
  if (match === null) {
    throw new RuntimeError({
      code: "request-invalid",
      class: "invalid",
      message: `Cannot read namespace link "${text}"`,
      operation: "read namespaces",
      subject: text,
      hint: "A link under /proc/PID/ns reads kind:[inode].",
    });
  }
  return { name: match[1] ?? "", inode: Number(match[2]) };
}

/**
 * Reads the namespaces of a process.
 *
 * @param process a pid, or `"self"` for the caller
 * @throws KernelError ENOENT when there is no such process, EACCES when it is not ours to look at
 */
export function readNamespaces(
  kernel: Pick<Files, "readlink">,
  process: HostPid | "self",
): NamespaceInodes {
  const inodeOf = (kind: NamespaceKind) =>
    parseNamespaceLink(kernel.readlink(`/proc/${process}/ns/${kind}`)).inode;
  return {
    user: inodeOf("user"),
    mnt: inodeOf("mnt"),
    uts: inodeOf("uts"),
    ipc: inodeOf("ipc"),
    net: inodeOf("net"),
    pid: inodeOf("pid"),
    cgroup: inodeOf("cgroup"),
  };
}

/**
 * The kinds in which two processes are apart; all others they share.
 *
 * @example
 * differingKinds(readNamespaces(kernel, "self"), readNamespaces(kernel, pid)) // ["mnt", "pid"]
 */
export function differingKinds(
  left: NamespaceInodes,
  right: NamespaceInodes,
): readonly NamespaceKind[] {
  return NAMESPACE_KINDS.filter((kind) => left[kind] !== right[kind]);
}
