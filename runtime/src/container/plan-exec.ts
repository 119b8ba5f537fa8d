/**
 * Exec plan: one more process in a running container.
 *
 * It shares everything with the container's first process: namespaces, cgroup, filter,
 * capabilities. So there is nothing to build, only to join; the rest of the plan is that of any
 * process (plan-process.ts).
 *
 * The cgroup's files are opened and /proc/self is written to before the mount namespace is joined:
 * the paths are the host's, and in the container's /proc there is no process yet that is us.
 *
 * Kernel interface: setns(2), and what `plan-process.ts` names.
 * Specification: Docker Engine API v1.50, `POST /containers/{id}/exec`.
 * Invariants:
 *   exec-joins-its-target   an exec joins exactly the namespaces and the cgroup of its target
 * Left out: nothing of the target is inherited but what is listed here, for example no personality.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { planNamespaces, requestToJoin } from "../namespaces/index.ts";
import type { NamespacePlan } from "../namespaces/index.ts";
import { mergeEnv } from "./complete-config.ts";
import type { InitPlan, InitStep } from "./init-plan.ts";
import type { ExecPlanInput } from "./plan-input.ts";
import {
  BECOME_ROOT,
  DIE_WITH_KEEPER,
  NEW_SESSION,
  UMASK,
  openCgroups,
  openTerminal,
  planEnvironment,
  planOomScore,
  planProcess,
} from "./plan-process.ts";

/** How to run one more process in a container. */
export interface ExecPlan {
  readonly pidNamespace: NamespacePlan["pidNamespace"];
  readonly init: InitPlan;
}

const TTY_GID = 5;

/**
 * Plans one more process in a running container: the same place, cgroup, filter and capabilities.
 * Pure.
 *
 * @throws RuntimeError command-missing when there is no command
 */
export function planExec(input: ExecPlanInput): ExecPlan {
  const { config, hostConfig, hostPid, kinds, tty, privileged } = input;
  if (input.command.length === 0) throw noCommand();
  const { pidNamespace, entering } = planNamespaces(requestToJoin(hostPid, kinds));
  const join = entering.map((step): InitStep => {
    return { ...step, concept: "namespaces", why: "see what the container sees" };
  });
  const init: InitPlan = [
    DIE_WITH_KEEPER,
    UMASK,
    openCgroups(input.cgroupFiles),
    ...planOomScore(hostConfig.OomScoreAdj),
    ...join,
    ...(kinds.includes("user") ? [BECOME_ROOT] : []),
    NEW_SESSION,
    ...(tty ? [openTerminal(null)] : []),
    ...planProcess({
      config,
      hostConfig,
      machine: input.machine,
      privileged: privileged || hostConfig.Privileged,
      seccomp: input.seccomp,
      argv: input.command,
      env: mergeEnv(planEnvironment(config, tty), input.env),
      user: input.user === "" ? config.User : input.user,
      workingDir: input.workingDir === "" ? config.WorkingDir : input.workingDir,
      terminalGid: tty && !kinds.includes("user") ? TTY_GID : null,
      afterCgroup: [],
    }),
  ];
  return { pidNamespace, init };
}

function noCommand(): RuntimeError {
  return new RuntimeError({
    code: "command-missing",
    class: "invalid",
    message: "No exec command specified",
    operation: "plan exec",
    hint: "Name a program to run in the container.",
  });
}
