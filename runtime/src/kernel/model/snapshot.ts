/**
 * Snapshot: the whole state as plain data, for drawing and for comparing.
 *
 * A snapshot holds no object of the model, so it can be kept, sent and printed as JSON. What did
 * not change since the last one is the same object in both: to see what changed, compare with `===`
 * and go down only where it differs. A file system that did not change is not even looked at.
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: contents of files and extended attributes, which are read through the port; going back
 *   to a snapshot.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { memoryBelow } from "./cgroups/charge.ts";
import { networkSnapshot } from "./net/network.ts";
import { pathFrom, pathInFileSystem } from "./mounts/mount-info.ts";
import type {
  Cgroup,
  CgroupHierarchy,
  Dentry,
  FileSystem,
  FileType,
  Inode,
  Mount,
  Namespace,
  Process,
  World,
} from "./state.ts";

/** A name in a file system, with what is below. */
export interface FileSnapshot {
  readonly type: FileType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** In an overlay: `upper`, or which lower layer from the top, beginning with 0. */
  readonly layer?: "upper" | number;
  readonly target?: string;
  readonly children?: Readonly<Record<string, FileSnapshot>>;
}

/** A line of a mount table. */
export interface MountSnapshot {
  readonly id: number;
  readonly parent: number | undefined;
  readonly fileSystem: string;
  readonly type: string;
  readonly source: string;
  /** As a process at the root of the namespace sees it. */
  readonly path: string | undefined;
  readonly readOnly: boolean;
  readonly shared: number | undefined;
  readonly master: number | undefined;
  /** Of an overlay: its layers as `files` shows them, the topmost first. */
  readonly layers?: readonly LayerSnapshot[];
}

/** A directory that an overlay is made of. */
export interface LayerSnapshot {
  readonly kind: "upper" | "lower";
  readonly fileSystem: string;
  /** From the root of that file system. */
  readonly path: string;
}

/** A process. */
export interface ProcessSnapshot {
  readonly hostPid: number;
  readonly parent: number | undefined;
  readonly comm: string;
  readonly uid: number;
  readonly gid: number;
  readonly effective: readonly string[];
  /** Kind to inode number. */
  readonly namespaces: Readonly<Record<string, number>>;
  /** Its numbers, by the inode of the PID namespace. */
  readonly pids: Readonly<Record<string, number>>;
  readonly cwd: string | undefined;
  readonly memoryBytes: number;
}

/** A cgroup. */
export interface CgroupSnapshot {
  readonly hostPids: readonly number[];
  readonly memoryBytes: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly children: Readonly<Record<string, CgroupSnapshot>>;
}

/** A hierarchy of cgroups. */
export interface HierarchySnapshot {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly root: CgroupSnapshot;
}

/** Everything. */
export interface Snapshot {
  readonly processes: Readonly<Record<string, ProcessSnapshot>>;
  /** By inode number. */
  readonly namespaces: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Mount tables by the inode number of their namespace. */
  readonly mounts: Readonly<Record<string, readonly MountSnapshot[]>>;
  /** Trees by device number; of those that hold something. */
  readonly files: Readonly<Record<string, FileSnapshot>>;
  /** By the number of the hierarchy. */
  readonly cgroups: Readonly<Record<string, HierarchySnapshot>>;
}

/** Takes snapshots of one world, each sharing with the one before. */
export function createCamera(world: World, viewer: Process): () => Snapshot {
  let last: Snapshot | undefined;
  const seen = new Map<string, { readonly changes: number; readonly tree: FileSnapshot }>();
  const look: Look = { viewer, aged: new WeakMap() };
  const treeOf = (fs: FileSystem): FileSnapshot => {
    const key = fs.device.join(":");
    const known = seen.get(key);
    if (known?.changes === fs.changes) return known.tree;
    const tree = fileSnapshot(fs.root, look, known?.tree);
    seen.set(key, { changes: fs.changes, tree });
    return tree;
  };
  return () => {
    const mounts = [...world.mounts].filter(({ namespace }) => namespace !== undefined);
    const held = new Set(mounts.map(({ fs }) => fs).filter((fs) => fs.changes > 0));
    const next: Snapshot = {
      processes: byKey([...world.processes.values()], ({ hostPid }) => hostPid, processSnapshot),
      namespaces: byKey(namespacesOf(world), ({ inode }) => inode, namespaceSnapshot),
      mounts: mountTables(mounts),
      files: byKey([...held], ({ device }) => device.join(":"), treeOf),
      cgroups: byKey(world.hierarchies, ({ id }) => id, hierarchySnapshot),
    };
    last = share(last, next);
    return last;
  };
}

function byKey<T, U>(
  items: readonly T[],
  keyOf: (item: T) => number | string,
  valueOf: (item: T) => U,
): Readonly<Record<string, U>> {
  return Object.fromEntries(items.map((item) => [String(keyOf(item)), valueOf(item)]));
}

/**
 * The new value, made of parts of the old one wherever they are equal.
 *
 * @param before plain data, or undefined @param after plain data of the same type
 */
export function share<T>(before: T | undefined, after: T): T {
  if (before === after) return after;
  if (!isPlain(before) || !isPlain(after)) return after;
  const keys = Object.keys(after);
  const shared: Record<string, unknown> | unknown[] = Array.isArray(after) ? [] : {};
  let isSame = keys.length === Object.keys(before).length;
  for (const key of keys) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    const value = share(old, after[key]);
    Object.assign(shared, { [key]: value });
    if (value !== old || !Object.hasOwn(before, key)) isSame = false;
  }
  // Both are built of the same keys and values as what they stand for.
  return (isSame ? before : shared) as T;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function processSnapshot(process: Process): ProcessSnapshot {
  const { hostPid, parent, comm, credentials, namespaces, pids, root, cwd, memoryBytes } = process;
  const { uid, gid, effective, userNamespace } = credentials;
  const kinds = [...Object.values(namespaces), userNamespace] as readonly Namespace[];
  return {
    hostPid,
    parent: parent?.hostPid,
    comm,
    uid,
    gid,
    effective,
    namespaces: Object.fromEntries(kinds.map(({ kind, inode }) => [kind, inode])),
    pids: Object.fromEntries([...pids].map(([{ inode }, pid]) => [String(inode), pid])),
    cwd: pathFrom(root, cwd),
    memoryBytes,
  };
}

/** The namespaces that a process is in, with those that they belong to. */
function namespacesOf(world: World): readonly Namespace[] {
  const found = new Set<Namespace>();
  const add = (namespace: Namespace | undefined): void => {
    if (namespace === undefined || found.has(namespace)) return;
    found.add(namespace);
    if (namespace.kind === "user" || namespace.kind === "pid") add(namespace.parent);
    if (namespace.kind !== "user") add(namespace.owner);
  };
  for (const process of world.processes.values()) {
    const { namespaces, credentials, pidNamespaceForChildren, heldRoots } = process;
    for (const each of Object.values(namespaces) as readonly Namespace[]) add(each);
    for (const { mounts } of heldRoots.values()) add(mounts);
    add(credentials.userNamespace);
    add(pidNamespaceForChildren);
  }
  for (const namespace of world.handles.values()) add(namespace);
  return [...found].toSorted((a, b) => a.inode - b.inode);
}

function namespaceSnapshot(namespace: Namespace): Readonly<Record<string, unknown>> {
  const { kind } = namespace;
  if (kind === "user") {
    const { uidMap, gidMap, ownerUid, parent } = namespace;
    return { kind, parent: parent?.inode, ownerUid, uidMap, gidMap };
  }
  const owner = namespace.owner.inode;
  if (kind === "uts") {
    return { kind, owner, hostname: namespace.hostname, domainname: namespace.domainname };
  }
  if (kind === "pid") return { kind, owner, parent: namespace.parent?.inode };
  if (kind !== "net") return { kind, owner };
  return { kind, owner, ...networkSnapshot(namespace) };
}

function mountTables(mounts: readonly Mount[]): Snapshot["mounts"] {
  const tables: Record<string, MountSnapshot[]> = {};
  for (const mount of mounts.toSorted((a, b) => a.id - b.id)) {
    const { namespace } = mount;
    if (namespace === undefined || namespace.root === mount) continue;
    const top = { mount: namespace.root, dentry: namespace.root.root };
    const { id, parent, fs, source, options, peers, master } = mount;
    (tables[String(namespace.inode)] ??= []).push({
      id,
      parent: parent?.id,
      fileSystem: fs.device.join(":"),
      type: fs.type,
      source,
      path: pathFrom(top, { mount, dentry: mount.root }),
      readOnly: options.readOnly || fs.readOnly,
      shared: peers?.id,
      master: master?.id,
      ...layersOf(fs),
    });
  }
  return tables;
}

function layersOf({ root: { inode } }: FileSystem): Pick<MountSnapshot, "layers"> {
  if (inode.kind !== "overlay") return {};
  const at = (kind: LayerSnapshot["kind"], layer: Dentry): LayerSnapshot => ({
    kind,
    fileSystem: layer.fs.device.join(":"),
    path: pathInFileSystem(layer),
  });
  const upper = inode.upper === undefined ? [] : [at("upper", inode.upper)];
  return { layers: [...upper, ...inode.lowers.map((lower) => at("lower", lower))] };
}

/** What looking at one tree after another needs. */
interface Look {
  readonly viewer: Process;
  /** Directories below which nothing has changed since are not even entered. */
  readonly aged: WeakMap<Inode, { readonly age: number; readonly tree: FileSnapshot }>;
}

/** What a name leads to: made of parts of the one before, as `share` would, but at once. */
function fileSnapshot(dentry: Dentry, look: Look, before: FileSnapshot | undefined): FileSnapshot {
  const { fs, inode } = dentry;
  if (inode.type === "directory") return directorySnapshot(dentry, look, before);
  const { type, mode, uid, gid, sizeBytes } = fs.attributes(dentry);
  const common = { type, mode, uid, gid, sizeBytes, ...layerOf(dentry) };
  if (type !== "symlink") return kept(before, common);
  return kept(before, { ...common, target: fs.readlink(dentry, look.viewer) });
}

function directorySnapshot(
  dentry: Dentry,
  look: Look,
  before: FileSnapshot | undefined,
): FileSnapshot {
  const { fs, inode } = dentry;
  const age = fs.age?.(dentry);
  const aged = look.aged.get(inode);
  if (age !== undefined && aged?.age === age) return aged.tree;
  const { type, mode, uid, gid, sizeBytes } = fs.attributes(dentry);
  const children = childrenOf(dentry, look, before?.children ?? {});
  const tree = kept(before, { type, mode, uid, gid, sizeBytes, ...layerOf(dentry), children });
  if (age !== undefined) look.aged.set(inode, { age, tree });
  return tree;
}

function childrenOf(
  dentry: Dentry,
  look: Look,
  known: NonNullable<FileSnapshot["children"]>,
): NonNullable<FileSnapshot["children"]> {
  const { fs } = dentry;
  const children: Record<string, FileSnapshot> = {};
  let isSame = true;
  for (const name of fs.names(dentry, look.viewer).toSorted()) {
    const child = fs.lookup(dentry, name, look.viewer);
    if (child === undefined) continue;
    const old = Object.hasOwn(known, name) ? known[name] : undefined;
    children[name] = fileSnapshot(child, look, old);
    if (children[name] !== old) isSame = false;
  }
  return isSame && Object.keys(children).length === Object.keys(known).length ? known : children;
}

/** The one before, if it is the same. */
function kept(before: FileSnapshot | undefined, after: FileSnapshot): FileSnapshot {
  if (before === undefined) return after;
  // The fields of a snapshot are plain values, and children that are shared already.
  const fields = Object.entries(after);
  const isSame = fields.every(([key, value]) => Reflect.get(before, key) === value);
  return isSame && fields.length === Object.keys(before).length ? before : after;
}

function layerOf({ inode, fs }: Dentry): Pick<FileSnapshot, "layer"> {
  if (inode.kind !== "overlay") return {};
  if (inode.upper !== undefined) return { layer: "upper" };
  const [real] = inode.lowers;
  const { inode: top } = fs.root;
  if (real === undefined || top.kind !== "overlay") return {};
  let root = real;
  const roots: readonly Dentry[] = top.lowers;
  while (!roots.includes(root) && root.parent !== undefined) root = root.parent;
  return { layer: roots.indexOf(root) };
}

function hierarchySnapshot({ version, controllers, root }: CgroupHierarchy): HierarchySnapshot {
  return { version, controllers, root: cgroupSnapshot(root) };
}

function cgroupSnapshot(cgroup: Cgroup): CgroupSnapshot {
  const { processes, settings, children } = cgroup;
  return {
    hostPids: [...processes].map(({ hostPid }) => hostPid).toSorted((a, b) => a - b),
    memoryBytes: memoryBelow(cgroup),
    settings: Object.fromEntries(settings),
    children: Object.fromEntries(
      [...children].map(([name, child]) => [name, cgroupSnapshot(child)]),
    ),
  };
}
