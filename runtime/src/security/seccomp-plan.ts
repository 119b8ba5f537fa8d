/**
 * Seccomp plan: which program a container gets.
 *
 * A privileged or unconfined container gets none. Everybody else gets the default profile or their
 * own, resolved for the capabilities that the container really has. Compiling takes a few
 * milliseconds, containers mostly ask for the same, so an engine keeps one `SeccompPlanner`.
 *
 * Kernel interface: seccomp(2), prctl(2) PR_SET_NO_NEW_PRIVS.
 * Specification: Docker Engine API v1.50, HostConfig.SecurityOpt "seccomp".
 * Invariants:
 *   seccomp-plan-repeats   the same request gives the same program, remembered or not
 * Left out: sharing programs between engines.
 * Docs: docs/concepts/seccomp.md
 *
 * @module
 */

import type { BpfInstruction } from "../kernel/index.ts";
import { compileFilter } from "./seccomp-compile.ts";
import { defaultSeccompProfile } from "./seccomp-default.ts";
import { resolveFilter } from "./seccomp-filter.ts";
import type { FilterFacts } from "./seccomp-filter.ts";
import { parseSeccompProfile } from "./seccomp-profile.ts";
import type { SecurityOptions } from "./security-options.ts";

/** What a container asked for. */
export interface SeccompRequest {
  readonly profile: SecurityOptions["seccomp"];
  readonly privilege: "normal" | "privileged";
  readonly facts: FilterFacts;
}

/** A program for seccomp(2), or null for no filter. */
export type SeccompProgram = readonly BpfInstruction[] | null;

/**
 * Plans the program of one container.
 *
 * A privileged container is unconfined unless it names a profile of its own, as in Docker.
 *
 * @throws RuntimeError `seccomp-profile-invalid` (400, or 501 on a machine without tables)
 * @example planSeccomp({ profile: "unconfined", privilege: "normal", facts }) // null
 */
export function planSeccomp(request: SeccompRequest): SeccompProgram {
  const { profile, privilege, facts } = request;
  if (profile === "unconfined") return null;
  if (profile === "default" && privilege === "privileged") return null;
  const parsed =
    profile === "default" ? defaultSeccompProfile() : parseSeccompProfile(profile.profile);
  return compileFilter(resolveFilter(parsed, facts));
}

/** `planSeccomp` that remembers. */
export type SeccompPlanner = (request: SeccompRequest) => SeccompProgram;

/**
 * Makes a `planSeccomp` that remembers its last programs, oldest forgotten first.
 *
 * @param capacity how many programs to keep; each has about 500 instructions
 * @example const plan = createSeccompPlanner(16);
 */
export function createSeccompPlanner(capacity: number): SeccompPlanner {
  const remembered = new Map<string, SeccompProgram>();
  return (request) => {
    const key = JSON.stringify(request);
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const program = planSeccomp(request);
    remembered.set(key, program);
    const [oldest] = remembered.keys();
    if (remembered.size > capacity && oldest !== undefined) remembered.delete(oldest);
    return program;
  };
}
