/**
 * Text: commands that read text and print part of it, or something about it.
 *
 * Those that can, work line by line, so that they print while more is coming.
 *
 * Kernel interface: read(2), write(2).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: characters are those of UTF-8, and bytes only where a command counts bytes.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { readOptions } from "./options.ts";
import {
  chunks,
  Failure,
  forEach,
  lines,
  open,
  readAll,
  say,
  sayLines,
  type Applet,
  type Tool,
} from "./tool.ts";

const inputs = (operands: readonly string[]): readonly string[] =>
  operands.length === 0 ? ["-"] : operands;

const cannotOpen = (path: string): string => `can't open '${path}'`;

/** A line without its newline. */
const bare = (line: string): string => line.replace(/\n$/, "");

/** All lines of several inputs, without newlines. */
async function allLines(tool: Tool, operands: readonly string[]): Promise<readonly string[]> {
  const all: string[] = [];
  for (const path of inputs(operands)) {
    for await (const line of lines(tool, open(tool, path))) all.push(bare(line));
  }
  return all;
}

/** `cat [-n] FILE…` */
export const cat: Applet = (tool) => {
  const options = readOptions(tool, "nbuevtAE");
  let number = 0;
  return forEach(tool, inputs(options.operands), cannotOpen, async (path) => {
    if (!options.has("n") && !options.has("b")) {
      for await (const bytes of chunks(tool, open(tool, path))) await say(tool, bytes);
      return;
    }
    for await (const line of lines(tool, open(tool, path))) {
      const isCounted = options.has("n") || line !== "\n";
      if (isCounted) number += 1;
      await say(tool, isCounted ? `${String(number).padStart(6)}\t${line}` : line);
    }
  });
};

/** `head -N` for `head -n N`. */
const withCount = (tool: Tool): Pick<Tool, "args"> => ({
  args: tool.args.flatMap((each, index) =>
    index === 0 && /^-\d+$/.test(each) ? ["-n", each.slice(1)] : [each],
  ),
});

const title = (path: string, isFirst: boolean): string =>
  `${isFirst ? "" : "\n"}==> ${path === "-" ? "standard input" : path} <==\n`;

/** `head [-n N] [-c N] FILE…` */
export const head: Applet = (tool) => {
  const options = readOptions(withCount(tool), "n:c:qv");
  const paths = inputs(options.operands);
  const isTitled = (paths.length > 1 && !options.has("q")) || options.has("v");
  let isFirst = true;
  return forEach(tool, paths, String, async (path) => {
    const from = open(tool, path);
    if (isTitled) await say(tool, title(path, isFirst));
    isFirst = false;
    const bytesLimit = options.value("c");
    if (bytesLimit !== undefined) {
      for (let left = Number(bytesLimit); left > 0;) {
        const bytes = await tool.context.read(from, Math.min(left, 65_536));
        if (bytes.length === 0) return;
        left -= bytes.length;
        await say(tool, bytes);
      }
      return;
    }
    let left = Number(options.value("n") ?? 10);
    if (left <= 0) return;
    for await (const line of lines(tool, from)) {
      await say(tool, line);
      left -= 1;
      if (left === 0) return;
    }
  });
};

/** `tail [-n [+]N] [-c N] [-f] FILE…` */
export const tail: Applet = (tool) => {
  const options = readOptions(withCount(tool), "n:c:qvf");
  const paths = inputs(options.operands);
  let isFirst = true;
  return forEach(tool, paths, String, async (path) => {
    const from = open(tool, path);
    if (paths.length > 1 && !options.has("q")) await say(tool, title(path, isFirst));
    isFirst = false;
    const bytes = await readAll(tool, from);
    await say(tool, bytes.subarray(tailStart(bytes, options.value("c"), options.value("n"))));
    if (!options.has("f")) return;
    for (;;) {
      for await (const more of chunks(tool, from)) await say(tool, more);
      await new Promise<void>((resolve) => {
        tool.kernel.after(FOLLOW_MS, resolve);
      });
    }
  });
};

const FOLLOW_MS = 1000;

function tailStart(bytes: Uint8Array, byteCount: string | undefined, count = "10"): number {
  if (byteCount !== undefined) {
    const number = Number(byteCount);
    return byteCount.startsWith("+") ? Math.max(number - 1, 0) : Math.max(bytes.length - number, 0);
  }
  const starts = [0];
  for (const [at, byte] of bytes.entries()) {
    if (byte === 10 && at + 1 < bytes.length) starts.push(at + 1);
  }
  const number = Math.abs(Number(count));
  const index = count.startsWith("+") ? Math.max(number - 1, 0) : starts.length - number;
  return starts[Math.max(index, 0)] ?? bytes.length;
}

/** `wc [-lwcm] FILE…` */
export const wc: Applet = async (tool) => {
  const options = readOptions(tool, "lwcmL");
  const kinds = ["l", "w", "m", "c"].filter((each) => options.has(each));
  const wanted = kinds.length === 0 ? ["l", "w", "c"] : kinds;
  const paths = inputs(options.operands);
  const totals = new Map<string, number>();
  const line = (counts: ReadonlyMap<string, number>, name: string): string => {
    const isAlone = wanted.length === 1;
    const numbers = wanted.map((each) => String(counts.get(each) ?? 0).padStart(isAlone ? 0 : 9));
    return `${numbers.join(" ")}${name === "" ? "" : ` ${name}`}\n`;
  };
  const exitCode = await forEach(tool, paths, String, async (path) => {
    const bytes = await readAll(tool, open(tool, path));
    const counts = countsOf(bytes);
    for (const [kind, count] of counts) totals.set(kind, (totals.get(kind) ?? 0) + count);
    await say(tool, line(counts, options.operands.length === 0 ? "" : path));
  });
  if (paths.length > 1) await say(tool, line(totals, "total"));
  return exitCode;
};

function countsOf(bytes: Uint8Array): ReadonlyMap<string, number> {
  const text = new TextDecoder().decode(bytes);
  return new Map([
    ["l", bytes.filter((byte) => byte === 10).length],
    ["w", text.split(/\s+/).filter((word) => word !== "").length],
    ["m", [...text].length],
    ["c", bytes.length],
  ]);
}

/** `sort [-rnufk:t:] FILE…` */
export const sort: Applet = async (tool) => {
  const options = readOptions(tool, "rnufk:t:bdhgMcsz");
  const all = await allLines(tool, options.operands);
  const [from = 1, to = Infinity] = (options.value("k") ?? "1")
    .split(",")
    .map((each) => Number.parseInt(each, 10));
  const separator = options.value("t");
  const isNumeric = options.has("n") || /n/.test(options.value("k") ?? "");
  const key = (line: string): string => {
    if (options.value("k") === undefined) return line;
    const fields = separator === undefined ? line.match(/\s*\S+/g) : line.split(separator);
    return (fields ?? []).slice(from - 1, to).join(separator ?? "");
  };
  const fold = (text: string): string => (options.has("f") ? text.toUpperCase() : text);
  const plain = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const number = (text: string): number => Number.parseFloat(key(text).trim()) || 0;
  const compareKeys = (a: string, b: string): number =>
    isNumeric ? number(a) - number(b) : plain(fold(key(a)), fold(key(b)));
  const sign = options.has("r") ? -1 : 1;
  const inOrder = all.toSorted((a, b) => sign * (compareKeys(a, b) || plain(a, b)));
  const unique = inOrder.filter(
    (line, index) => index === 0 || compareKeys(line, inOrder[index - 1] ?? "") !== 0,
  );
  await sayLines(tool, options.has("u") ? unique : inOrder);
  return 0;
};

/** `uniq [-cdu] [FILE]` */
export const uniq: Applet = async (tool) => {
  const options = readOptions(tool, "cdui");
  const groups: { readonly line: string; count: number }[] = [];
  for (const line of await allLines(tool, options.operands.slice(0, 1))) {
    const last = groups.at(-1);
    const isSame = options.has("i")
      ? last?.line.toLowerCase() === line.toLowerCase()
      : last?.line === line;
    if (last !== undefined && isSame) last.count += 1;
    else groups.push({ line, count: 1 });
  }
  const shown = groups.filter(
    ({ count }) => (!options.has("d") || count > 1) && (!options.has("u") || count === 1),
  );
  const text = ({ line, count }: (typeof groups)[number]): string =>
    options.has("c") ? `${String(count).padStart(7)} ${line}` : line;
  await sayLines(tool, shown.map(text));
  return 0;
};

/** The places that `1,3-5,7-` names. */
function rangesOf(list: string): (place: number) => boolean {
  const ranges = list.split(",").map((each) => {
    const [, first = "", dash = "", last = ""] = /^(\d*)(-?)(\d*)$/.exec(each) ?? [];
    if (first === "" && last === "") throw new Failure(`invalid range '${each}'`);
    const low = first === "" ? 1 : Number(first);
    return [low, dash === "" ? low : last === "" ? Infinity : Number(last)] as const;
  });
  return (place) => ranges.some(([low, high]) => place >= low && place <= high);
}

/** `cut -f LIST [-d C] [-s] FILE…`, `cut -c LIST` */
export const cut: Applet = async (tool) => {
  const options = readOptions(tool, "f:d:c:b:s");
  const characters = options.value("c") ?? options.value("b");
  const list = characters ?? options.value("f");
  if (list === undefined) throw new Failure("expected a list of bytes, characters, or fields");
  const isWanted = rangesOf(list);
  const separator = characters === undefined ? (options.value("d") ?? "\t") : "";
  const kept = (text: string): readonly string[] => {
    const isWhole = separator !== "" && !text.includes(separator);
    if (isWhole) return options.has("s") ? [] : [text];
    const parts = separator === "" ? [...text] : text.split(separator);
    return [parts.filter((_, index) => isWanted(index + 1)).join(separator)];
  };
  for (const path of inputs(options.operands)) {
    for await (const line of lines(tool, open(tool, path))) await sayLines(tool, kept(bare(line)));
  }
  return 0;
};

const TR_CLASSES: Readonly<Record<string, string>> = {
  lower: "abcdefghijklmnopqrstuvwxyz",
  upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  digit: "0123456789",
  space: " \t\n\v\f\r",
  blank: " \t",
};

/** The characters of `a-z0-9\n`. */
function setOf(text: string): readonly string[] {
  const classes: Readonly<Record<string, string>> = {
    ...TR_CLASSES,
    alpha: `${TR_CLASSES["upper"]}${TR_CLASSES["lower"]}`,
    alnum: `${TR_CLASSES["digit"]}${TR_CLASSES["upper"]}${TR_CLASSES["lower"]}`,
  };
  const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\" };
  const plain = text
    .replace(/\[:(\w+):\]/g, (all, name: string) => classes[name] ?? all)
    .replace(/\\([0-7]{1,3})|\\(.)/g, (_, digits: string | undefined, one: string) =>
      digits === undefined
        ? (escapes[one] ?? one)
        : String.fromCharCode(Number.parseInt(digits, 8)),
    );
  return [...plain.matchAll(/([\s\S])-([\s\S])|([\s\S])/gu)].flatMap(([, first, last, one]) => {
    if (one !== undefined) return [one];
    const [low, high] = [first?.codePointAt(0) ?? 0, last?.codePointAt(0) ?? 0];
    return Array.from({ length: Math.max(high - low + 1, 0) }, (_, at) =>
      String.fromCodePoint(low + at),
    );
  });
}

/** `tr [-dsc] SET [SET]` */
export const tr: Applet = async (tool) => {
  const options = readOptions(tool, "+dsc");
  const [first = "", second = ""] = options.operands;
  const [from, to] = [setOf(first), setOf(second)];
  const isIn = (one: string): boolean => from.includes(one) !== options.has("c");
  const replaced = (one: string): string => {
    if (options.has("d")) return isIn(one) ? "" : one;
    if (to.length === 0 || !isIn(one)) return one;
    const at = options.has("c") ? to.length - 1 : Math.min(from.indexOf(one), to.length - 1);
    return to[at] ?? one;
  };
  const squeezed = to.length > 0 ? to : from;
  let last = "";
  for await (const line of lines(tool, tool.streams.stdin)) {
    let text = "";
    for (const one of [...line].map(replaced)) {
      const isRepeated = options.has("s") && one === last && squeezed.includes(one);
      if (!isRepeated) text += one;
      if (one !== "") last = one;
    }
    await say(tool, text);
  }
  return 0;
};

/** `rev FILE…` and `tac FILE…` */
export const reversed: Applet = async (tool) => {
  const all = await allLines(tool, readOptions(tool, "").operands);
  const isByLine = tool.name === "tac";
  await sayLines(
    tool,
    isByLine ? all.toReversed() : all.map((line) => [...line].toReversed().join("")),
  );
  return 0;
};
