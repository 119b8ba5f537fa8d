/**
 * Namespace files: /proc/PID/ns/net and its like.
 *
 * Each is a link whose text names the namespace by kind and number, and which leads to a file that
 * stands for it: binding that file somewhere keeps the namespace, opening it lets one enter.
 *
 * Kernel interface: namespaces(7), setns(2).
 * Invariants: none.
 * Left out: ioctl_nsfs(2).
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { nextDevice } from "../mounts/device.ts";
import { createMount, DEFAULT_OPTIONS } from "../mounts/table.ts";
import { refuse } from "../refusal.ts";
import type { GeneratedInode, Namespace, Place, Process, World } from "../state.ts";
import { createGenerated, createGeneratedFileSystem } from "./generated-file-system.ts";

/** The files of /proc/PID/ns and what they stand for. */
export const NAMESPACE_FILES: Readonly<Record<string, (process: Process) => Namespace>> = {
  cgroup: ({ namespaces }) => namespaces.cgroup,
  ipc: ({ namespaces }) => namespaces.ipc,
  mnt: ({ namespaces }) => namespaces.mnt,
  net: ({ namespaces }) => namespaces.net,
  pid: ({ namespaces }) => namespaces.pid,
  pid_for_children: ({ pidNamespaceForChildren }) => pidNamespaceForChildren,
  time: ({ namespaces }) => namespaces.time,
  time_for_children: ({ namespaces }) => namespaces.time,
  user: ({ credentials }) => credentials.userNamespace,
  uts: ({ namespaces }) => namespaces.uts,
};

/** The link for one namespace of a process. @param check refuses who may not look */
export function namespaceFile(
  process: Process,
  file: string,
  check: (by: Process) => void,
): GeneratedInode {
  const { world } = process;
  const namespaceOf = (): Namespace => {
    if (process.status !== undefined) return refuse("ENOENT");
    return NAMESPACE_FILES[file]?.(process) ?? refuse("ENOENT");
  };
  return createGenerated(
    world,
    { type: "symlink", mode: 0o777 },
    {
      target: (by) => {
        check(by);
        const { kind, inode } = namespaceOf();
        return `${kind}:[${inode}]`;
      },
      jump: (by) => {
        check(by);
        return placeOfNamespace(world, namespaceOf());
      },
    },
  );
}

/** The file that stands for a namespace, in a file system that is mounted nowhere. */
function placeOfNamespace(world: World, namespace: Namespace): Place {
  let place = world.namespaceFiles.get(namespace);
  if (place === undefined) {
    const root = createGenerated(world, { type: "file", mode: 0o444 }, { namespace });
    const fs = createGeneratedFileSystem({
      type: "nsfs",
      device: nextDevice(world),
      userNamespace: namespace.kind === "user" ? namespace : namespace.owner,
      root,
      changeable: false,
    });
    const options = DEFAULT_OPTIONS;
    const mount = createMount(world, { fs, root: fs.root, source: "nsfs", options });
    place = { mount, dentry: fs.root };
    world.namespaceFiles.set(namespace, place);
  }
  return place;
}
