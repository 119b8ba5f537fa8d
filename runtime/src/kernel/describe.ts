/**
 * Describing calls: arguments and results as bounded plain data, with nothing in them that must
 * stay secret.
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: hiding secrets in argument vectors: ps(1) shows those as well.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { CallName } from "./calls.ts";

/** What a journal keeps of a value. */
export type JournalValue =
  | string
  | number
  | boolean
  | null
  | readonly JournalValue[]
  | { readonly [key: string]: JournalValue };

/** Options of an overlay mount are the longest text that matters whole. */
const TEXT_MAX = 4096;
const KERNEL_TEXT_MAX = 256;
const LIST_MAX = 128;

/** The calls whose result is worth keeping; of others it is known, or too large. */
const RESULTS: readonly CallName[] = ["readlink", "openCgroups", "openTerminal"];

/** Calls whose arguments need more than cutting. */
const SPECIAL: Partial<Record<CallName, (args: readonly unknown[]) => readonly JournalValue[]>> = {
  writeFile: describeWrite,
  writeEach: describeWrite,
  execve: ([path, argv, env]) => [describe(path), describe(argv), variableNames(env)],
  installSeccomp: ([program]) => [{ instructions: Array.isArray(program) ? program.length : 0 }],
};

/** The arguments of a call as a journal keeps them. */
export function describeArguments(
  name: CallName,
  args: readonly unknown[],
): readonly JournalValue[] {
  return SPECIAL[name]?.(args) ?? args.map(describe);
}

/** The result of a call as a journal keeps it, if it does. */
export function describeResult(name: CallName, result: unknown): JournalValue | undefined {
  return RESULTS.includes(name) ? describe(result) : undefined;
}

/**
 * What is written to an existing kernel file is a request; what is written elsewhere may be
 * anybody's secret.
 */
function describeWrite(args: readonly unknown[]): readonly JournalValue[] {
  const [path, data, ...rest] = args;
  const isKernelFile = typeof path === "string" && /^\/(proc|sys)\//.test(path);
  const lines: readonly unknown[] = Array.isArray(data) ? data : [data];
  const isShort = lines.every((line) => typeof line === "string" && line.length <= KERNEL_TEXT_MAX);
  const text = isKernelFile && isShort ? describe(data) : { bytes: sumOf(lines.map(lengthOf)) };
  return [describe(path), text, ...rest.map(describe)];
}

function lengthOf(data: unknown): number {
  if (typeof data === "string") return new TextEncoder().encode(data).length;
  return data instanceof Uint8Array ? data.length : 0;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function variableNames(env: unknown): JournalValue {
  if (!Array.isArray(env)) return [];
  return env.slice(0, LIST_MAX).map((variable) => String(variable).replace(/=.*$/s, "="));
}

function describe(value: unknown): JournalValue {
  if (typeof value === "string") return value.slice(0, TEXT_MAX);
  if (typeof value === "number") return Number.isFinite(value) ? value : "unlimited";
  if (typeof value === "boolean" || value === null) return value;
  if (value instanceof Uint8Array) return { bytes: value.length };
  if (Array.isArray(value)) return value.slice(0, LIST_MAX).map(describe);
  if (typeof value !== "object") return null;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, describe(each)]));
}
