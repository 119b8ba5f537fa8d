/**
 * Credentials: users, groups and capabilities of the calling process, and the ways to give them up.
 *
 * Everything is set with the kernel's own calls on the calling thread, which in a child is
 * the only one. The order matters to callers: the bounding set needs CAP_SETPCAP, groups before
 * users, and capabilities last, because changing the user from root clears the effective ones.
 * PR_SET_KEEPCAPS keeps the permitted ones over that change.
 *
 * Kernel interface: capabilities(7), capget(2), capset(2), prctl(2), setgroups(2), setresgid(2),
 * setresuid(2).
 * Invariants: none.
 * Left out: securebits(7): a container's root gets its capabilities by the usual rules.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { KernelError, type CapabilitySets, type Self } from "../port.ts";
import { capabilityName, capabilityNumber, maskOfNames, namesOfMask } from "../capability-names.ts";
import { check, type Libc } from "./libc.ts";

const PR_SET_KEEPCAPS = 8;
const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_IS_SET = 1;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;

type Credentials = Pick<
  Self,
  "setGroups" | "setGid" | "setUid" | "setBoundingSet" | "setCapabilities" | "getCapabilities"
>;

/** The credential calls of `Self` on Linux. */
export function linuxCredentials(libc: Libc): Credentials {
  return {
    setGroups: (gids) => {
      const list = new Uint32Array(gids);
      check(libc.rawMask("setgroups", list.length, list, null, 0), "setgroups", gids.join(","));
    },
    setGid: (gid) => {
      check(libc.raw("setresgid", gid, gid, gid), "setresgid", String(gid));
    },
    setUid: (uid) => {
      check(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl", "PR_SET_KEEPCAPS");
      check(libc.raw("setresuid", uid, uid, uid), "setresuid", String(uid));
    },
    setBoundingSet: (capabilities) => setBoundingSet(libc, capabilities),
    setCapabilities: (sets) => setCapabilities(libc, sets),
    getCapabilities: () => getCapabilities(libc),
  };
}

/**
 * The capabilities of the bounding set: the running kernel refuses to tell about one that it does
 * not know.
 */
function boundingSet(libc: Libc): readonly string[] {
  const names: string[] = [];
  for (let number = 0; ; number++) {
    const held = libc.prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (held < 0) return names;
    if (held === 1) names.push(capabilityName(number));
  }
}

function setBoundingSet(libc: Libc, capabilities: readonly string[]): void {
  const kept = new Set(capabilities);
  numbersOf("prctl", capabilities);
  for (const name of boundingSet(libc)) {
    if (kept.has(name)) continue;
    const number = capabilityNumber(name) ?? Number(name.slice("CAP_".length));
    check(libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0), "prctl", name);
  }
}

function setCapabilities(libc: Libc, sets: CapabilitySets): void {
  const effective = mask("capset", sets.effective);
  const permitted = mask("capset", sets.permitted);
  const inheritable = mask("capset", sets.inheritable);
  const ambient = numbersOf("prctl", sets.ambient);
  const data = new Uint32Array([
    effective.low,
    permitted.low,
    inheritable.low,
    effective.high,
    permitted.high,
    inheritable.high,
  ]);
  check(libc.rawPair("capset", capabilityHeader(), data), "capset", sets.permitted.join(","));
  const clear = [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0] as const;
  check(libc.prctl(...clear), "prctl", "PR_CAP_AMBIENT_CLEAR_ALL");
  for (const number of ambient) {
    const raised = libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0);
    check(raised, "prctl", capabilityName(number));
  }
}

function getCapabilities(libc: Libc): CapabilitySets {
  const data = new Uint32Array(6);
  check(libc.rawPair("capget", capabilityHeader(), data), "capget", "0");
  const [effectiveLow = 0, permittedLow = 0, inheritableLow = 0] = data;
  const [effectiveHigh = 0, permittedHigh = 0, inheritableHigh = 0] = data.subarray(3);
  const permitted = namesOfMask(permittedLow, permittedHigh);
  const isAmbient = (name: string): boolean => {
    const number = capabilityNumber(name) ?? Number(name.slice("CAP_".length));
    return libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0) === 1;
  };
  return {
    bounding: boundingSet(libc),
    permitted,
    effective: namesOfMask(effectiveLow, effectiveHigh),
    inheritable: namesOfMask(inheritableLow, inheritableHigh),
    ambient: permitted.filter(isAmbient),
  };
}

/**
 * Version and pid; 0 is the calling thread. The kernel writes into it when it does not know the
 * version.
 */
function capabilityHeader(): Uint32Array {
  return new Uint32Array([LINUX_CAPABILITY_VERSION_3, 0]);
}

function mask(syscall: string, names: readonly string[]): { low: number; high: number } {
  const words = maskOfNames(names);
  if ("unknown" in words) throw new KernelError(syscall, "EINVAL", words.unknown);
  return words;
}

function numbersOf(syscall: string, names: readonly string[]): readonly number[] {
  return names.map((name) => {
    const number = capabilityNumber(name);
    if (number === undefined) throw new KernelError(syscall, "EINVAL", name);
    return number;
  });
}
