/**
 * Arithmetic: `$((…))`, on integers of 64 bits.
 *
 * Kernel interface: none.
 * Specification: POSIX.1-2017, Shell Command Language, 2.6.4 "Arithmetic Expansion".
 * Invariants: none.
 * Left out: numbers with another base than 8, 10 and 16.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { ArithmeticExpression } from "unbash";
import { assign, ShellError, valueOf, type Shell } from "./shell.ts";

type Binary = (left: bigint, right: bigint) => bigint;

const truth = (condition: boolean): bigint => (condition ? 1n : 0n);

function divisor(right: bigint): bigint {
  if (right === 0n) throw new ShellError("divide by zero");
  return right;
}

const BINARY: Readonly<Record<string, Binary>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / divisor(b),
  "%": (a, b) => a % divisor(b),
  "**": (a, b) => a ** b,
  "<<": (a, b) => a << b,
  ">>": (a, b) => a >> b,
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
  "<": (a, b) => truth(a < b),
  ">": (a, b) => truth(a > b),
  "<=": (a, b) => truth(a <= b),
  ">=": (a, b) => truth(a >= b),
  "==": (a, b) => truth(a === b),
  "!=": (a, b) => truth(a !== b),
  ",": (_, b) => b,
};

const UNARY: Readonly<Record<string, (value: bigint) => bigint>> = {
  "-": (value) => -value,
  "+": (value) => value,
  "!": (value) => truth(value === 0n),
  "~": (value) => ~value,
};

/** An expression whose expansions are done: names and numbers remain. */
export type Expand = (
  word: Extract<ArithmeticExpression, { type: "ArithmeticWord" | "ArithmeticCommandExpansion" }>,
) => Promise<string>;

/** Computes an expression. @param expand does the `$…` in a word @throws ShellError */
export async function compute(
  shell: Shell,
  expression: ArithmeticExpression,
  expand: Expand,
): Promise<bigint> {
  const of = (part: ArithmeticExpression): Promise<bigint> => compute(shell, part, expand);
  switch (expression.type) {
    case "ArithmeticGroup":
      return of(expression.expression);
    case "ArithmeticTernary":
      return of((await of(expression.test)) === 0n ? expression.alternate : expression.consequent);
    case "ArithmeticWord":
    case "ArithmeticCommandExpansion":
      return numberOf(shell, await expand(expression));
    case "ArithmeticUnary":
      return unary(shell, expression, of);
    case "ArithmeticBinary":
      return BigInt.asIntN(64, await binary(shell, expression, of));
  }
}

type Of = (part: ArithmeticExpression) => Promise<bigint>;

async function unary(
  shell: Shell,
  { operator, operand, prefix }: Extract<ArithmeticExpression, { type: "ArithmeticUnary" }>,
  of: Of,
): Promise<bigint> {
  const value = await of(operand);
  const apply = UNARY[operator];
  if (apply !== undefined) return apply(value);
  if (operand.type !== "ArithmeticWord") throw new ShellError("arithmetic syntax error");
  const next = operator === "++" ? value + 1n : value - 1n;
  assign(shell, operand.value, String(next));
  return prefix ? next : value;
}

async function binary(
  shell: Shell,
  { operator, left, right }: Extract<ArithmeticExpression, { type: "ArithmeticBinary" }>,
  of: Of,
): Promise<bigint> {
  if (operator === "&&") return (await of(left)) === 0n ? 0n : truth((await of(right)) !== 0n);
  if (operator === "||") return (await of(left)) !== 0n ? 1n : truth((await of(right)) !== 0n);
  const apply = BINARY[operator];
  if (apply !== undefined) return apply(await of(left), await of(right));
  if (left.type !== "ArithmeticWord") throw new ShellError("arithmetic syntax error");
  const simple = BINARY[operator.slice(0, -1)];
  const value = simple === undefined ? await of(right) : simple(await of(left), await of(right));
  assign(shell, left.value, String(value));
  return value;
}

function numberOf(shell: Shell, word: string): bigint {
  const text = word.trim();
  if (text === "") return 0n;
  if (!/^[A-Za-z_]\w*$/.test(text)) return parseNumber(text);
  const value = valueOf(shell, text) ?? "";
  return value === text ? 0n : numberOf(shell, value);
}

function parseNumber(text: string): bigint {
  const digits = text.replace(/^[-+]/, "");
  if (!/^(0[xX][0-9a-fA-F]+|\d+)$/.test(digits)) throw new ShellError("arithmetic syntax error");
  const isOctal = /^0[0-7]+$/.test(digits);
  const value = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  return BigInt.asIntN(64, text.startsWith("-") ? -value : value);
}
