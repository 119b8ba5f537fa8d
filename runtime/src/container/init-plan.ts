/**
 * Init plan: everything between a child's birth and exec, as data.
 *
 * The sequence that turns a child into a container is the place where every runtime grows
 * its monster. Here it is a list of steps, each one kernel call or one small family of calls. The
 * list is what `drydock run --plan` prints, what `init.ts` walks against the kernel, what the page
 * draws and what the tests read.
 *
 * Kernel interface: mount(2), pivot_root(2), unshare(2), setns(2), sethostname(2), capset(2),
 *   seccomp(2), execve(2).
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
  MountFlag,
  NamespaceFlag,
  ResourceLimit,
} from "../kernel/index.ts";

/** What can be mounted on: like on like. */
export type MountKind = "file" | "directory";

/** One thing that init does. Paths are as init sees them at that moment. */
export type InitAction =
  | { readonly op: "parent-death-signal"; readonly signal: string }
  | { readonly op: "umask"; readonly mask: number }
  | {
      readonly op: "join-namespaces";
      readonly hostPid: HostPid;
      readonly flags: readonly NamespaceFlag[];
    }
  | { readonly op: "unshare"; readonly flags: readonly NamespaceFlag[] }
  /** Enter the user namespace that the parent made for this walk. */
  | { readonly op: "enter-user-namespace" }
  /** Be user and group 0 of the user namespace, with all its capabilities. */
  | { readonly op: "become-root" }
  | { readonly op: "open-cgroups"; readonly paths: readonly string[] }
  | { readonly op: "join-cgroups" }
  | { readonly op: "mount"; readonly mount: MountCall }
  /** Mount on a directory inside `root`, resolved without leaving it, made if it is missing. */
  | {
      readonly op: "mount-inside";
      readonly root: string;
      readonly path: string;
      readonly mount: Omit<MountCall, "target">;
    }
  /**
   * Bind a host path on a path inside `root`, resolved without leaving it, made if it is missing;
   * then remount with `flags`, if any, and set the propagation.
   */
  | {
      readonly op: "bind";
      readonly source: string;
      /** What the source is; null: only the host knows, so init looks. */
      readonly kind: MountKind | null;
      readonly root: string;
      readonly path: string;
      readonly recursive: boolean;
      readonly flags: readonly MountFlag[];
      readonly propagation: readonly MountFlag[];
    }
  /** Make what a later mount stands on: a directory, or what `source` is. */
  | {
      readonly op: "make-mount-point";
      readonly root: string;
      readonly path: string;
      readonly source: string | null;
      readonly kind: MountKind | null;
    }
  | { readonly op: "pivot-root"; readonly root: string }
  /** Make a directory and those above it where they are missing. */
  | { readonly op: "make-directory"; readonly path: string; readonly permissions: number }
  /**
   * Make a device node with its owner, and the directories above it; a file that is in its place is
   * replaced.
   */
  | {
      readonly op: "device";
      readonly path: string;
      readonly node: DeviceNode;
      readonly uid: number;
      readonly gid: number;
    }
  | {
      readonly op: "chown";
      readonly path: string;
      readonly hostUid: number;
      readonly hostGid: number;
    }
  | { readonly op: "symlink"; readonly target: string; readonly path: string }
  | { readonly op: "write"; readonly path: string; readonly text: string }
  /** Hide a path if it exists: /dev/null over a file, an empty read-only tmpfs over a directory. */
  | { readonly op: "mask"; readonly path: string }
  /** Make a path read-only if it exists. */
  | { readonly op: "read-only"; readonly path: string }
  | { readonly op: "link-up"; readonly name: string }
  | { readonly op: "hostname"; readonly name: string }
  | { readonly op: "domainname"; readonly name: string }
  | { readonly op: "session" }
  /**
   * Open a terminal on the devpts at `ptmxPath`, hand its master to the parent, bind its slave to
   * `consolePath` if given.
   */
  | { readonly op: "terminal"; readonly ptmxPath: string; readonly consolePath: string | null }
  | { readonly op: "resource-limit"; readonly limit: ResourceLimit }
  | { readonly op: "chdir"; readonly path: string }
  /** Enter the container's working directory. */
  | { readonly op: "workdir"; readonly path: string }
  | { readonly op: "bounding-set"; readonly capabilities: readonly string[] }
  /**
   * Look `user` and `additionalGroups` up in the container's /etc/passwd and /etc/group, and note
   * who that is.
   */
  | {
      readonly op: "look-up-user";
      readonly user: string;
      readonly additionalGroups: readonly string[];
    }
  /** Give the user that was looked up the standard streams; group `gid`, null: its own. */
  | { readonly op: "own-stdio"; readonly gid: number | null }
  /** Become the user that was looked up. */
  | { readonly op: "user" }
  /** The sets for uid 0 or those for everybody else, whoever `user` became. */
  | {
      readonly op: "capabilities";
      readonly root: CapabilitySets;
      readonly others: CapabilitySets;
    }
  | { readonly op: "no-new-privileges" }
  | { readonly op: "seccomp"; readonly program: readonly BpfInstruction[] }
  /**
   * Look `argv[0]` up in the PATH of `env` like execvp(3), and become it; HOME is added where `env`
   * has none.
   */
  | { readonly op: "exec"; readonly argv: readonly string[]; readonly env: readonly string[] };

/** The room that an action belongs to. */
export type Concept =
  "namespaces" | "layers" | "cgroups" | "security" | "volumes" | "network" | "container";

/** An action with what a reader wants to know about it. */
export type InitStep = InitAction & {
  readonly concept: Concept;
  /** Why, in a few words: "hide the host's mounts". */
  readonly why: string;
};

/** The steps in order; the last one is `exec`. */
export type InitPlan = readonly InitStep[];
