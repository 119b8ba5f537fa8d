/**
 * Namespace plan: in which order to join or create them.
 *
 * A namespace gives a process its own view of one kernel resource. A process gets there in three
 * ways: a child is born into a PID namespace (it cannot move into one itself), `setns` joins one
 * that exists, `unshare` makes a new one. The order matters, and it is all that this file decides:
 *
 *     spawn   pid       the parent arranges it; PID 1 is whoever is born first
 *     join    others'   takes privileges over their owner, which a new user namespace takes away
 *     enter   user      a new one, made by the parent with its id maps: nobody is root without them
 *     create  mnt uts ipc net   in one call, now owned by the new user namespace
 *     …       the container's root file system is built, the cgroup is joined
 *     create  cgroup    its root is the cgroup that the process is in at this moment
 *
 * Kernel interface: clone(2), unshare(2), setns(2), user_namespaces(7), cgroup_namespaces(7).
 * Specification: OCI runtime-spec v1.2, config-linux.md, "Namespaces".
 * Invariants:
 *   userns-first    a new user namespace is entered before any other but the PID namespace is made
 *   plan-is-total   every requested namespace appears in the plan exactly once, and no other does
 *   joins-first     everything that is joined is joined before the first namespace is made
 * Left out: time namespaces, which also need their offsets written before the first task enters. A
 * new PID namespace is made by the parent, so that it belongs to the parent's user namespace: mount
 * proc before entering a new one.
 * Docs: docs/concepts/namespaces.md
 *
 * @module
 */

import type { HostPid, NamespaceFlag, Self } from "../kernel/index.ts";
import { NAMESPACE_KINDS } from "./modes.ts";
import type { NamespaceKind } from "./modes.ts";

/** What to do about one kind: make a new one, keep the creator's, or join that of a process. */
export type NamespaceChoice = "private" | "host" | { readonly join: HostPid };

/** One choice for each kind. */
export type NamespaceRequest = Readonly<Record<NamespaceKind, NamespaceChoice>>;

/** One call that the new process makes about itself. */
export type NamespaceStep =
  | {
      readonly op: "join-namespaces";
      readonly hostPid: HostPid;
      readonly flags: readonly NamespaceFlag[];
    }
  | { readonly op: "unshare"; readonly flags: readonly NamespaceFlag[] }
  /** Enter a new user namespace, which somebody outside has made and given its id maps. */
  | { readonly op: "enter-user-namespace" };

/** The whole order; see the head of this file. */
export interface NamespacePlan {
  /** For `SpawnOptions.pidNamespace`. */
  readonly pidNamespace: "inherit" | "new" | HostPid;
  /** The first things that the new process does. */
  readonly entering: readonly NamespaceStep[];
  /** What it does after it has joined its cgroup. */
  readonly afterCgroup: readonly NamespaceStep[];
}

/** The flag of clone(2) for each kind. */
export const NAMESPACE_FLAGS: Readonly<Record<NamespaceKind, NamespaceFlag>> = {
  mnt: "CLONE_NEWNS",
  uts: "CLONE_NEWUTS",
  ipc: "CLONE_NEWIPC",
  net: "CLONE_NEWNET",
  pid: "CLONE_NEWPID",
  cgroup: "CLONE_NEWCGROUP",
  user: "CLONE_NEWUSER",
};

function pidNamespaceOf(choice: NamespaceChoice): NamespacePlan["pidNamespace"] {
  if (choice === "host") return "inherit";
  return choice === "private" ? "new" : choice.join;
}

/**
 * How late a set of joins must come: after a mount namespace paths differ, after a user namespace
 * privileges do.
 */
function lateness(flags: readonly NamespaceFlag[]): number {
  return (flags.includes("CLONE_NEWNS") ? 1 : 0) + (flags.includes("CLONE_NEWUSER") ? 2 : 0);
}

/**
 * One setns(2) per process that is joined. The kernel checks a set of namespaces of one process
 * together, so a user namespace and what it owns are joined in the same call; a call that takes a
 * user namespace comes last.
 */
function planJoins(request: NamespaceRequest): NamespaceStep[] {
  const flagsByPid = new Map<HostPid, NamespaceFlag[]>();
  for (const kind of NAMESPACE_KINDS) {
    const choice = request[kind];
    if (kind === "pid" || typeof choice === "string") continue;
    const flags = flagsByPid.get(choice.join) ?? [];
    flags.push(NAMESPACE_FLAGS[kind]);
    flagsByPid.set(choice.join, flags);
  }
  return [...flagsByPid]

    .toSorted(([, left], [, right]) => lateness(left) - lateness(right))
    .map(([hostPid, flags]) => ({ op: "join-namespaces", hostPid, flags }));
}

function planCreations(request: NamespaceRequest): NamespaceStep[] {
  const steps: NamespaceStep[] = [];
  if (request.user === "private") {
    steps.push({ op: "enter-user-namespace" });
  }
  const flags = NAMESPACE_KINDS.filter(
    (kind) => kind !== "user" && kind !== "pid" && kind !== "cgroup" && request[kind] === "private",
  ).map((kind) => NAMESPACE_FLAGS[kind]);
  if (flags.length > 0) steps.push({ op: "unshare", flags });
  return steps;
}

/**
 * Puts a request in order. Pure: the result is data for an init plan.
 *
 * @example
 * planNamespaces({ ...HOST_NAMESPACES, mnt: "private", net: "private" }).entering
 * // [{ op: "unshare", flags: ["CLONE_NEWNS", "CLONE_NEWNET"] }]
 */
export function planNamespaces(request: NamespaceRequest): NamespacePlan {
  return {
    pidNamespace: pidNamespaceOf(request.pid),
    entering: [...planJoins(request), ...planCreations(request)],
    afterCgroup:
      request.cgroup === "private" ? [{ op: "unshare", flags: ["CLONE_NEWCGROUP"] }] : [],
  };
}

/** The host's namespace of every kind. */
export const HOST_NAMESPACES: NamespaceRequest = {
  mnt: "host",
  uts: "host",
  ipc: "host",
  net: "host",
  pid: "host",
  cgroup: "host",
  user: "host",
};

/**
 * What an exec process does: joins the namespaces of one process.
 *
 * @param kinds those in which the process differs from the caller (`differingKinds`): joining the
 * user namespace that one is already in is EINVAL
 */
export function requestToJoin(hostPid: HostPid, kinds: readonly NamespaceKind[]): NamespaceRequest {
  const request: Record<NamespaceKind, NamespaceChoice> = { ...HOST_NAMESPACES };
  for (const kind of kinds) request[kind] = { join: hostPid };
  return request;
}

/**
 * Carries one step out in the process that enters.
 *
 * @param userNamespace the handle of the new user namespace, when one was planned
 * @throws KernelError as unshare(2) and setns(2) do; steps already taken stay taken, the process
 * must exit
 */
export function applyNamespaceStep(
  self: Pick<Self, "unshare" | "joinNamespaces" | "joinUserNamespace">,
  step: NamespaceStep,
  userNamespace: number | null,
): void {
  switch (step.op) {
    case "join-namespaces":
      return self.joinNamespaces(step.hostPid, step.flags);
    case "unshare":
      return self.unshare(step.flags);
    case "enter-user-namespace":
      if (userNamespace === null) throw new Error("bug: a user namespace was planned, none made");
      return self.joinUserNamespace(userNamespace);
  }
}
