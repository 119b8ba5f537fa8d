/**
 * Templates, functions: what a format may call.
 *
 * Kernel interface: none.
 * Specification: Go text/template, "Functions"; docker/cli templates (json, split, join, title, …).
 * Invariants: none.
 * Left out: html, js, urlquery, call.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { GO_TYPE, goTypeOf, indexOf, isTrue, lengthOf, showGo } from "./go-value.ts";
import { formatGo } from "./printf.ts";

/** A function of a template; what it throws becomes "error calling NAME: …". */
export type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** Functions by name. */
export type Functions = ReadonlyMap<string, TemplateFunction>;

/** The name of a function and how many arguments it takes at least and at most. */
type Entry = readonly [string, number, number, TemplateFunction];

const MANY = Number.POSITIVE_INFINITY;

const TABLE: readonly Entry[] = [
  ["and", 1, MANY, (...args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1)],
  ["or", 1, MANY, (...args) => args.find(isTrue) ?? args.at(-1)],
  ["not", 1, 1, (arg) => !isTrue(arg)],
  ["eq", 2, MANY, (first, ...others) => others.some((other) => isEqual(first, other))],
  ["ne", 2, 2, (left, right) => !isEqual(left, right)],
  ["lt", 2, 2, (left, right) => compare(left, right) < 0],
  ["le", 2, 2, (left, right) => compare(left, right) <= 0],
  ["gt", 2, 2, (left, right) => compare(left, right) > 0],
  ["ge", 2, 2, (left, right) => compare(left, right) >= 0],
  ["len", 1, 1, length],
  ["index", 1, MANY, (value, ...keys) => keys.reduce(step, value)],
  ["slice", 1, 4, slice],
  ["print", 0, MANY, (...args) => print(args)],
  ["println", 0, MANY, (...args) => `${args.map(showGo).join(" ")}\n`],
  ["printf", 1, MANY, (format, ...args) => formatGo(text(format), args)],
  ["json", 1, 1, jsonOf],
  ["join", 2, 2, (list, separator) => strings(list).join(text(separator))],
  ["split", 2, 2, (value, separator) => text(value).split(text(separator))],
  ["title", 1, 1, (value) => text(value).replace(/(?<![\p{L}\p{N}])\p{L}/gu, upper)],
  ["lower", 1, 1, (value) => text(value).toLowerCase()],
  ["upper", 1, 1, (value) => text(value).toUpperCase()],
  ["pad", 3, 3, (value, before, after) => pad(text(value), before, after)],
  ["truncate", 2, 2, (value, size) => [...text(value)].slice(0, Number(size)).join("")],
];

/** Every function, checking how many arguments it is given. */
export const FUNCTIONS: Functions = new Map(
  TABLE.map(([name, least, most, call]) => [name, counted(name, [least, most], call)]),
);

/** Their names, which the parser needs. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set(FUNCTIONS.keys());

/** Thrown for a wrong number of arguments: Go reports it without "error calling". */
export class ArgumentCountError extends Error {
  override readonly name = "ArgumentCountError";
}

function counted(
  name: string,
  [least, most]: readonly [number, number],
  call: TemplateFunction,
): TemplateFunction {
  return (...args) => {
    if (args.length >= least && args.length <= most) return call(...args);
    const want = least === most ? String(least) : `at least ${least}`;
    throw new ArgumentCountError(
      `wrong number of args for ${name}: want ${want} got ${args.length}`,
    );
  };
}

/** A row of a list becomes a map: its fields by name in order, with Go's escapes for HTML. */
function jsonOf(value: unknown): string {
  if (typeof value !== "object" || value === null || !(GO_TYPE in value)) {
    return JSON.stringify(value) ?? "null";
  }
  const fields = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify(Object.fromEntries(fields)).replace(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function length(value: unknown): number {
  const size = lengthOf(value);
  if (size !== undefined) return size;
  if (value === null || value === undefined) throw new Error("len of nil pointer");
  throw new Error(`len of type ${goTypeOf(value)}`);
}

function step(value: unknown, key: unknown): unknown {
  const found = indexOf(value, key);
  if ("problem" in found) throw new Error(found.problem);
  return found.value;
}

function slice(value: unknown, from: unknown = 0, to?: unknown): unknown {
  if (typeof value !== "string" && !Array.isArray(value)) {
    throw new Error(`can't slice item of type ${goTypeOf(value)}`);
  }
  const start = Number(from);
  const end = to === undefined ? value.length : Number(to);
  for (const bound of [start, end]) {
    if (bound < 0 || bound > value.length) throw new Error(`index out of range: ${bound}`);
  }
  if (start > end) throw new Error(`invalid slice index: ${start} > ${end}`);
  return value.slice(start, end);
}

/** fmt.Sprint: a space between operands when neither is a string. */
function print(args: readonly unknown[]): string {
  return args
    .map((arg, index) => {
      const apart = index > 0 && typeof arg !== "string" && typeof args[index - 1] !== "string";
      return (apart ? " " : "") + showGo(arg);
    })
    .join("");
}

function isEqual(left: unknown, right: unknown): boolean {
  const [leftType, rightType] = [goTypeOf(left), goTypeOf(right)];
  if (leftType !== rightType && left !== null && right !== null) {
    if (left === undefined || right === undefined) return left === right;
    throw new Error("incompatible types for comparison");
  }
  return left === right;
}

function compare(left: unknown, right: unknown): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") {
    return left < right ? -1 : Number(left > right);
  }
  throw new Error(
    typeof left === typeof right
      ? "invalid type for comparison"
      : "incompatible types for comparison",
  );
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Error(`wrong type for value; expected string; got ${goTypeOf(value)}`);
}

function strings(list: unknown): readonly string[] {
  if (Array.isArray(list)) return list.map(text);
  if (lengthOf(list) === 0) return [];
  throw new Error(`wrong type for value; expected []string; got ${goTypeOf(list)}`);
}

function upper(letter: string): string {
  return letter.toUpperCase();
}

function pad(value: string, before: unknown, after: unknown): string {
  return value === "" ? value : " ".repeat(Number(before)) + value + " ".repeat(Number(after));
}
