/**
 * Printf: text by a format.
 *
 * Kernel interface: write(2).
 * Specification: POSIX.1-2017, Utilities, "printf".
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: sizes such as `%ld`.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { complain, Failure, say, type Applet } from "./tool.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};

const ESCAPE = /\\(?:0([0-7]{1,3})|([0-7]{1,3})|x([0-9a-fA-F]{1,2})|([\s\S]))/g;

/** Replaces escapes, up to `\c`, which ends all output. */
export function unescape(text: string): { readonly text: string; readonly ends: boolean } {
  const stop = text.search(/(?<=^(?:[^\\]|\\[^c])*)\\c/s);
  const before = stop < 0 ? text : text.slice(0, stop);
  const replaced = before.replace(ESCAPE, (...found: (string | undefined)[]) => {
    const [all = "", zero, octal, hex, letter] = found;
    const digits = zero ?? octal;
    if (digits !== undefined) return String.fromCharCode(Number.parseInt(digits, 8) & 0xff);
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return ESCAPES[letter ?? ""] ?? all;
  });
  return { text: replaced, ends: stop >= 0 };
}

const DIRECTIVE =
  /%(?<whole>%|(?<flags>[-+ 0#]*)(?<width>\*|\d+)?(?:\.(?<precision>\*|\d*))?(?<kind>[sbcdiouxXeEfgG]))/g;

/** `printf FORMAT WORD…`: the format is used again while there are words. */
export const printf: Applet = async (tool) => {
  const [format, ...words] = tool.args;
  if (format === undefined) throw new Failure("missing operand");
  let exitCode = 0;
  const { text: template } = unescape(format);
  for (;;) {
    const before = words.length;
    const wrong: string[] = [];
    const text = template.replace(DIRECTIVE, (...found: unknown[]) => {
      // The last argument holds the named groups.
      const groups = found.at(-1) as Record<string, string | undefined>;
      return groups["whole"] === "%" ? "%" : formatOne(readDirective(groups, words), words, wrong);
    });
    await say(tool, text);
    for (const each of wrong) await complain(tool, `invalid number '${each}'`);
    if (wrong.length > 0) exitCode = 1;
    if (words.length === 0 || words.length === before) return exitCode;
  }
};

interface Directive {
  readonly kind: string;
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
}

function readDirective(groups: Record<string, string | undefined>, words: string[]): Directive {
  const numberOf = (text: string): number => Number(text === "*" ? words.shift() : text);
  const { kind = "s", flags = "", width = "0", precision } = groups;
  return {
    kind,
    flags,
    width: numberOf(width),
    precision: precision === undefined ? undefined : numberOf(precision),
  };
}

function formatOne(directive: Directive, words: string[], wrong: string[]): string {
  const { kind, flags, width } = directive;
  const word = words.shift() ?? "";
  const isText = "sbc".includes(kind);
  const text = isText ? textOf(directive, word) : numberText(directive, numberOf(word, wrong));
  if (flags.includes("-") || width < 0) return text.padEnd(Math.abs(width));
  if (isText || !flags.includes("0")) return text.padStart(width);
  const sign = /^[-+ ]/.exec(text)?.[0] ?? "";
  return sign + text.slice(sign.length).padStart(width - sign.length, "0");
}

function textOf({ kind, precision }: Directive, word: string): string {
  if (kind === "c") return word.slice(0, 1);
  return (kind === "b" ? unescape(word).text : word).slice(0, precision);
}

/** The value of a word; a quote before a character is its number. */
function numberOf(word: string, wrong: string[]): number {
  if (word === "") return 0;
  if (/^['"]/.test(word)) return word.codePointAt(1) ?? 0;
  const value = Number(/^0\d+$/.test(word) ? `0o${word.slice(1)}` : word);
  if (!Number.isNaN(value)) return value;
  wrong.push(word);
  const begun = Number.parseInt(word, 10);
  return Number.isNaN(begun) ? 0 : begun;
}

function numberText(directive: Directive, number: number): string {
  const { kind, flags } = directive;
  const text = "eEfgG".includes(kind) ? fraction(directive, number) : integer(directive, number);
  const isSigned = "dieEfgG".includes(kind) && number >= 0;
  const plus = isSigned ? (/[+ ]/.exec(flags)?.[0] ?? "") : "";
  return plus + (kind === "X" || kind === "E" ? text.toUpperCase() : text);
}

function fraction({ kind, precision = 6 }: Directive, number: number): string {
  if (kind === "f") return number.toFixed(precision);
  if (kind === "g" || kind === "G") return String(Number(number.toPrecision(precision)));
  return number.toExponential(precision).replace(/e([-+])(\d)$/, "e$10$2");
}

const BASES: Readonly<Record<string, readonly [number, string]>> = {
  x: [16, "0x"],
  X: [16, "0x"],
  o: [8, "0"],
};

function integer({ kind, flags, precision = 0 }: Directive, number: number): string {
  const [base, mark] = BASES[kind] ?? [10, ""];
  const whole = BigInt(Math.trunc(number));
  const digits = ("di".includes(kind) ? whole : BigInt.asUintN(64, whole)).toString(base);
  const sign = digits.startsWith("-") ? "-" : "";
  const padded = digits.slice(sign.length).padStart(precision, "0");
  return sign + (flags.includes("#") ? mark : "") + padded;
}
