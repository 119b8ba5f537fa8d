/**
 * File system types: what mount(2) can make by name.
 *
 * Kernel interface: filesystems(5), tmpfs(5).
 * Invariants: none.
 * Left out: file systems on block devices; the sizes that tmpfs is given are checked and shown, not
 *   enforced.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { MountCall } from "../../port.ts";
import { createMemoryFileSystem } from "../files/memory-file-system.ts";
import { idOutside, isCapable } from "../files/permission.ts";
import { refuse } from "../refusal.ts";
import { createOverlay } from "../overlay/overlay-file-system.ts";
import { createSysfs } from "../pseudo/sysfs.ts";
import { upwards } from "../cgroups/charge.ts";
import { createProc } from "../pseudo/proc.ts";
import type { Dentry, FileSystem, Process } from "../state.ts";
import { nextDevice } from "./device.ts";

/** What a mount shows: a file system, from its root or from a directory in it. */
export interface Shown {
  readonly fs: FileSystem;
  readonly root: Dentry;
}

/** Makes or finds a file system for one call of mount(2). */
type Maker = (process: Process, call: MountCall) => FileSystem | Shown;

const MAKERS: Readonly<Record<string, Maker>> = {
  tmpfs: (process, call) => tmpfs(process, call.data),
  overlay: (process, call) => createOverlay(process, call.data),
  proc: (process) => createProc(process),
  sysfs: (process) => createSysfs(process),
  cgroup: (process, call) => cgroup(process, 1, call.data),
  cgroup2: (process) => cgroup(process, 2, ""),
  devpts: (process, call) => devpts(process, call),
  mqueue: (process, call) => memory(process, call, 0o1777),
};

/** What to mount. @throws Refusal ENODEV, EINVAL, EPERM */
export function createFileSystem(process: Process, call: MountCall): Shown {
  const make = Object.hasOwn(MAKERS, call.fstype) ? MAKERS[call.fstype] : undefined;
  if (make === undefined) return refuse("ENODEV");
  const { credentials } = process;
  if (!isCapable(credentials, credentials.userNamespace, "CAP_SYS_ADMIN")) refuse("EPERM");
  const made = make(process, call);
  const shown = "fs" in made ? made : { fs: made, root: made.root };
  if (call.flags.includes("MS_RDONLY")) shown.fs.readOnly = true;
  return shown;
}

/** A hierarchy, from the directory that the process's cgroup namespace has for its root. */
function cgroup(process: Process, version: 1 | 2, data: string): Shown {
  const { world, namespaces } = process;
  const wanted = data
    .split(",")
    .filter((part) => part !== "")
    .toSorted()
    .join();
  const hierarchy = world.hierarchies.find(
    (each) =>
      each.version === version && (version === 2 || each.controllers.toSorted().join() === wanted),
  );
  const fs = hierarchy === undefined ? undefined : world.cgroupFileSystems.get(hierarchy);
  if (fs === undefined || hierarchy === undefined) return refuse("EINVAL");
  const top = namespaces.cgroup.roots.get(hierarchy.id) ?? hierarchy.root;
  const names = upwards(top).toReversed().slice(1);
  const root = names.reduce(
    (at, { name }) => fs.lookup(at, name, process) ?? refuse("ENOENT"),
    fs.root,
  );
  return { fs, root };
}

/** Terminals: an instance of its own for each mount, with the multiplexer in it. */
function devpts(process: Process, call: MountCall): FileSystem {
  const options = new Map(
    call.data.split(",").map((part) => part.split("=", 2) as [string, string | undefined]),
  );
  const octal = (key: string, otherwise: number): number =>
    /^[0-7]+$/.test(options.get(key) ?? "") ? parseInt(options.get(key) ?? "", 8) : otherwise;
  const fs = memory(process, call, 0o755);
  const { uid, gid } = process.credentials;
  const device = { major: 5, minor: 2 };
  const node = { type: "char", mode: octal("ptmxmode", 0), uid, gid, device } as const;
  fs.create(fs.root, "ptmx", node, process);
  fs.options = `mode=${octal("mode", 0o600).toString(8)},ptmxmode=${octal("ptmxmode", 0).toString(8).padStart(3, "0")}`;
  return fs;
}

function memory(process: Process, call: MountCall, mode: number): FileSystem {
  const { uid, gid, userNamespace } = process.credentials;
  return createMemoryFileSystem(process.world, {
    type: call.fstype,
    device: nextDevice(process.world),
    userNamespace,
    root: { mode, uid, gid },
  });
}

/** The options of tmpfs(5), in the order in which the kernel shows them. */
const TMPFS_OPTIONS: Readonly<Record<string, RegExp>> = {
  size: /^\d+[kmgt%]?$/i,
  nr_blocks: /^\d+[kmgt]?$/i,
  nr_inodes: /^\d+[kmgt]?$/i,
  mode: /^[0-7]+$/,
  uid: /^\d+$/,
  gid: /^\d+$/,
};

/** `key=value` of each known option. @throws Refusal EINVAL */
function parseTmpfs(data: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const part of data.split(",").filter((each) => each !== "")) {
    const [key = "", value = ""] = part.split("=", 2);
    const form = Object.hasOwn(TMPFS_OPTIONS, key) ? TMPFS_OPTIONS[key] : undefined;
    const isPlain = ["inode32", "inode64", "noswap"].includes(part);
    if (!isPlain && form?.test(value) !== true) refuse("EINVAL");
    if (!isPlain) options.set(key, value);
  }
  return options;
}

const MULTIPLIERS: Readonly<Record<string, number>> = { k: 1, m: 2 ** 10, g: 2 ** 20, t: 2 ** 30 };

/** A size as the kernel shows it, in whole pages. */
function kibibytes(value: string): string {
  const unit = MULTIPLIERS[value.slice(-1).toLowerCase()];
  const count = unit === undefined ? parseInt(value, 10) / 1024 : parseInt(value, 10) * unit;
  return `${Math.ceil(count / 4) * 4}k`;
}

function tmpfs(process: Process, data: string): FileSystem {
  const { credentials, world } = process;
  const { userNamespace } = credentials;
  const options = parseTmpfs(data);
  const idOf = (kind: "uid" | "gid"): number => {
    const value = options.get(kind);
    if (value === undefined) return credentials[kind];
    return idOutside(userNamespace, kind, Number(value)) ?? refuse("EINVAL");
  };
  const mode = parseInt(options.get("mode") ?? "1777", 8);
  if (mode > 0o7777) refuse("EINVAL");
  const fs = createMemoryFileSystem(world, {
    type: "tmpfs",
    device: nextDevice(world),
    userNamespace,
    root: { mode, uid: idOf("uid"), gid: idOf("gid") },
    options: shown(options),
  });
  fs.reconfigure = (changed) => {
    const merged = new Map([...options, ...parseTmpfs(changed)]);
    fs.options = shown(merged);
  };
  return fs;
}

function shown(options: ReadonlyMap<string, string>): string {
  const size = options.get("size");
  const inodes = options.get("nr_inodes");
  const mode = options.get("mode");
  return [
    ...(size === undefined ? [] : [`size=${size.endsWith("%") ? size : kibibytes(size)}`]),
    ...(inodes === undefined ? [] : [`nr_inodes=${inodes}`]),
    ...(mode === undefined || parseInt(mode, 8) === 0o1777 ? [] : [`mode=${mode}`]),
    ...["uid", "gid"].flatMap((key) => {
      const value = options.get(key);
      return value === undefined || value === "0" ? [] : [`${key}=${value}`];
    }),
  ].join(",");
}
