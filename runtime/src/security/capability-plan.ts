/**
 * Capability plan: which pieces of root's power a container keeps.
 *
 * A container's root is the host's root minus most of its power. `--cap-add` and `--cap-drop`
 * change Docker's default set; `--privileged` takes everything there is. The result is the bounding
 * set, the ceiling that nothing in the container can break through. Root starts with all of it
 * permitted and effective; any other user starts with nothing, as execve(2) would leave it.
 *
 *     exec by root:                               permitted' = inheritable ∪ bounding
 *     exec by others, without file capabilities:  permitted' = ambient = ∅
 *     either with no_new_privs:                   … and nothing that was not permitted before
 *
 * Kernel interface: capabilities(7), capset(2), prctl(2) PR_CAPBSET_DROP.
 * Specification: OCI runtime-spec v1.2, config.md, capabilities; Docker Engine API v1.50, CapAdd.
 * Invariants:
 *   capability-algebra   the result is what Docker's rules say of add and drop, within our own
 *   capabilities-shrink  no exec without file capabilities adds any, but that root gets back what
 *     its bounding set has; that never grows
 * Left out: securebits, and file capabilities in the model of exec beyond their permitted set.
 * Docs: docs/concepts/capabilities.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { CapabilitySets } from "../kernel/index.ts";
import { CAPABILITIES, DEFAULT_CAPABILITIES, sortCapabilities } from "./capability-table.ts";

/** What a container asked for. */
export interface CapabilityRequest {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privilege: "normal" | "privileged";
  /** The engine's own bounding set: nobody can give what he does not have. */
  readonly owned: readonly string[];
}

/** What it gets. */
export interface CapabilityPlan {
  /** The ceiling, and what root gets. */
  readonly bounding: readonly string[];
  /** For a process that runs as uid 0. */
  readonly root: CapabilitySets;
  /** For a process that runs as anybody else. */
  readonly others: CapabilitySets;
  /** What could not be given though the defaults or `ALL` include it. */
  readonly missing: readonly string[];
}

const NAMES: ReadonlySet<string> = new Set(CAPABILITIES.map(({ name }) => name));

/**
 * The full names of what a client wrote: any case, with or without `CAP_`, or `ALL`.
 *
 * @param field "CapAdd" or "CapDrop", for the message
 * @throws RuntimeError `capability-unknown` (400)
 * @example normalizeCapabilities(["net_admin", "ALL"], "CapAdd") // ["CAP_NET_ADMIN", "ALL"]
 */
export function normalizeCapabilities(
  words: readonly string[],
  field: "CapAdd" | "CapDrop",
): readonly string[] {
  return words.map((word) => {
    const upper = word.toUpperCase();
    if (upper === "ALL") return upper;
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (NAMES.has(name)) return name;
    throw new RuntimeError({
      code: "capability-unknown",
      class: "invalid",
      message: `invalid ${field}: unknown capability: "${name}"`,
      operation: "choose capabilities",
      subject: word,
      hint: "capabilities(7) lists them; write them with or without CAP_, or ALL.",
    });
  });
}

/** Docker's rules: ALL in add wins over ALL in drop, and an addition wins over a drop otherwise. */
function tweak(request: CapabilityRequest): readonly string[] {
  if (request.privilege === "privileged") return [...NAMES];
  const drop = new Set(normalizeCapabilities(request.drop, "CapDrop"));
  const add = normalizeCapabilities(request.add, "CapAdd");
  if (add.includes("ALL")) return [...NAMES].filter((name) => !drop.has(name));
  if (drop.has("ALL")) return add;
  return [...DEFAULT_CAPABILITIES.filter((name) => !drop.has(name)), ...add];
}

function refuseUnowned(name: string): RuntimeError {
  return new RuntimeError({
    code: "capability-unavailable",
    class: "denied",
    message: `Cannot add ${name}: the engine does not have it itself`,
    operation: "choose capabilities",
    subject: name,
    hint: "Run the engine with this capability in its bounding set, or do not ask for it.",
  });
}

/**
 * Plans the capability sets of a container's processes.
 *
 * @throws RuntimeError `capability-unknown` for an unknown name (400), or for one that was asked
 * for by name and that the engine does not have (403)
 * @example
 * const owned = CAPABILITIES.map(({ name }) => name);
 * planCapabilities({ add: ["kill"], drop: ["ALL"], privilege: "normal", owned }).bounding
 * // ["CAP_KILL"]
 */
export function planCapabilities(request: CapabilityRequest): CapabilityPlan {
  const owned = new Set(request.owned);
  const wanted = sortCapabilities(tweak(request));
  if (request.privilege === "normal") {
    const unowned = normalizeCapabilities(request.add, "CapAdd").find(
      (name) => name !== "ALL" && !owned.has(name),
    );
    if (unowned !== undefined) throw refuseUnowned(unowned);
  }
  const bounding = wanted.filter((name) => owned.has(name));
  const empty = { inheritable: [], ambient: [] };
  return {
    bounding,
    root: { bounding, permitted: bounding, effective: bounding, ...empty },
    others: { bounding, permitted: [], effective: [], ...empty },
    missing: wanted.filter((name) => !owned.has(name)),
  };
}

/** What execve(2) looks at besides the caller's sets. */
export interface ExecFacts {
  /** Real or effective uid 0 in the user namespace, with securebits as usual. */
  readonly user: "root" | "other";
  /** Permitted file capabilities of the program; usually none. */
  readonly filePermitted: readonly string[];
  readonly noNewPrivileges: "set" | "unset";
}

/**
 * What execve(2) does to the sets of a thread: the rules of capabilities(7) as a pure function.
 *
 * @example transformOnExec(sets, { user: "other", filePermitted: [], noNewPrivileges: "unset" })
 */
export function transformOnExec(before: CapabilitySets, facts: ExecFacts): CapabilitySets {
  const all = facts.user === "root" ? CAPABILITIES.map(({ name }) => name) : null;
  const filePermitted = all ?? facts.filePermitted;
  const fromInheritable = all === null ? [] : before.inheritable;
  const gained = [
    ...fromInheritable,
    ...filePermitted.filter((name) => before.bounding.includes(name)),
  ];
  const allowed =
    facts.noNewPrivileges === "set"
      ? gained.filter((name) => before.permitted.includes(name))
      : gained;
  const ambient = facts.filePermitted.length > 0 ? [] : before.ambient;
  const permitted = sortCapabilities([...allowed, ...ambient]);
  const becomesEffective = all !== null || facts.filePermitted.length > 0;
  return {
    bounding: before.bounding,
    inheritable: before.inheritable,
    ambient,
    permitted,
    effective: becomesEffective ? permitted : ambient,
  };
}
