/**
 * Credentials: users, groups and capability sets of a process.
 *
 * Power only shrinks: a set can be made smaller by anybody, and larger by nobody but execve(2), for
 * root, within the bounding set.
 *
 * Kernel interface: credentials(7), capabilities(7), prctl(2), setresuid(2).
 * Invariants: see `files/permission.ts`.
 * Left out: real and saved ids that differ from the effective ones; secure bits; file capabilities.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { CapabilitySets, Self } from "../../port.ts";
import { idOutside, isCapable } from "../files/permission.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import type { Credentials, Process, UserNamespace } from "../state.ts";
import { CAPABILITIES } from "../../capability-names.ts";

type Calls = Pick<
  Self,
  "setGroups" | "setGid" | "setUid" | "setBoundingSet" | "setCapabilities" | "getCapabilities"
>;

/** The calls of a process about its credentials. */
export function modelCredentials(process: Process): Calls {
  return {
    setGroups: (gids) => call("setgroups", gids.join(","), () => setGroups(process, gids)),
    setGid: (gid) => call("setresgid", String(gid), () => setGid(process, gid)),
    setUid: (uid) => call("setresuid", String(uid), () => setUid(process, uid)),
    setBoundingSet: (keep) => call("prctl", "PR_CAPBSET_DROP", () => setBounding(process, keep)),
    setCapabilities: (sets) => call("capset", "", () => setCapabilities(process, sets)),
    getCapabilities: () => {
      const { bounding, permitted, effective, inheritable, ambient } = process.credentials;
      return { bounding, permitted, effective, inheritable, ambient };
    },
  };
}

/** Replaces some of a process's credentials. */
export function change(process: Process, changed: Partial<Credentials>): void {
  process.credentials = { ...process.credentials, ...changed };
}

/** All power over a user namespace: what its first process has, and who enters it. */
export function fullCredentials(of: Credentials, userNamespace: UserNamespace): Credentials {
  const all = { bounding: CAPABILITIES, permitted: CAPABILITIES, effective: CAPABILITIES };
  return { ...of, ...all, userNamespace, inheritable: [], ambient: [] };
}

function has(process: Process, capability: string): boolean {
  return isCapable(process.credentials, process.credentials.userNamespace, capability);
}

function outside(process: Process, kind: "uid" | "gid", id: number): number {
  return idOutside(process.credentials.userNamespace, kind, id) ?? refuse("EINVAL");
}

function setGroups(process: Process, gids: readonly number[]): void {
  refuseIf(!has(process, "CAP_SETGID"), "EPERM");
  change(process, { groups: gids.map((gid) => outside(process, "gid", gid)) });
}

function setGid(process: Process, wish: number): void {
  const gid = outside(process, "gid", wish);
  refuseIf(gid !== process.credentials.gid && !has(process, "CAP_SETGID"), "EPERM");
  change(process, { gid });
}

/** The user who is 0 in a process's user namespace. */
function rootOf({ credentials }: Process): number | undefined {
  return idOutside(credentials.userNamespace, "uid", 0);
}

function setUid(process: Process, wish: number): void {
  const uid = outside(process, "uid", wish);
  const before = process.credentials;
  refuseIf(uid !== before.uid && !has(process, "CAP_SETUID"), "EPERM");
  const root = rootOf(process);
  change(process, { uid });
  // What is permitted stays (PR_SET_KEEPCAPS); what is in force follows the user.
  if (before.uid === root && uid !== root) change(process, { effective: [], ambient: [] });
  if (before.uid !== root && uid === root) change(process, { effective: before.permitted });
}

function setBounding(process: Process, keep: readonly string[]): void {
  const { bounding } = process.credentials;
  const kept = bounding.filter((name) => keep.includes(name));
  refuseIf(kept.length < bounding.length && !has(process, "CAP_SETPCAP"), "EPERM");
  change(process, { bounding: kept });
}

const isWithin = (part: readonly string[], whole: readonly string[]): boolean =>
  part.every((name) => whole.includes(name));

/** In the order of their numbers, as the kernel tells them. */
const sorted = (names: readonly string[]): readonly string[] =>
  CAPABILITIES.filter((name) => names.includes(name));

function setCapabilities(process: Process, sets: CapabilitySets): void {
  const { permitted, effective, inheritable, ambient } = sets;
  const named = [...permitted, ...effective, ...inheritable, ...ambient];
  refuseIf(!isWithin(named, CAPABILITIES), "EINVAL");
  const before = process.credentials;
  const mayInherit = has(process, "CAP_SETPCAP")
    ? CAPABILITIES
    : [...before.inheritable, ...before.permitted];
  const isAllowed =
    isWithin(inheritable, mayInherit) &&
    isWithin(inheritable, [...before.inheritable, ...before.bounding]) &&
    isWithin(permitted, before.permitted) &&
    isWithin(effective, permitted);
  refuseIf(!isAllowed, "EPERM");
  change(process, {
    permitted: sorted(permitted),
    effective: sorted(effective),
    inheritable: sorted(inheritable),
    ambient: [],
  });
  // These are calls of their own, one for each: what is set before one is refused stays.
  for (const name of ambient) {
    refuseIf(!permitted.includes(name) || !inheritable.includes(name), "EPERM");
    change(process, { ambient: sorted([...process.credentials.ambient, name]) });
  }
}

/** What a new program has: capabilities(7), "Transformation of capabilities during execve()". */
export function changeForExec(
  process: Process,
  file: { readonly uid: number; readonly gid: number; readonly mode: number },
  mayGain: boolean,
): void {
  const gains = mayGain && !process.noNewPrivileges;
  if (gains && (file.mode & 0o4000) !== 0) change(process, { uid: file.uid, ambient: [] });
  if (gains && (file.mode & 0o2010) === 0o2010) change(process, { gid: file.gid });
  const { uid, bounding, inheritable, ambient } = process.credentials;
  const isRoot = uid === rootOf(process);
  const permitted = isRoot ? sorted([...inheritable, ...bounding]) : ambient;
  change(process, { permitted, effective: permitted });
}
