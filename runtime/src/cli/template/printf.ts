/**
 * Templates, printf: Go's verbs for the values that templates hold.
 *
 * Kernel interface: none.
 * Specification: Go fmt, "Printing".
 * Invariants: none.
 * Left out: %c %U %p %b of floats, argument indexes, star widths.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { generalNumber } from "../human.ts";
import { quoteGo } from "./go-strings.ts";
import { goTypeOf, showGo } from "./go-value.ts";

const VERB = /%([-+# 0]*)(\d+)?(?:\.(\d*))?(.)/gsu;

interface Verb {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly letter: string;
}

/**
 * Formats as fmt.Sprintf does.
 *
 * @example formatGo("%-5s|%03d", ["ab", 7]) // "ab   |007"
 */
export function formatGo(format: string, args: readonly unknown[]): string {
  let used = 0;
  const body = format.replace(VERB, (...groups: (string | undefined)[]) => {
    const [, flags = "", width = "0", precision, letter = ""] = groups;
    if (letter === "%") return "%";
    if (used >= args.length) return `%!${letter}(MISSING)`;
    const verb = {
      flags,
      letter,
      width: Number(width),
      precision: precision === undefined ? undefined : Number(precision),
    };
    used += 1;
    return padded(verb, formatOne(verb, args[used - 1]));
  });
  const extra = args.slice(used).map((arg) => `${goTypeOf(arg)}=${showGo(arg)}`);
  return extra.length === 0 ? body : `${body}%!(EXTRA ${extra.join(", ")})`;
}

function formatOne(verb: Verb, value: unknown): string {
  if (verb.letter === "v") return showGo(value);
  if (verb.letter === "T") return goTypeOf(value);
  const text = formatTyped(verb, value);
  return text ?? `%!${verb.letter}(${goTypeOf(value)}=${showGo(value)})`;
}

/** undefined when the verb is not for this type. */
function formatTyped(verb: Verb, value: unknown): string | undefined {
  if (typeof value === "number") return formatNumber(verb, value);
  if (typeof value === "boolean") return verb.letter === "t" ? String(value) : undefined;
  if (verb.letter === "s") return cut(verb, showGo(value));
  if (typeof value !== "string" || !"qxX".includes(verb.letter)) return undefined;
  return formatText(verb.letter, cut(verb, value));
}

/** A precision is the most characters of a text. */
function cut({ precision }: Verb, text: string): string {
  return precision === undefined ? text : [...text].slice(0, precision).join("");
}

function formatText(letter: string, value: string): string {
  if (letter === "q") return quoteGo(value);
  const hex = [...new TextEncoder().encode(value)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  return letter === "X" ? hex.toUpperCase() : hex;
}

const BASES: Readonly<Record<string, number>> = { d: 10, b: 2, o: 8, x: 16, X: 16 };

function formatNumber(verb: Verb, value: number): string | undefined {
  const sign = verb.flags.includes("+") && value >= 0 ? "+" : "";
  const base = BASES[verb.letter];
  if (base === undefined) return formatFraction(verb, value, sign);
  if (!Number.isInteger(value)) return undefined;
  const digits = value.toString(base);
  return sign + (verb.letter === "X" ? digits.toUpperCase() : digits);
}

function formatFraction(verb: Verb, value: number, sign: string): string | undefined {
  switch (verb.letter) {
    case "f":
    case "F":
      return sign + value.toFixed(verb.precision ?? 6);
    case "g":
      return sign + generalNumber(value, verb.precision ?? 17);
    case "e":
      return sign + value.toExponential(verb.precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2");
    default:
      return undefined;
  }
}

function padded(verb: Verb, text: string): string {
  const missing = verb.width - [...text].length;
  if (missing <= 0) return text;
  if (verb.flags.includes("-")) return text + " ".repeat(missing);
  if (!verb.flags.includes("0") || !/^[+-]?[\d.]+$/.test(text)) return " ".repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}
