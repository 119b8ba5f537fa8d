/**
 * Init plan: everything between fork and exec, as data.
 *
 * The sequence that turns a forked child into a container is the place where every runtime grows its monster. Here it is a
 * list of steps, each one kernel call or one small family of calls. The list is what `drydock run --plan` prints, what
 * `init.ts` walks against the kernel, what the page draws and what the tests read.
 *
 * Kernel interface: mount(2), pivot_root(2), unshare(2), setns(2), sethostname(2), capset(2), seccomp(2), execve(2).
 * Specification: OCI runtime-spec v1.2, "Lifecycle".
 * Invariants: see `plan.ts`.
 * Left out: OCI hooks.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import type {
  BpfInstruction,
  CapabilitySets,
  DeviceNode,
  HostPid,
  MountCall,
  NamespaceFlag,
  ResourceLimit,
} from "../kernel/index.ts";

/** One thing that init does. Paths are as init sees them at that moment. */
export type InitAction =
  | {
      readonly op: "join-namespaces";
      readonly hostPid: HostPid;
      readonly flags: readonly NamespaceFlag[];
    }
  | { readonly op: "unshare"; readonly flags: readonly NamespaceFlag[] }
  /** Report that the new user namespace exists and wait until the parent has written its id maps. */
  | { readonly op: "await-id-maps" }
  | { readonly op: "open-cgroups"; readonly paths: readonly string[] }
  | { readonly op: "join-cgroups" }
  | { readonly op: "mount"; readonly mount: MountCall }
  | { readonly op: "umount"; readonly target: string }
  | { readonly op: "mkdir"; readonly path: string; readonly permissions: number }
  | {
      readonly op: "make-mountpoint";
      readonly root: string;
      readonly path: string;
      readonly type: "file" | "directory";
    }
  /** Bind a host path to a path inside `root`, resolved without leaving it, then remount with `flags`. */
  | {
      readonly op: "bind";
      readonly source: string;
      readonly root: string;
      readonly path: string;
      readonly flags: MountCall["flags"];
      readonly propagation: MountCall["flags"];
    }
  | { readonly op: "mknod"; readonly path: string; readonly node: DeviceNode }
  | { readonly op: "symlink"; readonly target: string; readonly path: string }
  | { readonly op: "write"; readonly path: string; readonly text: string }
  | { readonly op: "pivot-root"; readonly root: string }
  /** Hide a path if it exists: /dev/null over a file, an empty read-only tmpfs over a directory. */
  | { readonly op: "mask"; readonly path: string }
  /** Make a path read-only if it exists. */
  | { readonly op: "read-only"; readonly path: string }
  | { readonly op: "link-up"; readonly name: string }
  | { readonly op: "hostname"; readonly name: string }
  | { readonly op: "domainname"; readonly name: string }
  | { readonly op: "session" }
  /** Open a terminal on the devpts at `ptmxPath`, hand its master to the parent, bind its slave to `consolePath` if given. */
  | { readonly op: "terminal"; readonly ptmxPath: string; readonly consolePath: string | null }
  | { readonly op: "resource-limit"; readonly limit: ResourceLimit }
  /** Make the working directory if it is missing, and enter it. */
  | { readonly op: "workdir"; readonly path: string; readonly create: boolean }
  | { readonly op: "bounding-set"; readonly capabilities: readonly string[] }
  /** Look `user` and `groups` up in the container's /etc/passwd and /etc/group, then setgroups, setresgid, setresuid; sets HOME. */
  | { readonly op: "user"; readonly user: string; readonly additionalGroups: readonly string[] }
  | { readonly op: "capabilities"; readonly root: CapabilitySets; readonly others: CapabilitySets }
  | { readonly op: "no-new-privileges" }
  | { readonly op: "seccomp"; readonly program: readonly BpfInstruction[] }
  | { readonly op: "parent-death-signal"; readonly signal: string }
  /** Look `argv[0]` up in the PATH of `env` like execvp(3), and become it. */
  | { readonly op: "exec"; readonly argv: readonly string[]; readonly env: readonly string[] };

/** An action with what a reader wants to know about it. */
export type InitStep = InitAction & {
  /** The concept's room: "namespaces", "layers", "cgroups", "security", "volumes", "network", "container". */
  readonly concept: string;
  /** Why, in a few words: "hide the host's mounts". */
  readonly why: string;
};

/** The steps in order; the last one is `exec`. */
export type InitPlan = readonly InitStep[];
