/**
 * Mount info: a mount table as text, as /proc/PID/mountinfo shows it.
 *
 * Only what the process can reach from its root is shown, and paths begin there.
 *
 * Kernel interface: proc_pid_mountinfo(5).
 * Invariants: none; property-tests/model-mounts.test.ts compares it line by line.
 * Left out: the file systems' own options, but for those of tmpfs, overlay and cgroup.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Dentry, Mount, MountOptions, Place, Process } from "../state.ts";

/** The text of /proc/PID/mountinfo. */
export function mountInfo(process: Process): string {
  return visibleMounts(process)
    .map(([mount, path]) => lineOf(process, mount, path))
    .join("");
}

/** The text of /proc/PID/mounts. */
export function mountsText(process: Process): string {
  const lines = visibleMounts(process).map(([mount, path]) => {
    const own = mount.fs.options === "" ? "" : `,${mount.fs.options}`;
    const options = flagsOf(mount.options, mount.options.readOnly || mount.fs.readOnly);
    return `${escape(mount.source)} ${escape(path)} ${mount.fs.type} ${options}${own} 0 0\n`;
  });
  return lines.join("");
}

/** The mounts that a process can reach, with their paths, oldest first. */
export function visibleMounts(process: Process): readonly (readonly [Mount, string])[] {
  const found: (readonly [Mount, string])[] = [];
  for (const mount of process.world.mounts) {
    if (mount.namespace !== process.namespaces.mnt) continue;
    const path = pathFrom(process.root, { mount, dentry: mount.root });
    if (path !== undefined) found.push([mount, path]);
  }
  return found.toSorted(([a], [b]) => a.id - b.id);
}

/** The path of a place below another, or undefined when it is not below it. */
export function pathFrom(top: Place, place: Place): string | undefined {
  const names: string[] = [];
  let { mount, dentry } = place;
  while (mount !== top.mount || dentry !== top.dentry) {
    if (dentry !== mount.root && dentry.parent !== undefined) {
      names.unshift(dentry.name);
      dentry = dentry.parent;
    } else if (mount.parent !== undefined && mount.mountpoint !== undefined) {
      dentry = mount.mountpoint;
      mount = mount.parent;
    } else return undefined;
  }
  return `/${names.join("/")}`;
}

/** The path of a dentry from the root of its file system. */
export function pathInFileSystem(dentry: Dentry): string {
  const names: string[] = [];
  for (let at = dentry; at.parent !== undefined; at = at.parent) names.unshift(at.name);
  return `/${names.join("/")}${dentry.gone ? "//deleted" : ""}`;
}

function lineOf(process: Process, mount: Mount, path: string): string {
  const { fs } = mount;
  const own = `${fs.readOnly ? "ro" : "rw"}${fs.options === "" ? "" : `,${fs.options}`}`;
  const fields = [
    mount.id,
    mount.parent?.id ?? mount.id,
    fs.device.join(":"),
    escape(pathInFileSystem(mount.root)),
    escape(path),
    flagsOf(mount.options, mount.options.readOnly),
    ...propagationOf(process, mount),
    "-",
    fs.type,
    escape(mount.source === "" ? "none" : mount.source),
    own,
  ];
  return `${fields.join(" ")}\n`;
}

function flagsOf(options: MountOptions, isReadOnly: boolean): string {
  const flags = [
    isReadOnly ? "ro" : "rw",
    options.noSuid && "nosuid",
    options.noDev && "nodev",
    options.noExec && "noexec",
    options.atime !== "strictatime" && options.atime,
  ];
  return flags.filter((flag) => flag !== false).join(",");
}

function propagationOf(process: Process, mount: Mount): readonly string[] {
  const { peers, master } = mount;
  const dominating = dominatingId(process, mount);
  return [
    ...(peers === undefined ? [] : [`shared:${peers.id}`]),
    ...(master === undefined ? [] : [`master:${master.id}`]),
    ...(dominating === undefined || dominating === master?.id
      ? []
      : [`propagate_from:${dominating}`]),
    ...(mount.unbindable ? ["unbindable"] : []),
  ];
}

/** The nearest group above a slave of which the process can see a member. */
function dominatingId(process: Process, mount: Mount): number | undefined {
  for (let { master } = mount; master !== undefined;) {
    for (const member of master.members) {
      const place = { mount: member, dentry: member.root };
      const isHere = member.namespace === mount.namespace;
      if (isHere && pathFrom(process.root, place) !== undefined) return master.id;
    }
    const [any] = master.members;
    master = any?.master;
  }
  return undefined;
}

/** Blanks and the like as octal numbers, so that fields can be told apart. */
function escape(text: string): string {
  return text.replace(
    /[ \t\n\\#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
}
