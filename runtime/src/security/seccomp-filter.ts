/**
 * Seccomp filter: the rules of a profile that count here, by number.
 *
 * A profile speaks of names, capabilities and machines; a filter speaks of numbers. This file
 * resolves one into the other, and says what a filter decides (`evaluateFilter`), in the plainest
 * way: it is the meaning that the compiled program is tested against. As in runc and libseccomp:
 * a rule that repeats the default action is dropped, a call's unconditional rule beats its
 * conditional ones, and a number above all that the profile names is a call that the profile's
 * author could not know: it fails with ENOSYS, so that programs fall back to an older call.
 *
 * Kernel interface: seccomp(2), linux/audit.h.
 * Specification: OCI runtime-spec v1.2, config-linux.md, "Seccomp".
 * Invariants:
 *   seccomp-default-is-docker  our default profile decides as Docker's, for all capability sets
 * Left out: libseccomp's translation of socketcall(2) and ipc(2) on i386, which the default profile
 * allows anyway. Where conditional rules of one call differ in action, the first that holds wins.
 * libseccomp compares only 32 bits of an argument for i386 and x32; we compare 64 everywhere.
 * Docs: docs/concepts/seccomp.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { SeccompData } from "./bpf.ts";
import type {
  SeccompAction,
  SeccompComparison,
  SeccompCondition,
  SeccompProfile,
  SeccompRule,
  SeccompScope,
} from "./seccomp-profile.ts";
import { syscallNumbers } from "./syscall-numbers.ts";
import type { SyscallTable } from "./syscall-numbers.ts";

/** What the machine and the container are. */
export interface FilterFacts {
  /** As uname(2) says: "x86_64" or "aarch64". */
  readonly machine: string;
  /** As uname(2) says: "6.1.0-18-amd64". */
  readonly kernelRelease: string;
  /** The container's bounding set. */
  readonly capabilities: readonly string[];
}

/** One rule for one call: when all conditions hold, the action. */
export interface FilterRule {
  readonly action: SeccompAction;
  readonly conditions: readonly SeccompCondition[];
}

/** The rules for calls that are made by one table. */
export interface FilterTable {
  readonly table: SyscallTable;
  /** AUDIT_ARCH_… of linux/audit.h, which the kernel puts into `seccomp_data.arch`. */
  readonly auditArch: number;
  /** Bits that every number of this table has: bit 30 for x32, else none. */
  readonly numberBits: number;
  readonly rules: ReadonlyMap<number, readonly FilterRule[]>;
  /** The highest number, without `numberBits`, that the profile knows. */
  readonly highestKnown: number;
}

/** A profile, resolved. */
export interface SeccompFilter {
  readonly tables: readonly FilterTable[];
  readonly defaultAction: SeccompAction;
  /** For numbers above `highestKnown`. */
  readonly unknownAction: SeccompAction;
  /** For calls by a table that is not among `tables`: they could walk around its rules. */
  readonly foreignAction: SeccompAction;
}

const ENOSYS = 38;

interface Architecture {
  readonly scmpName: string;
  /** As Go and Docker's profiles call it. */
  readonly goName: string;
}

const MACHINES: Readonly<Record<string, Architecture>> = {
  x86_64: { scmpName: "SCMP_ARCH_X86_64", goName: "amd64" },
  aarch64: { scmpName: "SCMP_ARCH_AARCH64", goName: "arm64" },
};

const AUDIT_ARCH_X86_64 = 0xc000003e;

/** Set in every number of an x32 call, which otherwise looks like one of x86_64. */
export const X32_BIT = 0x40000000;

/** In the order in which a program asks for them: the native table first. */
const TABLES: readonly Pick<FilterTable, "table" | "auditArch" | "numberBits">[] = [
  { table: "X86_64", auditArch: AUDIT_ARCH_X86_64, numberBits: 0 },
  { table: "X32", auditArch: AUDIT_ARCH_X86_64, numberBits: X32_BIT },
  { table: "X86", auditArch: 0x40000003, numberBits: 0 },
  { table: "AARCH64", auditArch: 0xc00000b7, numberBits: 0 },
  { table: "ARM", auditArch: 0x40000028, numberBits: 0 },
];

function architectureOf(machine: string): Architecture {
  const architecture = MACHINES[machine];
  if (architecture !== undefined) return architecture;
  throw new RuntimeError({
    code: "seccomp-profile-invalid",
    class: "not-implemented",
    message: `Cannot make a seccomp filter for ${machine}`,
    operation: "resolve the seccomp profile",
    subject: machine,
    hint: "Filters exist for x86_64 and aarch64; run with --security-opt seccomp=unconfined.",
  });
}

function isKernelAtLeast(release: string, minimum: string): boolean {
  const [major = 0, minor = 0] = release.split(/[^0-9]+/).map(Number);
  const [minMajor = 0, minMinor = 0] = minimum.split(".").map(Number);
  return major > minMajor || (major === minMajor && minor >= minMinor);
}

/** Docker's rules: every capability to include, any to exclude; any machine, either way. */
function counts(rule: SeccompRule, goName: string, facts: FilterFacts): boolean {
  const { includes, excludes } = rule;
  const has = (capability: string) => facts.capabilities.includes(capability);
  const names = (scope: SeccompScope) => scope.arches.includes(goName);
  const isNew = (scope: SeccompScope) => isKernelAtLeast(facts.kernelRelease, scope.minKernel);
  if (names(excludes) || excludes.caps.some(has)) return false;
  if (excludes.minKernel !== "" && isNew(excludes)) return false;
  if (includes.arches.length > 0 && !names(includes)) return false;
  return includes.caps.every(has) && (includes.minKernel === "" || isNew(includes));
}

function isSameAction(left: SeccompAction, right: SeccompAction): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** As in runc: two conditions on one argument are alternatives, otherwise all must hold. */
function conditionSetsOf(
  args: readonly SeccompCondition[],
): readonly (readonly SeccompCondition[])[] {
  const indexes = new Set(args.map(({ index }) => index));
  return indexes.size < args.length ? args.map((condition) => [condition]) : [args];
}

function resolveTable(
  base: (typeof TABLES)[number],
  rules: readonly SeccompRule[],
  defaultAction: SeccompAction,
): FilterTable {
  const numbers = syscallNumbers(base.table);
  const byNumber = new Map<number, FilterRule[]>();
  let highestKnown = 0;
  for (const rule of rules) {
    for (const name of rule.names) {
      const number = numbers.get(name);
      if (number === undefined) continue;
      highestKnown = Math.max(highestKnown, number);
      if (isSameAction(rule.action, defaultAction)) continue;
      const known = byNumber.get(number) ?? [];
      for (const conditions of conditionSetsOf(rule.args)) {
        known.push({ action: rule.action, conditions });
      }
      byNumber.set(number, known);
    }
  }
  const simplified = [...byNumber].map(([number, known]) => [number, simplify(known)] as const);
  return { ...base, rules: new Map(simplified), highestKnown };
}

/** A call that has an unconditional rule needs no other. */
function simplify(rules: readonly FilterRule[]): readonly FilterRule[] {
  const unconditional = rules.find(({ conditions }) => conditions.length === 0);
  return unconditional === undefined ? rules : [unconditional];
}

function tablesOf(profile: SeccompProfile, scmpName: string): ReadonlySet<string> {
  const { architectures } = profile;
  const others = Array.isArray(architectures)
    ? (architectures as readonly string[]) // Array.isArray does not narrow readonly arrays.
    : ((architectures as ReadonlyMap<string, readonly string[]>).get(scmpName) ?? []);
  return new Set([scmpName, ...others]);
}

/** runc gives unknown calls ENOSYS unless the default lets them pass or says ENOSYS already. */
function unknownActionFor(defaultAction: SeccompAction): SeccompAction {
  const isPermissive = ["allow", "log", "trace"].includes(defaultAction.kind);
  return isPermissive ? defaultAction : { kind: "errno", errno: ENOSYS };
}

/**
 * Resolves a profile for one machine and one container. Names that no table has are skipped, as
 * those of other architectures must be.
 *
 * @throws RuntimeError `seccomp-profile-invalid` (501) on a machine without tables
 * @example resolveFilter(defaultSeccompProfile(), facts).tables.map(({ table }) => table)
 * // ["X86_64", "X32", "X86"]
 */
export function resolveFilter(profile: SeccompProfile, facts: FilterFacts): SeccompFilter {
  const { scmpName, goName } = architectureOf(facts.machine);
  const wanted = tablesOf(profile, scmpName);
  const rules = profile.rules.filter((rule) => counts(rule, goName, facts));
  return {
    tables: TABLES.filter(({ table }) => wanted.has(`SCMP_ARCH_${table}`)).map((base) =>
      resolveTable(base, rules, profile.defaultAction),
    ),
    defaultAction: profile.defaultAction,
    unknownAction: unknownActionFor(profile.defaultAction),
    foreignAction: { kind: "kill-process" },
  };
}

const COMPARE: Readonly<
  Record<SeccompComparison, (argument: bigint, value: bigint, valueTwo: bigint) => boolean>
> = {
  SCMP_CMP_NE: (argument, value) => argument !== value,
  SCMP_CMP_LT: (argument, value) => argument < value,
  SCMP_CMP_LE: (argument, value) => argument <= value,
  SCMP_CMP_EQ: (argument, value) => argument === value,
  SCMP_CMP_GE: (argument, value) => argument >= value,
  SCMP_CMP_GT: (argument, value) => argument > value,
  SCMP_CMP_MASKED_EQ: (argument, value, valueTwo) => (argument & value) === valueTwo,
};

/** Whether one condition holds. */
function holds(condition: SeccompCondition, args: readonly bigint[]): boolean {
  const argument = BigInt.asUintN(64, args[condition.index] ?? 0n);
  return COMPARE[condition.op](argument, condition.value, condition.valueTwo);
}

/** What a filter decides about one call. This is its definition; the compiler must agree. */
export function evaluateFilter(filter: SeccompFilter, data: SeccompData): SeccompAction {
  const nr = data.nr >>> 0;
  const bits = data.arch === AUDIT_ARCH_X86_64 && nr >= X32_BIT ? X32_BIT : 0;
  const table = filter.tables.find(
    ({ auditArch, numberBits }) => auditArch === data.arch && numberBits === bits,
  );
  if (table === undefined) return filter.foreignAction;
  const number = nr - bits;
  if (number > table.highestKnown) return filter.unknownAction;
  const rule = (table.rules.get(number) ?? []).find(({ conditions }) =>
    conditions.every((condition) => holds(condition, data.args)),
  );
  return rule?.action ?? filter.defaultAction;
}
