/**
 * Seccomp profiles: which system calls a container may make, as Docker writes them down.
 *
 * A profile is a default action and a list of rules. A rule names system calls, may look at their
 * arguments, and may count only for containers that have certain capabilities, for certain
 * machines, or from a kernel version on. This file reads Docker's JSON; `seccomp-filter.ts` decides
 * which rules count, `seccomp-compile.ts` makes the program.
 *
 * Kernel interface: seccomp(2).
 * Specification: OCI runtime-spec v1.2, config-linux.md, "Seccomp"; Docker's profile format.
 * Invariants: none; the reader's rules are in `seccomp-profile.test.ts`.
 * Left out: SCMP_ACT_NOTIFY and listeners, which need a supervisor process; filter flags.
 * Docs: docs/concepts/seccomp.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";

/** What happens to a system call. */
export type SeccompAction =
  | { readonly kind: "allow" | "log" | "trap" | "kill-thread" | "kill-process" }
  /** The call fails with this errno number. */
  | { readonly kind: "errno"; readonly errno: number }
  /** A tracer decides; without one the call fails with ENOSYS. */
  | { readonly kind: "trace"; readonly message: number };

/** How an argument is compared, unsigned. MASKED_EQ: (argument & value) == valueTwo. */
export type SeccompComparison =
  | "SCMP_CMP_NE"
  | "SCMP_CMP_LT"
  | "SCMP_CMP_LE"
  | "SCMP_CMP_EQ"
  | "SCMP_CMP_GE"
  | "SCMP_CMP_GT"
  | "SCMP_CMP_MASKED_EQ";

/** One condition on one of six 64-bit arguments. */
export interface SeccompCondition {
  readonly index: number;
  readonly op: SeccompComparison;
  readonly value: bigint;
  readonly valueTwo: bigint;
}

/** When a rule counts at all. */
export interface SeccompScope {
  /** Capabilities of the bounding set: all of them to include, any of them to exclude. */
  readonly caps: readonly string[];
  /** Machines as Go names them ("amd64"): any of them. */
  readonly arches: readonly string[];
  /** At least this kernel, for example "4.8"; empty for any. */
  readonly minKernel: string;
}

/** One rule: for each of these calls, if all conditions hold, the action. */
export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  readonly args: readonly SeccompCondition[];
  readonly includes: SeccompScope;
  readonly excludes: SeccompScope;
}

/** A profile, complete. */
export interface SeccompProfile {
  readonly defaultAction: SeccompAction;
  readonly rules: readonly SeccompRule[];
  /** A list of SCMP_ARCH_… names, or for each of them the others that its kernel also serves. */
  readonly architectures: ReadonlyMap<string, readonly string[]> | readonly string[];
}

const EPERM = 1;

/** No restriction. */
export const ANY_SCOPE: SeccompScope = { caps: [], arches: [], minKernel: "" };

function invalid(problem: string, subject: string, cause?: unknown): RuntimeError {
  return new RuntimeError({
    code: "seccomp-profile-invalid",
    class: "invalid",
    message: `Decoding seccomp profile failed: ${problem}`,
    operation: "read the seccomp profile",
    subject,
    hint: "Compare it with Docker's format: defaultAction, archMap, syscalls.",
    cause,
  });
}

type Json = Readonly<Record<string, unknown>>;

function objectOf(value: unknown, where: string): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw invalid(`${where} must be an object`, where);
  }
  return value as Json; // Every field is unknown and checked by its reader.
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`${where} must be a list`, where);
  return value;
}

function textOf(value: unknown, where: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw invalid(`${where} must be a string`, where);
  return value;
}

function textsOf(value: unknown, where: string): readonly string[] {
  return listOf(value, where).map((item) => textOf(item, where));
}

function unsignedOf(value: unknown, where: string, bits: number): bigint {
  if (value === undefined || value === null) return 0n;
  const text = typeof value === "number" ? String(value) : textOf(value, where);
  const number = /^\d+$/.test(text) ? BigInt(text) : -1n;
  if (number < 0n || number !== BigInt.asUintN(bits, number)) {
    throw invalid(`${where} must be an unsigned number of ${bits} bits`, where);
  }
  return number;
}

function actionOf(name: unknown, errnoRet: unknown, where: string): SeccompAction {
  const number = Number(unsignedOf(errnoRet ?? EPERM, `${where}.errnoRet`, 16));
  switch (name) {
    case "SCMP_ACT_ALLOW":
      return { kind: "allow" };
    case "SCMP_ACT_LOG":
      return { kind: "log" };
    case "SCMP_ACT_TRAP":
      return { kind: "trap" };
    case "SCMP_ACT_KILL":
    case "SCMP_ACT_KILL_THREAD":
      return { kind: "kill-thread" };
    case "SCMP_ACT_KILL_PROCESS":
      return { kind: "kill-process" };
    case "SCMP_ACT_ERRNO":
      return { kind: "errno", errno: number };
    case "SCMP_ACT_TRACE":
      return { kind: "trace", message: number };
    default:
      throw invalid(`${where}: unknown action ${JSON.stringify(name)}`, where);
  }
}

const COMPARISONS: readonly SeccompComparison[] = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
];

function conditionOf(value: unknown, where: string): SeccompCondition {
  const json = objectOf(value, where);
  const index = Number(unsignedOf(json["index"], `${where}.index`, 32));
  if (index > 5) throw invalid(`${where}.index must be 0 to 5`, where);
  const op = COMPARISONS.find((comparison) => comparison === json["op"]);
  if (op === undefined) throw invalid(`${where}: unknown op ${JSON.stringify(json["op"])}`, where);
  return {
    index,
    op,
    value: unsignedOf(json["value"], `${where}.value`, 64),
    valueTwo: unsignedOf(json["valueTwo"], `${where}.valueTwo`, 64),
  };
}

function scopeOf(value: unknown, where: string): SeccompScope {
  const json = objectOf(value, where);
  const minKernel = textOf(json["minKernel"], `${where}.minKernel`);
  if (minKernel !== "" && !/^\d+\.\d+$/.test(minKernel)) {
    throw invalid(`${where}.minKernel must be like 4.8`, where);
  }
  return {
    caps: textsOf(json["caps"], `${where}.caps`),
    arches: textsOf(json["arches"], `${where}.arches`),
    minKernel,
  };
}

function ruleOf(value: unknown, where: string): SeccompRule {
  const json = objectOf(value, where);
  const name = textOf(json["name"], `${where}.name`);
  const names = textsOf(json["names"], `${where}.names`);
  if (name !== "" && names.length > 0) {
    throw invalid("'name' and 'names' were specified in the seccomp profile, use either", where);
  }
  const args = listOf(json["args"], `${where}.args`);
  return {
    names: name === "" ? names : [name],
    action: actionOf(json["action"], json["errnoRet"], where),
    args: args.map((item, at) => conditionOf(item, `${where}.args[${at}]`)),
    includes: scopeOf(json["includes"], `${where}.includes`),
    excludes: scopeOf(json["excludes"], `${where}.excludes`),
  };
}

function architecturesOf(json: Json): SeccompProfile["architectures"] {
  const list = textsOf(json["architectures"], "architectures");
  const map = listOf(json["archMap"], "archMap").map((item, at) => {
    const entry = objectOf(item, `archMap[${at}]`);
    const architecture = textOf(entry["architecture"], `archMap[${at}].architecture`);
    return [architecture, textsOf(entry["subArchitectures"], `archMap[${at}]`)] as const;
  });
  if (list.length > 0 && map.length > 0) {
    throw invalid("both 'architectures' and 'archMap' are specified, use either", "archMap");
  }
  return map.length > 0 ? new Map(map) : list;
}

/** Numbers beyond 2⁵³ as strings: JSON.parse would round them, and arguments are 64 bits wide. */
function quoteLargeNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\d{16,}/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
}

/**
 * Reads a profile in Docker's JSON format.
 *
 * @throws RuntimeError `seccomp-profile-invalid` (400), which says where
 * @example parseSeccompProfile('{"defaultAction":"SCMP_ACT_ALLOW"}').rules // []
 */
export function parseSeccompProfile(text: string): SeccompProfile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(quoteLargeNumbers(text));
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : "not JSON", text.slice(0, 60), cause);
  }
  if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed)) {
    throw invalid("it must be an object", text.slice(0, 60));
  }
  const json = objectOf(parsed, "profile");
  return {
    defaultAction: actionOf(json["defaultAction"], json["defaultErrnoRet"], "defaultAction"),
    rules: listOf(json["syscalls"], "syscalls").map((rule, at) => ruleOf(rule, `syscalls[${at}]`)),
    architectures: architecturesOf(json),
  };
}
