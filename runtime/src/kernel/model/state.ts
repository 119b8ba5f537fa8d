/**
 * State: what the model's memory holds, as types.
 *
 * The nouns are the kernel's. A dentry is a name in a directory, an inode what the name leads to; a
 * mount shows the tree below one dentry at another place; a place is therefore a pair of mount and
 * dentry. A process has credentials, namespaces, a root and a working directory. The functions of
 * the other files change these objects; nothing here does anything.
 *
 * Kernel interface: inode(7), path_resolution(7), mount_namespaces(7), namespaces(7),
 *   credentials(7).
 * Invariants: none.
 * Left out: page cache, open files, threads (a process has one), file capabilities, access and
 *   change times.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Credentials, PlainNamespace, UserNamespace, UtsNamespace } from "./state-identity.ts";
import type { NetNamespace } from "./state-network.ts";
import type { ModelProgram, Opened, Sink, Source, Streams, Terminal } from "./state-program.ts";
import type { BpfInstruction, Clock, DeviceNode, FileStat, WaitStatus } from "../port.ts";

export * from "./state-identity.ts";
export * from "./state-network.ts";
export * from "./state-program.ts";

/** What a name can lead to. */
export type FileType = FileStat["type"];

/** A file, directory, link or node of a file system in memory. */
export interface MemoryInode {
  readonly kind: "memory";
  readonly ino: number;
  readonly type: FileType;
  mode: number;
  uid: number;
  gid: number;
  links: number;
  mtimeMs: number;
  bytes: Uint8Array;
  readonly target: string;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly xattrs: Map<string, Uint8Array>;
  readonly entries: Map<string, Dentry>;
  /** When something at or below it changed, counted by its file system. */
  changedAt: number;
}

/** What an overlay shows under one name: a dentry above, dentries below, or both. */
export interface OverlayInode {
  readonly kind: "overlay";
  readonly ino: number;
  readonly type: FileType;
  upper: Dentry | undefined;
  /** The topmost first; more than one, or one below an upper, only for merged directories. */
  lowers: readonly Dentry[];
  readonly entries: Map<string, Dentry>;
}

/** A file whose content is made when it is read: proc, sysfs, cgroup. */
export interface GeneratedInode {
  readonly kind: "generated";
  readonly ino: number;
  readonly type: FileType;
  mode: number;
  uid: number;
  gid: number;
  readonly mtimeMs: number;
  /** Dentries that were handed out, so that a name keeps its own. */
  readonly entries: Map<string, Dentry>;
  readonly does: GeneratedFile;
}

/** What a generated file does; what is missing is refused as Linux would. */
export interface GeneratedFile {
  readonly read?: (by: Process) => string;
  readonly write?: (by: Process, text: string) => void;
  /** The text of a symbolic link. */
  readonly target?: (by: Process) => string;
  /** Where a link leads, whatever its text: /proc/PID/root. */
  readonly jump?: (by: Process) => Place;
  /** The stream that opening it leads to: /proc/PID/fd/1. */
  readonly stream?: Source | Sink;
  /** The namespace that this file stands for: /proc/PID/ns/net. */
  readonly namespace?: Namespace;
  /** The inode of a name in a directory: always the same one for the same thing. */
  readonly lookup?: (name: string, by: Process) => GeneratedInode | undefined;
  readonly names?: (by: Process) => readonly string[];
  readonly mkdir?: (name: string, by: Process) => GeneratedInode;
  readonly rmdir?: (name: string) => void;
}

/** What a name leads to. */
export type Inode = MemoryInode | OverlayInode | GeneratedInode;

/** A name in a directory; the root of a file system has none above. */
export interface Dentry {
  name: string;
  parent: Dentry | undefined;
  readonly inode: Inode;
  readonly fs: FileSystem;
  /** Whether the name was removed: who still stands there sees an empty directory. */
  gone: boolean;
}

/** What lstat(2) tells, with ids of the first user namespace. */
export interface Attributes {
  readonly ino: number;
  readonly type: FileType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
}

/** Attributes to set; what is missing stays. */
export interface AttributeChange {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtimeMs?: number;
}

/** A name to make. */
export interface NewNode {
  readonly type: FileType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly target?: string;
  /** Of a char or block node. */
  readonly device?: Pick<DeviceNode, "major" | "minor">;
}

/**
 * One file system. The caller has resolved paths and checked permissions; what is left are the
 * checks that only the file system can make, ENOTEMPTY for example.
 */
export interface FileSystem {
  readonly type: string;
  /** Major and minor number, as mountinfo shows them. */
  readonly device: readonly [number, number];
  readonly root: Dentry;
  readonly userNamespace: UserNamespace;
  readOnly: boolean;
  /** The file system's own options as mountinfo shows them, without ro or rw. */
  options: string;
  /** How many file systems are stacked in this one; overlayfs allows two. */
  readonly depth: number;
  /** Grows with every change of what it holds; 0 for what is made when it is read. */
  readonly changes: number;
  /** Grows with every change at or below a directory; missing where nobody counts that. */
  readonly age?: (directory: Dentry) => number;
  /** The mounts that show it. */
  readonly mounts: Set<Mount>;
  lookup(directory: Dentry, name: string, by: Process): Dentry | undefined;
  names(directory: Dentry, by: Process): readonly string[];
  attributes(dentry: Dentry): Attributes;
  change(dentry: Dentry, change: AttributeChange): void;
  create(directory: Dentry, name: string, node: NewNode, by: Process): Dentry;
  link(existing: Dentry, directory: Dentry, name: string): void;
  unlink(dentry: Dentry): void;
  rmdir(dentry: Dentry): void;
  rename(from: Dentry, directory: Dentry, name: string, over: Dentry | undefined): void;
  /** What two names of one file have in common. */
  identity(dentry: Dentry): object;
  readlink(dentry: Dentry, by: Process): string;
  read(dentry: Dentry, by: Process): Uint8Array;
  /** The whole of what follows open and truncate in one write. */
  write(dentry: Dentry, bytes: Uint8Array, how: "replace" | "append", by: Process): void;
  truncate(dentry: Dentry, sizeBytes: number): void;
  listXattr(dentry: Dentry): readonly string[];
  getXattr(dentry: Dentry, name: string): Uint8Array | undefined;
  setXattr(dentry: Dentry, name: string, value: Uint8Array): void;
  removeXattr(dentry: Dentry, name: string): void;
  /** A remount with options. */
  reconfigure(data: string): void;
}

/** Per-mount flags in mountinfo's words. */
export interface MountOptions {
  readonly readOnly: boolean;
  readonly noSuid: boolean;
  readonly noDev: boolean;
  readonly noExec: boolean;
  readonly atime: "relatime" | "noatime" | "strictatime";
}

/** Mounts that tell each other what is mounted on them: mount_namespaces(7). */
export interface PeerGroup {
  readonly id: number;
  readonly members: Set<Mount>;
}

/** A tree, shown at a place. */
export interface Mount {
  readonly id: number;
  readonly fs: FileSystem;
  /** The dentry of `fs` that is shown here. */
  readonly root: Dentry;
  readonly source: string;
  options: MountOptions;
  parent: Mount | undefined;
  mountpoint: Dentry | undefined;
  readonly children: Map<Dentry, Mount>;
  /** The namespace whose table it is in; undefined when it was detached. */
  namespace: MountNamespace | undefined;
  peers: PeerGroup | undefined;
  master: PeerGroup | undefined;
  unbindable: boolean;
  /** Came with others from a more privileged namespace: it cannot be taken away alone. */
  locked: boolean;
  /** The options that it came with from there: none of them can be taken away. */
  lockedOptions: MountOptions | undefined;
}

/** A mount table. */
export interface MountNamespace {
  readonly kind: "mnt";
  readonly inode: number;
  readonly owner: UserNamespace;
  /** Below the root of everything: what pivot_root exchanges hangs on it. */
  root: Mount;
}

/** Where one is: path_resolution(7). */
export interface Place {
  readonly mount: Mount;
  readonly dentry: Dentry;
}

/** Process ids. */
export interface PidNamespace {
  readonly kind: "pid";
  readonly inode: number;
  readonly owner: UserNamespace;
  readonly parent: PidNamespace | undefined;
  readonly level: number;
  readonly processes: Map<number, Process>;
  lastPid: number;
  /** Whether its first process has ended: nobody enters any more. */
  dead: boolean;
}

/** The directories that look like the root of the cgroup hierarchies, by hierarchy. */
export interface CgroupNamespace {
  readonly kind: "cgroup";
  readonly inode: number;
  readonly owner: UserNamespace;
  readonly roots: ReadonlyMap<number, Cgroup>;
}

/** One of the eight kinds. */
export type Namespace =
  | UserNamespace
  | MountNamespace
  | UtsNamespace
  | PlainNamespace
  | NetNamespace
  | PidNamespace
  | CgroupNamespace;

/** A hierarchy of cgroups: cgroups(7). */
export interface CgroupHierarchy {
  readonly id: number;
  readonly version: 1 | 2;
  /** Controllers, or `name=systemd`. */
  readonly controllers: readonly string[];
  readonly root: Cgroup;
}

/** A directory of a hierarchy. */
export interface Cgroup {
  readonly name: string;
  readonly parent: Cgroup | undefined;
  readonly hierarchy: CgroupHierarchy;
  readonly children: Map<string, Cgroup>;
  readonly processes: Set<Process>;
  /** What was written to its files, by file name. */
  readonly settings: Map<string, string>;
  /** Bytes that its own processes hold. */
  memoryBytes: number;
  /** How often a limit said no, by file name. */
  readonly events: Map<string, number>;
  removed: boolean;
}

/** The namespaces of a process. */
export interface Namespaces {
  readonly mnt: MountNamespace;
  readonly uts: UtsNamespace;
  readonly ipc: PlainNamespace;
  readonly net: NetNamespace;
  readonly pid: PidNamespace;
  readonly cgroup: CgroupNamespace;
  readonly time: PlainNamespace;
}

/** A process. */
export interface Process {
  readonly world: World;
  /** Its number in the first PID namespace. */
  readonly hostPid: number;
  /** Its number in each PID namespace that it is in. */
  readonly pids: ReadonlyMap<PidNamespace, number>;
  parent: Process | undefined;
  credentials: Credentials;
  namespaces: Namespaces;
  /** Where its children are born. */
  pidNamespaceForChildren: PidNamespace;
  root: Place;
  cwd: Place;
  umask: number;
  session: number;
  /** The process group, by the number of its leader. */
  group: number;
  comm: string;
  argv: readonly string[];
  env: readonly string[];
  executable: Place | undefined;
  noNewPrivileges: boolean;
  parentDeathSignal: string | undefined;
  readonly limits: Map<string, readonly [number, number]>;
  /** Seccomp filters, all of which are asked. */
  filters: readonly (readonly BpfInstruction[])[];
  /** What openCgroups opened. */
  readonly cgroupHandles: Map<number, Place>;
  /** What holdRoot and holdDirectory hold, by descriptor. */
  readonly heldRoots: Map<number, { readonly place: Place; readonly mounts: MountNamespace }>;
  /** By hierarchy. */
  readonly cgroups: Map<number, Cgroup>;
  readonly children: Set<Process>;
  readonly signalHandlers: Map<string, () => void>;
  /** Standard input, output and error, once it has them. */
  streams: Streams | undefined;
  /** Terminals whose master it has open, by descriptor. */
  readonly masters: Map<number, Terminal>;
  /** Lets go of its streams. */
  releaseStreams: () => void;
  /** Bytes that its program holds. */
  memoryBytes: number;
  /** Undefined while it runs. */
  status: WaitStatus | undefined;
  /** Called once when it has ended. */
  readonly onEnd: ((status: WaitStatus) => void)[];
}

/** Everything. */
export interface World {
  readonly clock: Clock;
  readonly mounts: Set<Mount>;
  readonly processes: Map<number, Process>;
  readonly hierarchies: CgroupHierarchy[];
  /** The file systems of the hierarchies: one each, however often it is mounted. */
  readonly cgroupFileSystems: Map<CgroupHierarchy, FileSystem>;
  readonly locks: Set<object>;
  readonly terminals: Set<Terminal>;
  /** Where the files and terminals are that streams lead to. */
  readonly openedAt: WeakMap<Opened, Place>;
  /** User namespaces that somebody holds: createUserNamespace. */
  readonly handles: Map<number, UserNamespace>;
  /** What programs do, by the name that their files hold. */
  readonly programs: ReadonlyMap<string, ModelProgram>;
  /** The file that stands for a namespace, once somebody asked for it. */
  readonly namespaceFiles: WeakMap<Namespace, Place>;
  /** The last number given out, by what is numbered. */
  readonly counters: Map<string, number>;
}

/** The next number of a kind. @param first where the kind's numbers begin */
export function nextNumber(world: World, kind: string, first: number): number {
  const number = (world.counters.get(kind) ?? first - 1) + 1;
  world.counters.set(kind, number);
  return number;
}
