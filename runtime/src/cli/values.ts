/**
 * Values: what may stand behind a flag, by kind.
 *
 * A kind turns one text into one value or says in Go's words why not, because scripts match these
 * texts: Docker's CLI prints what strconv, go-units and time.ParseDuration say.
 *
 * Kernel interface: none.
 * Specification: Go strconv.ParseBool and ParseInt, time.ParseDuration; docker/go-units RAMInBytes.
 * Invariants:
 *   bytes-round-trip   a size printed with any unit parses back to the same number of bytes
 * Left out: integers above 2^53, octal and hexadecimal with underscores.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { parseDurationNs } from "../wire/index.ts";

/** What one occurrence of a flag is worth. */
export type Scalar = boolean | number | string;

/** The kinds of flags. */
export type FlagKind =
  | "bool"
  | "int"
  | "uint16"
  | "decimal"
  | "bytes"
  | "swap-bytes"
  | "duration"
  | "string"
  | "list"
  | "map";

interface Kind {
  /** How help names the value; empty when the flag stands alone. */
  readonly label: string;
  readonly parse: (text: string) => Scalar;
  readonly repeats: boolean;
}

/** Each kind: its name in help, its parser, and whether it may be given several times. */
export const KINDS: Readonly<Record<FlagKind, Kind>> = {
  bool: { label: "", parse: parseBool, repeats: false },
  int: { label: "int", parse: parseInteger, repeats: false },
  uint16: { label: "uint16", parse: parseUint16, repeats: false },
  decimal: { label: "decimal", parse: parseNanoCpus, repeats: false },
  bytes: { label: "bytes", parse: parseBytes, repeats: false },
  "swap-bytes": { label: "bytes", parse: parseSwapBytes, repeats: false },
  duration: { label: "duration", parse: parseDurationNs, repeats: false },
  string: { label: "string", parse: (text) => text, repeats: false },
  list: { label: "list", parse: (text) => text, repeats: true },
  map: { label: "map", parse: (text) => text, repeats: true },
};

const TRUE_WORDS = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE_WORDS = new Set(["0", "f", "F", "FALSE", "false", "False"]);

function parseBool(text: string): boolean {
  if (TRUE_WORDS.has(text)) return true;
  if (FALSE_WORDS.has(text)) return false;
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function parseInteger(text: string): number {
  return parseWhole(text, "ParseInt", /^[+-]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]*|[1-9][0-9]*)$/);
}

function parseUint16(text: string): number {
  const value = parseWhole(text, "ParseUint", /^(0[xX][0-9a-fA-F]+|0[oO]?[0-7]*|[1-9][0-9]*)$/);
  if (value <= 0xffff) return value;
  throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
}

function parseWhole(text: string, who: string, form: RegExp): number {
  const fail = (why: string): Error =>
    new Error(`strconv.${who}: parsing ${JSON.stringify(text)}: ${why}`);
  if (!form.test(text)) throw fail("invalid syntax");
  const digits = text.replace(/^[+-]/, "").replace(/^0(?=[0-7])/, "0o");
  const value = Number(digits) * (text.startsWith("-") ? -1 : 1);
  if (!Number.isSafeInteger(value)) throw fail("value out of range");
  return value === 0 ? 0 : value;
}

/**
 * A number of processors as billionths of one, which is what the API carries.
 *
 * @throws Error when the text is no number or finer than a billionth
 * @example parseNanoCpus("1.5") // 1_500_000_000
 */
export function parseNanoCpus(text: string): number {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text);
  const [, sign = "", whole = "", fraction = ""] = parts ?? [];
  if (parts === null || whole + fraction === "") {
    throw new Error(`failed to parse ${text} as a rational number`);
  }
  if (fraction.replace(/0+$/, "").length > 9) throw new Error("value is too precise");
  const nano = Number(whole) * 1e9 + Number(fraction.padEnd(9, "0").slice(0, 9));
  return sign === "-" ? -nano : nano;
}

const UNIT_POWER: Readonly<Record<string, number>> = { b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/**
 * A size in bytes from a number with an optional unit of 1024: b, k, m, g, t or p.
 *
 * @throws Error in go-units' words when the text is no size
 * @example parseBytes("64m") // 67_108_864
 */
export function parseBytes(text: string): number {
  const parts = /^(.*[0-9. ])([^0-9. ]*)$/s.exec(text);
  if (parts === null) throw new Error(`invalid size: '${text}'`);
  const [, digits = "", suffix = ""] = parts;
  const amount = Number(digits.replace(/ $/, ""));
  if (digits.trim() === "" || Number.isNaN(amount) || amount < 0) {
    throw new Error(`invalid size: '${text}'`);
  }
  if (!/^(|b|[kmgtp](i?b)?)$/i.test(suffix)) throw new Error(`invalid suffix: '${suffix}'`);
  const power = UNIT_POWER[suffix.slice(0, 1).toLowerCase()] ?? 0;
  return Math.trunc(amount * 1024 ** power);
}

function parseSwapBytes(text: string): number {
  return text === "-1" ? -1 : parseBytes(text);
}
