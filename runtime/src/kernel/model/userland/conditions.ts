/**
 * Conditions: test(1), also called `[`.
 *
 * Kernel interface: stat(2), access(2).
 * Specification: POSIX.1-2017, Utilities, "test".
 * Invariants: none.
 * Left out: `-t` but for the three streams; `-o`, `-a` and parentheses bind as written.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError, type FileStat, type Files } from "../../port.ts";
import { Failure, type Applet } from "./tool.ts";

/** `test` and `[` */
export const test: Applet = ({ kernel, name, args, streams }) => {
  const isBracket = name.startsWith("[");
  if (isBracket && args.at(-1) !== "]".repeat(name.length)) throw new Failure("missing ]", 2);
  const words = isBracket ? args.slice(0, -1) : args;
  if (words.length === 2 && words[0] === "-t") {
    const stream = [streams.stdin, streams.stdout, streams.stderr][Number(words[1])];
    return stream !== undefined && stream.isTerminal === true ? 0 : 1;
  }
  return evaluateTest(kernel, words) ? 0 : 1;
};

/** Whether a condition holds. @throws Failure with exit code 2 when it is none */
export function evaluateTest(kernel: Files, words: readonly string[]): boolean {
  const rest = [...words];
  if (rest.length === 0) return false;
  const value = either(kernel, rest);
  if (rest.length > 0) throw new Failure(`${rest[0]}: unknown operand`, 2);
  return value;
}

function either(kernel: Files, rest: string[]): boolean {
  let value = both(kernel, rest);
  while (rest[0] === "-o") {
    rest.shift();
    value = both(kernel, rest) || value;
  }
  return value;
}

function both(kernel: Files, rest: string[]): boolean {
  let value = one(kernel, rest);
  while (rest[0] === "-a") {
    rest.shift();
    value = one(kernel, rest) && value;
  }
  return value;
}

const isBinary = (word: string | undefined): boolean =>
  word !== undefined && Object.hasOwn(BINARY, word);

function one(kernel: Files, rest: string[]): boolean {
  const [first = "", second, third] = rest;
  if (isBinary(second)) {
    if (third !== undefined) return pair(kernel, rest);
    if (!first.startsWith("-")) throw new Failure(`${second}: argument expected`, 2);
  }
  if (first === "!" && second !== undefined) {
    rest.shift();
    return !one(kernel, rest);
  }
  if (first === "(" && third !== undefined) return group(kernel, rest);
  return single(kernel, rest);
}

function pair(kernel: Files, rest: string[]): boolean {
  const [left = "", operator = "", right = ""] = rest.splice(0, 3);
  return BINARY[operator]?.(left, right, kernel) ?? false;
}

function group(kernel: Files, rest: string[]): boolean {
  rest.shift();
  const value = either(kernel, rest);
  if (rest.shift() !== ")") throw new Failure("closing paren expected", 2);
  return value;
}

function single(kernel: Files, rest: string[]): boolean {
  const [first = "", second] = rest;
  const unary = Object.hasOwn(UNARY, first) ? UNARY[first] : undefined;
  if (unary === undefined || second === undefined) {
    rest.shift();
    return first !== "";
  }
  rest.splice(0, 2);
  return unary(second, kernel);
}

function statOf(kernel: Files, path: string, how: "stat" | "lstat" = "stat"): FileStat | undefined {
  try {
    return kernel[how](path);
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

const isType =
  (type: FileStat["type"]) =>
  (path: string, kernel: Files): boolean =>
    statOf(kernel, path)?.type === type;

const hasMode =
  (mask: number) =>
  (path: string, kernel: Files): boolean =>
    ((statOf(kernel, path)?.mode ?? 0) & mask) !== 0;

const isLink = (path: string, kernel: Files): boolean =>
  statOf(kernel, path, "lstat")?.type === "symlink";

const UNARY: Readonly<Record<string, (word: string, kernel: Files) => boolean>> = {
  "-n": (text) => text !== "",
  "-z": (text) => text === "",
  "-b": isType("block"),
  "-c": isType("char"),
  "-d": isType("directory"),
  "-f": isType("file"),
  "-p": isType("fifo"),
  "-S": isType("socket"),
  "-h": isLink,
  "-L": isLink,
  "-e": (path, kernel) => statOf(kernel, path) !== undefined,
  "-s": (path, kernel) => (statOf(kernel, path)?.sizeBytes ?? 0) > 0,
  "-r": hasMode(0o444),
  "-w": hasMode(0o222),
  "-x": hasMode(0o111),
  "-u": hasMode(0o4000),
  "-g": hasMode(0o2000),
  "-k": hasMode(0o1000),
};

function number(word: string): bigint {
  if (!/^\s*[-+]?\d+\s*$/.test(word)) throw new Failure(`${word}: bad number`, 2);
  return BigInt(word.trim().replace(/^\+/, ""));
}

const compare =
  (holds: (left: bigint, right: bigint) => boolean) =>
  (left: string, right: string): boolean =>
    holds(number(left), number(right));

const age = (kernel: Files, path: string): number => statOf(kernel, path)?.mtimeMs ?? -1;

const BINARY: Readonly<Record<string, (left: string, right: string, kernel: Files) => boolean>> = {
  "=": (left, right) => left === right,
  "==": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  "<": (left, right) => left < right,
  ">": (left, right) => left > right,
  "-eq": compare((left, right) => left === right),
  "-ne": compare((left, right) => left !== right),
  "-lt": compare((left, right) => left < right),
  "-le": compare((left, right) => left <= right),
  "-gt": compare((left, right) => left > right),
  "-ge": compare((left, right) => left >= right),
  "-nt": (left, right, kernel) => age(kernel, left) > age(kernel, right),
  "-ot": (left, right, kernel) => age(kernel, left) < age(kernel, right),
  "-ef": (left, right, kernel) => {
    const [a, b] = [statOf(kernel, left), statOf(kernel, right)];
    return a !== undefined && a.inode === b?.inode && a.device === b.device;
  },
};
