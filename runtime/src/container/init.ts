/**
 * Init: the interpreter that walks a plan.
 *
 * A child of the keeper runs `runInit`: one step after the other, each by its entry in one table,
 * against the kernel as a process sees itself. The last step says which program replaces the
 * process. There is no policy here: what to do and in which order was decided in `plan.ts`, what a
 * step means is a few lines in the table below.
 *
 * Each call is made in the name of its step's concept, so that a traced kernel's journal
 * (`kernel/trace.ts`) can say what it was for.
 *
 * Kernel interface: see `init-plan.ts`.
 * Specification: OCI runtime-spec v1.2, "Lifecycle", steps 2 to 9.
 * Invariants:
 *   init-walks-in-order   the calls of a walk are those of the plan's steps, in order, up to the
 *     first that fails
 *   init-reports-failure   a failing kernel call, whichever it is, ends the walk and is thrown with
 *     its step
 * Left out: nothing is undone here: the process exits, and its namespaces go with it.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { enterContext } from "../kernel/index.ts";
import type { Inside, Kernel, MountCall, Program, Self } from "../kernel/index.ts";
import { applyNamespaceStep } from "../namespaces/index.ts";
import type { NamespaceStep } from "../namespaces/index.ts";
import { applyPathStep, resolveIdentity } from "../security/index.ts";
import type { Identity } from "../security/index.ts";
import { execCommand } from "./init-exec.ts";
import { describeFailure, relativeWorkdir } from "./init-failure.ts";
import type { InitAction, InitPlan, InitStep, MountKind } from "./init-plan.ts";
import { isErrno, makeMountPoint, noteMount, resolveInRoot } from "./resolve-path.ts";
import type { KnownTree } from "./resolve-path.ts";

/** What the steps of one walk hand on to later ones. */
interface Walk {
  readonly kernel: Kernel & Self;
  readonly inside: Inside;
  /** See `runInit`. */
  readonly userNamespace: number | null;
  readonly cgroups: readonly number[];
  /**
   * Of the tree that is being built. A mount changes what is below its target: that is forgotten.
   */
  readonly known: KnownTree;
  readonly identity: Identity;
  /** What to become, once the last step has said it. */
  readonly program: Program | undefined;
}

/** What a step found out for those that follow. */
type Learned = Partial<Pick<Walk, "cgroups" | "identity" | "program">> | void;

type Operations = {
  readonly [Op in InitAction["op"]]: (
    action: Extract<InitAction, { readonly op: Op }>,
    walk: Walk,
  ) => Learned;
};

const ROOT: Identity = { uid: 0, gid: 0, groups: [0], home: "/" };

/** Each operation as calls on the kernel. */
const OPERATIONS: Operations = {
  "parent-death-signal": ({ signal }, { kernel }) => kernel.setParentDeathSignal(signal),
  umask: ({ mask }, { kernel }) => kernel.umask(mask),
  "join-namespaces": enterNamespaces,
  unshare: enterNamespaces,
  "enter-user-namespace": enterNamespaces,
  "become-root": (_, { kernel }) => {
    kernel.setGroups([]);
    kernel.setGid(0);
    kernel.setUid(0);
  },
  "open-cgroups": ({ paths }, { kernel }) => ({
    cgroups: kernel.openCgroups(paths),
  }),
  "join-cgroups": (_, { kernel, cgroups }) => kernel.joinCgroups(cgroups),
  mount: ({ mount }, { kernel }) => kernel.mount(mount),
  "mount-inside": ({ root, path, mount }, walk) => {
    const place = { root, path, source: null, kind: "directory" } as const;
    mountOn(walk, mountPointFor(walk, place), mount);
  },
  "make-mount-point": (action, walk) => void mountPointFor(walk, action),
  bind: (action, walk) => bind(walk, action),
  "pivot-root": ({ root }, { kernel }) => pivotRoot(kernel, root),
  "make-directory": ({ path, permissions }, { kernel }) => {
    makeDirectories(kernel, path, permissions);
  },
  device: (action, { kernel }) => makeDevice(kernel, action),
  chown: ({ path, hostUid, hostGid }, { kernel }) => kernel.lchown(path, hostUid, hostGid),
  symlink: ({ target, path }, { kernel }) => kernel.symlink(target, path),
  write: ({ path, text }, { kernel }) => kernel.writeFile(path, text, "existing"),
  mask: (action, { kernel }) => void applyPathStep(kernel, action),
  "read-only": (action, { kernel }) => void applyPathStep(kernel, action),
  "link-up": ({ name }, { kernel }) => kernel.changeLink(name, { up: true }),
  hostname: ({ name }, { kernel }) => kernel.setHostname(name),
  domainname: ({ name }, { kernel }) => kernel.setDomainname(name),
  session: (_, { kernel }) => kernel.setSession(),
  terminal: (action, walk) => openTerminal(action, walk),
  "resource-limit": ({ limit }, { kernel }) => kernel.setResourceLimit(limit),
  chdir: ({ path }, { kernel }) => kernel.chdir(path),
  workdir: ({ path }, { kernel }) => {
    if (!path.startsWith("/")) throw relativeWorkdir(path);
    kernel.chdir(path);
  },
  "bounding-set": ({ capabilities }, { kernel }) => kernel.setBoundingSet(capabilities),
  "look-up-user": ({ user, additionalGroups }, { kernel }) => ({
    identity: resolveIdentity(user, additionalGroups, {
      passwd: readTextIfPresent(kernel, "/etc/passwd"),
      group: readTextIfPresent(kernel, "/etc/group"),
    }),
  }),
  "own-stdio": ({ gid }, { kernel, identity }) => ownStdio(kernel, identity, gid),
  user: (_, { kernel, identity }) => {
    kernel.setGroups(identity.groups);
    kernel.setGid(identity.gid);
    kernel.setUid(identity.uid);
  },
  capabilities: ({ root, others }, { kernel, identity }) => {
    kernel.setCapabilities(identity.uid === 0 ? root : others);
  },
  "no-new-privileges": (_, { kernel }) => kernel.setNoNewPrivileges(),
  seccomp: ({ program }, { kernel }) => kernel.installSeccomp(program),
  exec: ({ argv, env }, { kernel, identity }) => ({
    program: execCommand(kernel, argv, withHome(env, identity.home)),
  }),
};

/**
 * Walks a plan in the child that `Processes.spawn` made.
 *
 * @param inside what the child has
 * @param plan ends with `exec`
 * @param userNamespace the handle of the user namespace that the plan enters, if it does
 * @returns what the child is to become
 * @throws RuntimeError saying which step failed and why
 */
export function runInit(inside: Inside, plan: InitPlan, userNamespace: number | null): Program {
  const start = { cgroups: [], known: new Map(), identity: ROOT, program: undefined };
  let walk: Walk = { ...start, kernel: inside.kernel, inside, userNamespace };
  for (const step of plan) {
    enterContext(inside.kernel, { concept: step.concept, operation: step.why });
    try {
      const learned = perform(step, walk);
      if (learned !== undefined) walk = { ...walk, ...learned };
    } catch (error) {
      throw describeFailure(step, error);
    }
  }
  if (walk.program === undefined) throw new Error("bug: a plan that does not end with exec");
  return walk.program;
}

function perform(step: InitStep, walk: Walk): Learned {
  // The table has for each op a function of exactly that action; TypeScript cannot follow a lookup
  // by a union.
  const operation = OPERATIONS[step.op] as (action: InitAction, walk: Walk) => Learned;
  return operation(step, walk);
}

function enterNamespaces(step: NamespaceStep, { kernel, userNamespace }: Walk): void {
  applyNamespaceStep(kernel, step, userNamespace);
}

function mountPointFor(
  { kernel, known }: Walk,
  place: Omit<Extract<InitAction, { readonly op: "make-mount-point" }>, "op">,
): string {
  const { root, path, source, kind } = place;
  const target = resolveInRoot(kernel, root, path, known);
  makeMountPoint(kernel, target, kind ?? kindOf(kernel, source), known);
  return target;
}

function kindOf(kernel: Kernel, source: string | null): MountKind {
  if (source === null) return "directory";
  return kernel.stat(source).type === "directory" ? "directory" : "file";
}

function mountOn({ kernel, known }: Walk, target: string, mount: Omit<MountCall, "target">): void {
  kernel.mount({ ...mount, target });
  noteMount(known, target, mount.fstype);
}

function bind(walk: Walk, action: Extract<InitAction, { readonly op: "bind" }>): void {
  const { source, recursive, flags, propagation } = action;
  const target = mountPointFor(walk, action);
  const call = { source: "", target, fstype: "", data: "" };
  mountOn(walk, target, {
    ...call,
    source,
    flags: recursive ? ["MS_BIND", "MS_REC"] : ["MS_BIND"],
  });
  const { kernel } = walk;
  if (flags.length > 0) kernel.mount({ ...call, flags: ["MS_BIND", "MS_REMOUNT", ...flags] });
  if (propagation.length > 0) kernel.mount({ ...call, flags: propagation });
}

/**
 * The old root ends up under the new one at the same place, `/`, and is detached: nothing has to be
 * made for it.
 */
function pivotRoot(kernel: Kernel & Self, root: string): void {
  kernel.chdir(root);
  kernel.pivotRoot(".", ".");
  kernel.umount(".", "detach");
  kernel.chdir("/");
}

function makeDirectories(
  kernel: Pick<Kernel, "statIfPresent" | "mkdir">,
  path: string,
  permissions: number,
): void {
  const type = kernel.statIfPresent(path)?.type;
  if (type === "directory") return;
  if (type === undefined) {
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "") makeDirectories(kernel, parent, permissions);
    kernel.mkdir(path, permissions);
    return;
  }
  throw new RuntimeError({
    code: "workdir-invalid",
    class: "invalid",
    message: `Cannot mkdir: ${path} is not a directory`,
    operation: "make directory",
    subject: path,
    errno: "ENOTDIR",
    hint: "A file is in the way: choose another directory.",
  });
}

function makeDevice(
  kernel: Kernel,
  { path, node, uid, gid }: Extract<InitAction, { readonly op: "device" }>,
): void {
  try {
    kernel.mknod(path, node);
  } catch (error) {
    if (isErrno(error, "EEXIST")) kernel.unlink(path);
    else if (isErrno(error, "ENOENT")) {
      makeDirectories(kernel, path.slice(0, path.lastIndexOf("/")), 0o755);
    } else throw error;
    kernel.mknod(path, node);
  }
  if (uid !== 0 || gid !== 0) kernel.lchown(path, uid, gid);
}

function openTerminal(
  { ptmxPath, consolePath }: Extract<InitAction, { readonly op: "terminal" }>,
  { kernel, inside }: Walk,
): void {
  const { slavePath, masterFd } = kernel.openTerminal(ptmxPath);
  inside.handOver(masterFd);
  if (consolePath === null) return;
  makeMountPoint(kernel, consolePath, "file");
  const flags = ["MS_BIND"] as const;
  kernel.mount({ source: slavePath, target: consolePath, fstype: "", flags, data: "" });
}

/**
 * In a user namespace the pipes belong to somebody outside, and stay theirs: they are open already.
 */
function ownStdio(kernel: Self, { uid, gid }: Identity, stdioGid: number | null): void {
  if (uid === 0) return;
  try {
    kernel.ownStdio(uid, stdioGid ?? gid);
  } catch (error) {
    if (!isErrno(error, "EPERM", "EINVAL")) throw error;
  }
}

function readTextIfPresent(kernel: Pick<Kernel, "readText">, path: string): string | undefined {
  try {
    return kernel.readText(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

function withHome(env: readonly string[], home: string): readonly string[] {
  const hasHome = env.some((variable) => variable.startsWith("HOME=") && variable !== "HOME=");
  return hasHome
    ? env
    : [...env.filter((variable) => !variable.startsWith("HOME=")), `HOME=${home}`];
}
