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
  const body = format.replace(
    VERB,
    (
      _,
      flags: string,
      width: string | undefined,
      precision: string | undefined,
      letter: string,
    ) => {
      if (letter === "%") return "%";
      if (used >= args.length) return `%!${letter}(MISSING)`;
      const verb = {
        flags,
        letter,
        width: Number(width ?? 0),
        precision: precision === undefined ? undefined : Number(precision),
      };
      used += 1;
      return padded(verb, formatOne(verb, args[used - 1]));
    },
  );
  const extra = args.slice(used).map((arg) => `${goTypeOf(arg)}=${showGo(arg)}`);
  return extra.length === 0 ? body : `${body}%!(EXTRA ${extra.join(", ")})`;
}

function formatOne(verb: Verb, value: unknown): string {
  const { letter, precision } = verb;
  const cut = (text: string): string =>
    precision === undefined ? text : [...text].slice(0, precision).join("");
  if (letter === "v") return showGo(value);
  if (letter === "T") return goTypeOf(value);
  if (letter === "s" && typeof value !== "number" && typeof value !== "boolean") {
    return cut(showGo(value));
  }
  if (typeof value === "string" && "qxX".includes(letter)) return formatText(letter, cut(value));
  if (letter === "t" && typeof value === "boolean") return String(value);
  const number = typeof value === "number" ? formatNumber(verb, value) : undefined;
  return number ?? `%!${letter}(${goTypeOf(value)}=${showGo(value)})`;
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
  const { letter, flags, precision } = verb;
  const sign = flags.includes("+") && value >= 0 ? "+" : "";
  const base = BASES[letter];
  if (base !== undefined && Number.isInteger(value)) {
    const digits = value.toString(base);
    return sign + (letter === "X" ? digits.toUpperCase() : digits);
  }
  if (letter === "f" || letter === "F") return sign + value.toFixed(precision ?? 6);
  if (letter === "g") return sign + generalNumber(value, precision ?? 17);
  if (letter !== "e") return undefined;
  return sign + value.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2");
}

function padded(verb: Verb, text: string): string {
  const missing = verb.width - [...text].length;
  if (missing <= 0) return text;
  if (verb.flags.includes("-")) return text + " ".repeat(missing);
  if (!verb.flags.includes("0") || !/^[+-]?[\d.]+$/.test(text)) return " ".repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}
