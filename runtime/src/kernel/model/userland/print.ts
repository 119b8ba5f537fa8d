/**
 * Print: commands that print what they are told.
 *
 * Several of them are also builtins of the shell.
 *
 * Kernel interface: write(2).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: of printf the sizes in its directives.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError } from "../../port.ts";
import { readOptions } from "./options.ts";
import { complain, Failure, say, sayLines, type Applet } from "./tool.ts";

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
function unescape(text: string): { readonly text: string; readonly ends: boolean } {
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

/** `echo [-neE] WORD…` */
export const echo: Applet = async (tool) => {
  const words = [...tool.args];
  let [newline, escapes] = ["\n", false];
  while (/^-[neE]+$/.test(words[0] ?? "")) {
    for (const letter of words.shift() ?? "") {
      if (letter === "n") newline = "";
      else if (letter !== "-") escapes = letter === "e";
    }
  }
  const { text, ends } = escapes
    ? unescape(words.join(" "))
    : { text: words.join(" "), ends: false };
  await say(tool, text + (ends ? "" : newline));
  return 0;
};

const DIRECTIVE = /%(%|([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d*))?([sbcdiouxXeEfgG]))/g;

/** `printf FORMAT WORD…`: the format is used again while there are words. */
export const printf: Applet = async (tool) => {
  const [format, ...words] = tool.args;
  if (format === undefined) throw new Failure("missing operand");
  let exitCode = 0;
  const { text: template } = unescape(format);
  for (;;) {
    const before = words.length;
    const wrong: string[] = [];
    const text = template.replace(DIRECTIVE, (...found: string[]) =>
      formatOne(found, words, wrong),
    );
    await say(tool, text);
    for (const each of wrong) await complain(tool, `invalid number '${each}'`);
    if (wrong.length > 0) exitCode = 1;
    if (words.length === 0 || words.length === before) return exitCode;
  }
};

function formatOne(found: string[], words: string[], wrong: string[]): string {
  const [, whole = "", flags = "", widthText, precisionText, kind = ""] = found;
  if (whole === "%") return "%";
  const width = widthText === "*" ? Number(words.shift() ?? 0) : Number(widthText ?? 0);
  const precision =
    precisionText === "*" ? Number(words.shift() ?? 0) : numberOr(precisionText, undefined);
  const text = valueText(kind, flags, { word: words.shift(), precision, wrong });
  const isLeft = flags.includes("-") || width < 0;
  const size = Math.abs(width);
  if (isLeft) return text.padEnd(size);
  if (!flags.includes("0") || "sbc".includes(kind)) return text.padStart(size);
  const [, sign = "", digits = ""] = /^([-+ ]?)(.*)$/s.exec(text) ?? [];
  return sign + digits.padStart(size - sign.length, "0");
}

const numberOr = (text: string | undefined, otherwise: undefined): number | undefined =>
  text === undefined ? otherwise : Number(text);

interface Value {
  readonly word: string | undefined;
  readonly precision: number | undefined;
  readonly wrong: string[];
}

function valueText(kind: string, flags: string, { word = "", precision, wrong }: Value): string {
  if (kind === "s") return word.slice(0, precision);
  if (kind === "b") return unescape(word).text.slice(0, precision);
  if (kind === "c") return word.slice(0, 1);
  const value =
    word === "" ? 0 : /^['"]/.test(word) ? (word.codePointAt(1) ?? 0) : Number(octal(word));
  if (Number.isNaN(value)) wrong.push(word);
  const number = Number.isNaN(value) ? Number.parseInt(word, 10) || 0 : value;
  const plus = number >= 0 && "di".includes(kind) ? (/[+ ]/.exec(flags)?.[0] ?? "") : "";
  return plus + numberText(kind, number, { precision, isMarked: flags.includes("#") });
}

const octal = (word: string): string => (/^0\d+$/.test(word) ? `0o${word.slice(1)}` : word);

function numberText(
  kind: string,
  number: number,
  { precision, isMarked }: { readonly precision: number | undefined; readonly isMarked: boolean },
): string {
  if ("eEfgG".includes(kind)) {
    if (kind === "f") return number.toFixed(precision ?? 6);
    if (kind.toLowerCase() === "g") return String(Number(number.toPrecision(precision ?? 6)));
    const text = number.toExponential(precision ?? 6).replace(/e([-+])(\d)$/, "e$10$2");
    return kind === "E" ? text.toUpperCase() : text;
  }
  const base = { x: 16, X: 16, o: 8 }[kind] ?? 10;
  const whole = BigInt(Math.trunc(number));
  const isSigned = "di".includes(kind);
  const digits = (isSigned ? whole : BigInt.asUintN(64, whole)).toString(base);
  const [, sign = "", rest = ""] = /^(-?)(.*)$/.exec(digits) ?? [];
  const mark = isMarked ? ({ x: "0x", X: "0X", o: "0" }[kind] ?? "") : "";
  const text = sign + mark + rest.padStart(precision ?? 0, "0");
  return kind === "X" ? text.toUpperCase() : text;
}

/** `seq [FIRST [STEP]] LAST` */
export const seq: Applet = async (tool) => {
  const { operands, value, has } = readOptions({ args: tool.args.map(negative) }, "s:w");
  const numbers = operands.map((each) => Number(each.replace("\u0000", "-")));
  const wrong = operands.find((_, index) => Number.isNaN(numbers[index]));
  if (wrong !== undefined) throw new Failure(`invalid number '${wrong}'`);
  const [first, step, last] =
    numbers.length === 1
      ? [1, 1, numbers[0]]
      : numbers.length === 2
        ? [numbers[0], 1, numbers[1]]
        : numbers;
  if (first === undefined || step === undefined || last === undefined) return 1;
  const places = Math.max(...operands.map((each) => each.split(".")[1]?.length ?? 0));
  const count = step === 0 ? 0 : Math.floor((last - first) / step + 1e-9) + 1;
  const width = Math.max(first.toFixed(places).length, last.toFixed(places).length);
  const words = Array.from({ length: Math.max(count, 0) }, (_, index) => {
    const text = (first + index * step).toFixed(places);
    return has("w") ? text.padStart(width, "0") : text;
  });
  if (words.length > 0) await say(tool, `${words.join(value("s") ?? "\n")}\n`);
  return 0;
};

/** A negative number is no option. */
const negative = (word: string): string => (/^-[\d.]/.test(word) ? `\u0000${word.slice(1)}` : word);

/** `yes [WORD]…` */
export const yes: Applet = async (tool) => {
  const line = `${tool.args.length === 0 ? "y" : tool.args.join(" ")}\n`;
  for (;;) await say(tool, line.repeat(Math.ceil(4096 / line.length)));
};

/** `basename PATH [SUFFIX]` */
export const basename: Applet = async (tool) => {
  const [path = "", suffix = ""] = tool.args;
  const name = path.replace(/(?<=.)\/+$/, "").replace(/^.*\/(?=.)/s, "");
  const isCut = suffix !== "" && name !== suffix && name.endsWith(suffix);
  await sayLines(tool, [isCut ? name.slice(0, -suffix.length) : name]);
  return 0;
};

/** `dirname PATH` */
export const dirname: Applet = async (tool) => {
  const [path = ""] = tool.args;
  const above = /^(.*?)\/*[^/]*\/*$/s.exec(path)?.[1] ?? "";
  await sayLines(tool, [above === "" ? (path.startsWith("/") ? "/" : ".") : above]);
  return 0;
};

/** `pwd` */
export const pwd: Applet = async (tool) => {
  try {
    await sayLines(tool, [tool.kernel.readlink("/proc/self/cwd")]);
    return 0;
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    const known = tool.env.find((each) => each.startsWith("PWD="));
    if (known === undefined) throw new Failure("cannot tell: /proc is not mounted");
    await sayLines(tool, [known.slice(4)]);
    return 0;
  }
};
