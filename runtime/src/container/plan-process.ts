/**
 * The process: what a container's program may be and do, the last part of every plan.
 *
 * The order is the substance of this file, and each line of it has a reason:
 *
 *     look up the user      while files can be opened: a limit may soon forbid it
 *     working directory     as root: the user may start where it could not go
 *     join the cgroup       late: from here on every touched page is charged to the container
 *     cgroup namespace      its root is the cgroup of this moment
 *     resource limits       while CAP_SYS_RESOURCE is there to raise them
 *     seccomp               installing it needs CAP_SYS_ADMIN, so it must allow what follows
 *     bounding set          needs CAP_SETPCAP
 *     user                  keeps the permitted capabilities, for the next step
 *     capabilities          exactly the planned sets
 *     parent-death signal   again: changing the user cleared it
 *     exec
 *
 * With no_new_privs the filter needs no capability and comes behind them, so it can be tighter.
 *
 * Kernel interface: setresuid(2), capabilities(7), prctl(2), seccomp(2), execve(2).
 * Specification: OCI runtime-spec v1.2, config.md, "Process".
 * Invariants:
 *   privileges-only-shrink   after the bounding set nothing in a plan needs a capability but
 *     setuid, setgid and setpcap
 *   death-signal-is-last   the parent-death signal is set after the last change of credentials and
 *     before exec
 * Left out: scheduler and io priority, memory policy, personality.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import type { BpfInstruction, ResourceLimit } from "../kernel/index.ts";
import type { NamespaceStep } from "../namespaces/index.ts";
import { parseSecurityOptions, planCapabilities, planResourceLimits } from "../security/index.ts";
import type { CapabilityPlan } from "../security/index.ts";
import { mergeEnv } from "./complete-config.ts";
import type { ContainerConfig, HostConfig } from "./config.ts";
import type { InitAction, InitStep } from "./init-plan.ts";
import type { MachineFacts } from "./plan-input.ts";

/** What the end of a plan depends on. */
export interface ProcessRequest {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly machine: Pick<MachineFacts, "capabilities" | "limits">;
  readonly privileged: boolean;
  readonly seccomp: readonly BpfInstruction[] | null;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  /** Group of the terminal's slave; null: a pipe, or the user's own group. */
  readonly terminalGid: number | null;
  /** `NamespacePlan.afterCgroup`. */
  readonly afterCgroup: readonly NamespaceStep[];
}

/** PATH of a container whose image does not say. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Tells the kernel that this process shall not outlive its keeper. */
export const DIE_WITH_KEEPER: InitStep = {
  op: "parent-death-signal",
  signal: "SIGKILL",
  concept: "container",
  why: "not outlive the keeper",
};

/** Files are made with the permissions that people expect, whatever the engine's own mask. */
export const UMASK: InitStep = {
  op: "umask",
  mask: 0o022,
  concept: "container",
  why: "not inherit the engine's mask",
};

/** Signals and terminals of the engine are not the container's. */
export const NEW_SESSION: InitStep = {
  op: "session",
  concept: "container",
  why: "leave the engine's terminal and signals",
};

/** Root inside, whoever that is outside. */
export const BECOME_ROOT: InitStep = {
  op: "become-root",
  concept: "namespaces",
  why: "be root of the user namespace",
};

/** Opens the files by which a process joins its cgroup. @param paths on the host: `joinFiles` */
export function openCgroups(paths: readonly string[]): InitStep {
  const why = "join later, when these paths are out of reach";
  return { op: "open-cgroups", paths, concept: "cgroups", why };
}

/** A terminal of the container's own devpts. @param consolePath where its slave is bound as well */
export function openTerminal(consolePath: string | null): InitStep {
  const ptmxPath = "/dev/pts/ptmx";
  return { op: "terminal", ptmxPath, consolePath, concept: "container", why: "have a terminal" };
}

/** Writes the score, if one was asked for. */
export function planOomScore(score: number): readonly InitStep[] {
  if (score === 0) return [];
  const why = "say how readily the kernel may kill it";
  const path = "/proc/self/oom_score_adj";
  return [{ op: "write", path, text: String(score), concept: "cgroups", why }];
}

/** The steps from a complete tree to the container's program. */
export function planProcess(request: ProcessRequest): readonly InitStep[] {
  const { argv, env, workingDir, afterCgroup } = request;
  return [
    ...planIdentity(request),
    secure("container", "start where the image says", { op: "workdir", path: workingDir || "/" }),
    secure("cgroups", "count for the container from here on", { op: "join-cgroups" }),
    ...afterCgroup.map((step) => secure("namespaces", "see its own cgroup as the root", step)),
    ...planLimits(request),
    ...planPrivileges(request),
    DIE_WITH_KEEPER,
    secure("container", "become the container's program", { op: "exec", argv, env }),
  ];
}

function secure(concept: InitStep["concept"], why: string, action: InitAction): InitStep {
  return { ...action, concept, why };
}

function planIdentity({ user, hostConfig, terminalGid }: ProcessRequest): readonly InitStep[] {
  const additionalGroups = hostConfig.GroupAdd;
  return [
    secure("security", "know who the user is in the container", {
      op: "look-up-user",
      user,
      additionalGroups,
    }),
    secure("security", "let the user open its own streams again", {
      op: "own-stdio",
      gid: terminalGid,
    }),
  ];
}

function planLimits({ hostConfig, machine }: ProcessRequest): readonly InitStep[] {
  return limitsOf(hostConfig, machine).map((limit) =>
    secure("security", "limit what one process may use", { op: "resource-limit", limit }),
  );
}

function limitsOf(
  { Ulimits }: HostConfig,
  machine: ProcessRequest["machine"],
): readonly ResourceLimit[] {
  const mayRaise = machine.capabilities.includes("CAP_SYS_RESOURCE") ? "yes" : "no";
  return planResourceLimits(Ulimits, { own: machine.limits, mayRaise });
}

function planPrivileges(request: ProcessRequest): readonly InitStep[] {
  const { hostConfig, seccomp } = request;
  const { bounding, root, others } = planContainerCapabilities(request);
  const identity = [
    secure("security", "lower the ceiling for every program to come", {
      op: "bounding-set",
      capabilities: bounding,
    }),
    secure("security", "become the container's user", { op: "user" }),
    secure("security", "keep only what the container needs", {
      op: "capabilities",
      root,
      others,
    }),
  ];
  const filter =
    seccomp === null
      ? []
      : [secure("security", "forbid system calls", { op: "seccomp", program: seccomp })];
  if (parseSecurityOptions(hostConfig.SecurityOpt).noNewPrivileges === "unset") {
    return [...filter, ...identity];
  }
  const seal = secure("security", "let no program gain privileges", { op: "no-new-privileges" });
  return [...identity, seal, ...filter];
}

/** The capability sets of a container's processes; `missing` is worth a warning. */
export function planContainerCapabilities(
  request: Pick<ProcessRequest, "hostConfig" | "machine" | "privileged">,
): CapabilityPlan {
  const { hostConfig, machine, privileged } = request;
  return planCapabilities({
    add: hostConfig.CapAdd,
    drop: hostConfig.CapDrop,
    privilege: privileged ? "privileged" : "normal",
    owned: machine.capabilities,
  });
}

/** Where `--init` puts tini, as Docker. */
export const INIT_PATH = "/sbin/docker-init";

/**
 * What a program of the container finds in its environment; HOME is added by init, who knows the
 * user.
 */
export function planEnvironment(
  config: Pick<ContainerConfig, "Hostname" | "Env">,
  tty: boolean,
): readonly string[] {
  const defaults = [
    `PATH=${DEFAULT_PATH}`,
    `HOSTNAME=${config.Hostname}`,
    ...(tty ? ["TERM=xterm"] : []),
  ];
  return mergeEnv(defaults, config.Env);
}
