/**
 * Expressions: grep and sed.
 *
 * Basic and extended regular expressions become those of the language; they differ in what is
 * quoted.
 *
 * Kernel interface: read(2), write(2).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: back references in what is matched by -F; of sed all but s, d, p, q, y and addresses.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { emptySink } from "../processes/pipe.ts";
import { readOptions } from "./options.ts";
import { bracket } from "./shell/pattern.ts";
import { Failure, forEach, lines, open, say, sayLines, type Applet, type Tool } from "./tool.ts";

const TOKEN =
  /\[(?<inside>\^?\]?(?:\[:\w+:\]|[^\]])*)\]|\\(?<quoted>[\s\S])|(?<special>[(){}+?|])/g;

/** A POSIX expression as one of the language. @param isExtended whether `(` groups without `\` */
function translate(source: string, isExtended: boolean): string {
  return source.replace(TOKEN, (...found: unknown[]) => {
    // The last argument holds the named groups.
    const { inside, quoted, special } = found.at(-1) as Record<string, string | undefined>;
    if (inside !== undefined) return bracket(inside.replaceAll("\\", "\\\\"));
    if (special !== undefined) return isExtended ? special : `\\${special}`;
    return translateQuoted(quoted ?? "", isExtended);
  });
}

function translateQuoted(one: string, isExtended: boolean): string {
  if ("(){}+?|".includes(one)) return isExtended ? `\\${one}` : one;
  if (one === "<" || one === ">") return "\\b";
  return /[\w.*[\]^$\\/]/.test(one) ? `\\${one}` : one;
}

function compile(source: string, isExtended: boolean, flags: string): RegExp {
  try {
    return new RegExp(translate(source, isExtended).replace(/^\*/, "\\*"), flags);
  } catch {
    throw new Failure(`bad regex '${source}'`, 2);
  }
}

/** `grep [-EFivnclqohHrwxsm] [-e] PATTERN FILE…` */
export const grep: Applet = async (tool) => {
  const options = readOptions(tool, "EFGivnclqohHrRwxse:f:m:");
  const operands = [...options.operands];
  const pattern = options.value("e") ?? operands.shift();
  if (pattern === undefined) throw new Failure("no pattern", 2);
  const isDeep = options.last("rR") !== undefined;
  const paths = inputs(tool, operands, isDeep);
  const isNamed = options.last("Hh") === "H" || (!options.has("h") && (isDeep || paths.length > 1));
  const wish = { options, test: matcher(tool, options, pattern), isNamed };
  let found = false;
  const failed = await grepAll(tool, options.has("s"), paths, async (path) => {
    const count = await grepOne(tool, path, wish);
    found ||= count > 0;
  });
  const isDone = options.has("q") && found;
  return failed && !isDone ? 2 : Number(!found);
};

function inputs(tool: Tool, operands: readonly string[], isDeep: boolean): readonly string[] {
  if (!isDeep) return operands.length === 0 ? ["-"] : operands;
  return (operands.length === 0 ? ["."] : operands).flatMap((path) => filesBelow(tool, path));
}

async function grepAll(
  tool: Tool,
  isSilent: boolean,
  paths: readonly string[],
  body: (path: string) => Promise<void>,
): Promise<boolean> {
  // Nothing is opened for that: a root without /dev/null has a grep as well.
  const own = isSilent ? { ...tool, streams: { ...tool.streams, stderr: emptySink() } } : tool;
  return (await forEach(own, paths, String, body)) !== 0;
}

function filesBelow(tool: Tool, path: string): readonly string[] {
  const { kernel } = tool;
  if (kernel.lstat(path).type !== "directory") return [path];
  return kernel
    .readdir(path)
    .map((name) => `${path.replace(/\/$/, "")}/${name}`)
    .flatMap((each) => (kernel.lstat(each).type === "symlink" ? [] : filesBelow(tool, each)));
}

type Options = ReturnType<typeof readOptions>;

function matcher(tool: Tool, options: Options, pattern: string): RegExp {
  const isExtended = options.has("E") || tool.name === "egrep";
  const isFixed = options.has("F") || tool.name === "fgrep";
  const sources = pattern.split("\n").map((each) => {
    if (isFixed) return each.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
    return compile(each, isExtended, "").source;
  });
  const any = `(?:${sources.join("|")})`;
  const words = options.has("w") ? `(?<!\\w)${any}(?!\\w)` : any;
  return new RegExp(options.has("x") ? `^${words}$` : words, options.has("i") ? "gi" : "g");
}

interface Grep {
  readonly options: Options;
  readonly test: RegExp;
  readonly isNamed: boolean;
}

/** @returns how many lines it found */
async function grepOne(tool: Tool, path: string, wish: Grep): Promise<number> {
  const { options, test, isNamed } = wish;
  const name = isNamed ? `${path.replace(/^-$/, "(standard input)")}:` : "";
  const isSilent = options.last("qcl") !== undefined;
  const limit = limitOf(options);
  let [count, number] = [0, 0];
  for await (const whole of lines(tool, open(tool, path))) {
    const line = whole.replace(/\n$/, "");
    number += 1;
    if (line.search(test) >= 0 === options.has("v")) continue;
    count += 1;
    const place = name + (options.has("n") ? `${number}:` : "");
    if (!isSilent)
      await sayLines(
        tool,
        shownOf(line, wish).map((each) => place + each),
      );
    if (count >= limit) break;
  }
  if (options.has("c")) await sayLines(tool, [`${name}${count}`]);
  if (options.has("l") && count > 0) await sayLines(tool, [path]);
  return count;
}

/** After how many lines nothing more is to be said. */
function limitOf(options: Options): number {
  return options.last("ql") === undefined ? Number(options.value("m") ?? Infinity) : 1;
}

function shownOf(line: string, { options, test }: Grep): readonly string[] {
  return options.has("o") ? (line.match(test) ?? []).filter((each) => each !== "") : [line];
}

interface Line {
  text: string;
  readonly number: number;
  readonly isLast: boolean;
}

interface Command {
  readonly selects: (line: Line) => boolean;
  readonly run: (line: Line) => "delete" | "print" | "quit" | undefined;
}

/** `sed [-nEi] [-e] SCRIPT FILE…` */
export const sed: Applet = async (tool) => {
  const options = readOptions(tool, "nErie:f:s");
  const operands = [...options.operands];
  const script = options.value("e") ?? operands.shift();
  if (script === undefined) throw new Failure("no script");
  const commands = parseSed(script, options.has("E") || options.has("r"));
  const paths = operands.length === 0 ? ["-"] : operands;
  return forEach(tool, paths, String, async (path) => {
    const all: string[] = [];
    for await (const line of lines(tool, open(tool, path))) all.push(line);
    const out = edit(commands, all, options.has("n"));
    if (options.has("i")) tool.kernel.writeFile(path, out, "create");
    else await say(tool, out);
  });
};

function edit(commands: readonly Command[], all: readonly string[], isSilent: boolean): string {
  let out = "";
  for (const [index, whole] of all.entries()) {
    const end = whole.endsWith("\n") ? "\n" : "";
    const text = whole.slice(0, whole.length - end.length);
    const line = { text, number: index + 1, isLast: index === all.length - 1 };
    const { printed, effect } = editLine(commands, line);
    out += printed;
    if (effect !== "delete" && !isSilent) out += line.text + end;
    if (effect === "quit") break;
  }
  return out;
}

function editLine(
  commands: readonly Command[],
  line: Line,
): { readonly printed: string; readonly effect: ReturnType<Command["run"]> } {
  let printed = "";
  for (const { selects, run } of commands) {
    if (!selects(line)) continue;
    const effect = run(line);
    if (effect === "print") printed += `${line.text}\n`;
    if (effect === "delete" || effect === "quit") return { printed, effect };
  }
  return { printed, effect: undefined };
}

/** Reads a script from its front. */
function parseSed(script: string, isExtended: boolean): readonly Command[] {
  const commands: Command[] = [];
  let rest = script.replace(/^[\s;]+/, "");
  while (rest !== "") {
    const address =
      /^(?:(\d+|\$|\/(?:\\.|[^/])*\/)(?:,(\d+|\$|\/(?:\\.|[^/])*\/))?\s*)?(!?)\s*/.exec(rest);
    const [all = "", first, last, not] = address ?? [];
    rest = rest.slice(all.length);
    const within = selection(first, last, isExtended);
    const { run, length } = parseCommand(rest, isExtended);
    commands.push({ selects: (line) => within(line) !== (not === "!"), run });
    rest = rest.slice(length).replace(/^[\s;}]+/, "");
  }
  return commands;
}

function selection(first: string | undefined, last: string | undefined, isExtended: boolean) {
  const one = (word: string): ((line: Line) => boolean) => {
    if (word === "$") return ({ isLast }) => isLast;
    if (!word.startsWith("/")) return ({ number }) => number === Number(word);
    const test = compile(word.slice(1, -1), isExtended, "");
    return ({ text }) => test.test(text);
  };
  if (first === undefined) return () => true;
  const begins = one(first);
  if (last === undefined) return begins;
  const ends = one(last);
  let isInside = false;
  return (line: Line): boolean => {
    if (isInside) {
      isInside = !ends(line);
      return true;
    }
    const isBegin = begins(line);
    isInside = isBegin && !(/^\d+$/.test(last) && Number(last) <= line.number);
    return isBegin;
  };
}

const SIMPLE: Readonly<Record<string, "delete" | "print" | "quit">> = {
  d: "delete",
  p: "print",
  q: "quit",
};

interface Parsed {
  readonly run: Command["run"];
  readonly length: number;
}

function parseCommand(text: string, isExtended: boolean): Parsed {
  const letter = text.slice(0, 1);
  const simple = Object.hasOwn(SIMPLE, letter) ? SIMPLE[letter] : undefined;
  if (simple !== undefined) return { run: () => simple, length: 1 };
  if (letter === "s" || letter === "y") return parseReplacing(text, isExtended);
  throw new Failure(`unsupported command ${letter}`);
}

/** `s/…/…/` and `y/…/…/`, with any mark for the `/`. */
function parseReplacing(text: string, isExtended: boolean): Parsed {
  const letter = text.slice(0, 1);
  const mark = text.slice(1, 2);
  const quoted = mark.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
  const part = `((?:\\\\[\\s\\S]|(?!\\\\|${quoted})[\\s\\S])*)`;
  const found = new RegExp(`^[sy]${quoted}${part}${quoted}${part}${quoted}([gIip0-9]*)`).exec(text);
  if (found === null) throw new Failure(`unterminated ${letter} command`);
  const [all, from = "", to = "", flags = ""] = found;
  if (letter === "y") return { run: transliterate(from, to), length: all.length };
  const test = compile(
    from.replaceAll(`\\${mark}`, mark),
    isExtended,
    /i/i.test(flags) ? "gi" : "g",
  );
  return { run: substitute(test, to, flags), length: all.length };
}

function transliterate(from: string, to: string): Command["run"] {
  return (line) => {
    line.text = [...line.text].map((one) => [...to][[...from].indexOf(one)] ?? one).join("");
    return undefined;
  };
}

function substitute(test: RegExp, to: string, flags: string): Command["run"] {
  const which = Number(/\d+/.exec(flags)?.[0] ?? 1);
  return (line) => {
    let seen = 0;
    const before = line.text;
    line.text = before.replace(test, (...found: string[]) => {
      seen += 1;
      const isChosen = flags.includes("g") ? seen >= which : seen === which;
      const [all = ""] = found;
      if (!isChosen) return all;
      return to.replace(/\\([\s\S])|&/g, (mark, one: string | undefined) => {
        if (mark === "&") return all;
        if (one === "n") return "\n";
        return /\d/.test(one ?? "") ? (found[Number(one)] ?? "") : (one ?? "");
      });
    });
    return line.text !== before && flags.includes("p") ? "print" : undefined;
  };
}
