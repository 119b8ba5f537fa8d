/**
 * Kernel: the one door to the machine.
 *
 * Every effect that Drydock has passes through the interface in this file: files, mounts,
 * namespaces, processes, credentials, links, time and chance. It is spoken in the kernel's own
 * nouns, one method per system call or kernel file family, with no policy and no retries but EINTR.
 * Because it is passed in and never imported, the same concepts run on Linux (`kernel/linux`), in a
 * reader's browser (`kernel/model`), under a tracer that journals each call (`kernel/trace.ts`) and
 * under a fault injector that fails the k-th one (`kernel/faults.ts`).
 *
 * All calls are synchronous, as system calls are: what a concept reads top to bottom is what the
 * kernel sees. The few things that happen later (a child exits, a pipe has bytes) are events of a
 * `Child`.
 *
 * Kernel interface: syscalls(2).
 * Invariants: none; `kernel/conformance.ts` says what every implementation must do.
 * Left out: openat2(2) and the fd-based mount API (fsopen(2)); paths are resolved by the kernel at
 * each call.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Files } from "./port-files.ts";
import type { Network } from "./port-network.ts";

export * from "./port-files.ts";
export * from "./port-network.ts";

/** A process id as the host's initial PID namespace numbers it. */
export type HostPid = number & { readonly __viewpoint?: "host" };

/** The symbolic name of an errno, for example `"ENOENT"`. */
export type Errno = string;

/**
 * What the kernel said when it refused: one failed call, one errno.
 *
 * It is the only error that a `Kernel` throws. Concepts let it pass or wrap it once in a
 * `RuntimeError`.
 */
export class KernelError extends Error {
  override readonly name = "KernelError";
  /** The system call by its man page name, for example `"mount"`. */
  readonly syscall: string;
  /** The symbolic errno, for example `"EBUSY"`. */
  readonly errno: Errno;
  /** The path, pid or name that the call was about. */
  readonly subject: string;

  /**
   * @param syscall man page name @param errno symbolic errno @param subject what the call was about
   */
  constructor(syscall: string, errno: Errno, subject: string) {
    super(`${syscall} "${subject}": ${errno}`);
    this.syscall = syscall;
    this.errno = errno;
    this.subject = subject;
  }
}

/** Flags of mount(2) in the kernel's spelling. */
export type MountFlag =
  | "MS_RDONLY"
  | "MS_NOSUID"
  | "MS_NODEV"
  | "MS_NOEXEC"
  | "MS_REMOUNT"
  | "MS_BIND"
  | "MS_REC"
  | "MS_MOVE"
  | "MS_PRIVATE"
  | "MS_SLAVE"
  | "MS_SHARED"
  | "MS_UNBINDABLE"
  | "MS_STRICTATIME"
  | "MS_RELATIME"
  | "MS_NOATIME";

/** One call of mount(2). */
export interface MountCall {
  readonly source: string;
  readonly target: string;
  readonly fstype: string;
  readonly flags: readonly MountFlag[];
  /**
   * The file system's own options, for example `"lowerdir=a:b,upperdir=c,workdir=d"`. At most 4095
   * bytes.
   */
  readonly data: string;
}

/** The mount table of the calling process: mount_namespaces(7). */
export interface Mounts {
  /**
   * @syscall mount(2) CAP_SYS_ADMIN "attach a file system, bind a path, or change a mount's flags"
   */
  mount(call: MountCall): void;
  /** @syscall umount2(2) CAP_SYS_ADMIN "detach a file system; `detach` is MNT_DETACH, lazily" */
  umount(target: string, how: "now" | "detach"): void;
  /** @syscall pivot_root(2) CAP_SYS_ADMIN "exchange the root of the mount namespace" */
  pivotRoot(newRoot: string, putOld: string): void;
}

/** Namespace kinds as clone(2) names them. */
export type NamespaceFlag =
  | "CLONE_NEWUSER"
  | "CLONE_NEWNS"
  | "CLONE_NEWUTS"
  | "CLONE_NEWIPC"
  | "CLONE_NEWNET"
  | "CLONE_NEWPID"
  | "CLONE_NEWCGROUP"
  | "CLONE_NEWTIME";

/** The five capability sets of a thread, capability names as `"CAP_CHOWN"`: capabilities(7). */
export interface CapabilitySets {
  readonly bounding: readonly string[];
  readonly permitted: readonly string[];
  readonly effective: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

/** One resource limit: getrlimit(2). `Infinity` is RLIM_INFINITY. `name` as `"RLIMIT_NOFILE"`. */
export interface ResourceLimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** One instruction of classic BPF: seccomp(2). */
export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/**
 * What a process does to itself between its birth and exec. Only `main` of `Processes.spawn` calls
 * these: the runtime's own process never changes its namespaces or its identity.
 */
export interface Self {
  /**
   * @syscall unshare(2) CAP_SYS_ADMIN "leave shared namespaces for new ones; a user namespace stays
   * without id maps, see joinUserNamespace"
   */
  unshare(flags: readonly NamespaceFlag[]): void;
  /** @syscall setns(2) CAP_SYS_ADMIN "enter the namespaces of another process by its pid" */
  joinNamespaces(hostPid: HostPid, flags: readonly NamespaceFlag[]): void;
  /**
   * @syscall setns(2) CAP_SYS_ADMIN "enter the namespace that a path such as /proc/1/ns/net names"
   */
  joinNamespacePath(path: string, flag: NamespaceFlag): void;
  /** @syscall setns(2) CAP_SYS_ADMIN "enter what createUserNamespace made" */
  joinUserNamespace(handle: number): void;
  /**
   * @syscall open(2) - "open a cgroup's tasks or cgroup.procs file, in each hierarchy, for a later
   * joinCgroups; returns handles"
   */
  openCgroups(paths: readonly string[]): readonly number[];
  /** @syscall write(2) - "move the calling process into opened cgroups by writing 0" */
  joinCgroups(handles: readonly number[]): void;
  /** @syscall chdir(2) - "change the working directory" */
  chdir(path: string): void;
  /** @syscall umask(2) - "set the file mode creation mask" */
  umask(mask: number): void;
  /** @syscall sethostname(2) CAP_SYS_ADMIN "name the UTS namespace" */
  setHostname(name: string): void;
  /** @syscall setdomainname(2) CAP_SYS_ADMIN "set the NIS domain name of the UTS namespace" */
  setDomainname(name: string): void;
  /** @syscall setsid(2) - "become leader of a new session" */
  setSession(): void;
  /**
   * @syscall openpty(3) - "open the terminal multiplexer at `ptmxPath`, unlock it, make its slave
   * stdin, stdout and stderr and the controlling terminal; returns the slave's name and the
   * master's descriptor, which `inside.handOver` gives to the parent"
   */
  openTerminal(ptmxPath: string): { readonly slavePath: string; readonly masterFd: number };
  /**
   * @syscall fchown(2) CAP_CHOWN "give stdin, stdout and stderr to a user, so that it may open
   * /dev/stdout again"
   */
  ownStdio(uid: number, gid: number): void;
  /**
   * @syscall prlimit(2) CAP_SYS_RESOURCE "set a resource limit (capability to raise a hard one)"
   */
  setResourceLimit(limit: ResourceLimit): void;
  /** @syscall setgroups(2) CAP_SETGID "set the supplementary groups" */
  setGroups(gids: readonly number[]): void;
  /** @syscall setresgid(2) CAP_SETGID "set real, effective and saved group" */
  setGid(gid: number): void;
  /**
   * @syscall setresuid(2) CAP_SETUID "set real, effective and saved user"; permitted capabilities
   * are kept (PR_SET_KEEPCAPS) until setCapabilities
   */
  setUid(uid: number): void;
  /** @syscall prctl(2) CAP_SETPCAP "drop everything outside the given set from the bounding set" */
  setBoundingSet(capabilities: readonly string[]): void;
  /** @syscall capset(2) - "set permitted, effective, inheritable and then ambient capabilities" */
  setCapabilities(sets: CapabilitySets): void;
  /** @syscall capget(2) - "the capability sets of the calling thread" */
  getCapabilities(): CapabilitySets;
  /** @syscall prctl(2) - "PR_SET_NO_NEW_PRIVS: no exec gains privileges from now on" */
  setNoNewPrivileges(): void;
  /** @syscall seccomp(2) - "install a filter, with no_new_privs or CAP_SYS_ADMIN" */
  installSeccomp(program: readonly BpfInstruction[]): void;
  /** @syscall prctl(2) - "PR_SET_PDEATHSIG: the signal to get when the parent dies" */
  setParentDeathSignal(signal: string): void;
  /**
   * @syscall execve(2) - "say which program to become: it happens when `main` returns it. Throws
   * what can be seen before, as ENOENT; the rest is thrown by spawn"
   */
  execve(path: string, argv: readonly string[], env: readonly string[]): Program;
}

/** How a process ended: wait(2). Exactly one of the two is set. */
export type WaitStatus =
  { readonly exitCode: number } | { readonly signal: string; readonly coreDumped: boolean };

/** Bytes that arrive over time. `onData` is called until `onEnd`, which comes exactly once. */
export interface ByteSource {
  listen(onData: (bytes: Uint8Array) => void, onEnd: () => void): void;
  /** Back-pressure: nothing more is read until `resume`. */
  pause(): void;
  resume(): void;
  /** What /proc/PID/fd shows with those who hold the other end; for a pipe that has not ended. */
  link?(): string;
}

/** Bytes that leave over time. */
export interface ByteSink {
  /** Returns false when the caller should wait for the promise of `drained` before it goes on. */
  write(bytes: Uint8Array): boolean;
  drained(): Promise<void>;
  end(): void;
}

/**
 * Id ranges of user_namespaces(7): `count` ids from `containerId` inside are `hostId` and on
 * outside.
 */
export interface IdMap {
  readonly containerId: number;
  readonly hostId: number;
  readonly count: number;
}

/** How `spawn` makes a child. */
export interface SpawnOptions {
  /**
   * `inherit`: the parent's; `new`: the child is PID 1 of a new one; a pid: join the one of that
   * process.
   */
  readonly pidNamespace: "inherit" | "new" | HostPid;
  /**
   * `pipes`: stdin, stdout, stderr are three pipes; `terminal`: main calls openTerminal and hands
   * the master over; `null`: /dev/null.
   */
  readonly stdio: "pipes" | "terminal" | "null";
  /** With `pipes`: whether stdin is a pipe (else /dev/null). */
  readonly stdin: boolean;
  /**
   * Let its mount namespace outlive it: its end is then known before its mounts are taken apart,
   * which may wait for the disk. `Child.unmounted` tells.
   */
  readonly outlivedByMounts?: boolean;
}

/** What a process becomes: execve(2). */
export interface Program {
  /** Of the file, as the child sees it. */
  readonly path: string;
  readonly argv: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
}

/** What `main` of a spawned child works with. */
export interface Inside {
  /** The kernel as the child sees it: same port, plus what a process does to itself. */
  readonly kernel: Kernel & Self;
  /**
   * The process that runs `main`. When it joins the PID namespace of another, that is a helper, and
   * the child that goes on from there has another pid.
   */
  readonly hostPid: HostPid;
  /** Gives the master side of a terminal to the parent, which then has it as `Child.terminal`. */
  handOver(masterFd: number): void;
}

/** A terminal's master side as the parent holds it. */
export interface Terminal extends ByteSource, ByteSink {
  /** @syscall ioctl(2) - "TIOCSWINSZ: set rows and columns" */
  resize(rows: number, columns: number): void;
}

/** A program that `spawn` started. Its events are delivered after `spawn` returned. */
export interface Child {
  readonly hostPid: HostPid;
  readonly stdin: ByteSink | undefined;
  readonly stdout: ByteSource | undefined;
  readonly stderr: ByteSource | undefined;
  /** What main handed over. */
  readonly terminal: Terminal | undefined;
  /** Resolves when the process has been reaped. */
  readonly exited: Promise<WaitStatus>;
  /** Resolves after that, when nothing of ours holds its mounts any more. */
  readonly unmounted: Promise<void>;
}

/** Id maps of a user namespace: the lines of uid_map and gid_map. */
export interface UserNamespaceMaps {
  readonly uid: readonly IdMap[];
  readonly gid: readonly IdMap[];
}

/** A process's root directory, held until it is disposed of. */
export interface HeldRoot extends Disposable {
  /** Leads to it, for the process that holds it; itself a link. */
  readonly path: string;
}

/** Processes: vfork(2), execve(2), signal(7), wait(2). */
export interface Processes {
  /**
   * @syscall vfork(2) CAP_SYS_ADMIN "make a child that runs `main` and becomes the program that it
   * returns; without one it exits with 0"
   *
   * As after vfork(2), the child runs in the parent's memory and the parent waits: `main` is
   * synchronous, what it writes into variables is there when `spawn` returns, and it must not wait
   * for anything that the parent would have to do. What `main` throws, `spawn` throws, and what the
   * kernel says to the program (execve: ENOENT, EACCES, ENOEXEC…); then the child is gone.
   */
  spawn(options: SpawnOptions, main: (inside: Inside) => Program | undefined): Child;
  /**
   * @syscall kill(2) CAP_KILL "send a signal by name, for example SIGTERM; ESRCH when there is no
   * such process"; `"0"` only looks whether it could
   */
  kill(hostPid: HostPid, signal: string): void;
  /**
   * @syscall open(2) CAP_SYS_PTRACE "hold a process's root with all that is mounted in it, also
   * beyond the end of the process; ENOENT when there is no such process, or none any more"
   */
  holdRoot(hostPid: HostPid): HeldRoot;
  /**
   * @syscall clone(2) CAP_SETUID "make a user namespace with its id maps, for children to enter;
   * returns a handle"
   */
  createUserNamespace(maps: UserNamespaceMaps): number;
  /** @syscall close(2) - "let go of it; it lives on while processes are in it" */
  closeUserNamespace(handle: number): void;
}

/** Time and chance. */
export interface Clock {
  /** @syscall clock_gettime(2) - "wall clock, milliseconds since the epoch, with fraction" */
  nowMs(): number;
  /** @syscall clock_gettime(2) - "monotonic clock, microseconds" */
  monotonicUs(): number;
  /** @syscall getrandom(2) - "random bytes" */
  random(count: number): Uint8Array;
  /**
   * 0: as soon as what runs now is through.
   *
   * @syscall timer_create(2) - "call back once, later; returns its cancellation"
   */
  after(delayMs: number, callback: () => void): () => void;
}

/** Facts about the machine: uname(2), sysconf(3). */
export interface Machine {
  /** @syscall uname(2) - "kernel name, release, version, machine (x86_64), nodename" */
  uname(): {
    readonly sysname: string;
    readonly release: string;
    readonly version: string;
    readonly machine: string;
    readonly nodename: string;
  };
  /** @syscall getuid(2) - "pid and effective uid of this process" */
  identity(): { readonly hostPid: HostPid; readonly effectiveUid: number };
}

/** The one door: everything a runtime may ask of the machine. */
export type Kernel = Files & Mounts & Processes & Network & Clock & Machine;
