/**
 * Print: commands that print what they are told.
 *
 * Several of them are also builtins of the shell.
 *
 * Kernel interface: write(2).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: nothing.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError } from "../../port.ts";
import { readOptions } from "./options.ts";
import { unescape } from "./printf.ts";
import { Failure, say, sayLines, type Applet } from "./tool.ts";

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

/** `seq [FIRST [STEP]] LAST` */
export const seq: Applet = async (tool) => {
  const options = readOptions({ args: tool.args.map(negative) }, "s:w");
  const { operands } = options;
  const numbers = operands.map((each) => Number(each.replace("\u0000", "-")));
  const wrong = operands.find((_, index) => Number.isNaN(numbers[index]));
  if (wrong !== undefined) throw new Failure(`invalid number '${wrong}'`);
  const { first, step, last } = sequence(numbers);
  const places = Math.max(...operands.map((each) => each.split(".")[1]?.length ?? 0));
  const count = step === 0 ? 0 : Math.floor((last - first) / step + 1e-9) + 1;
  const width = Math.max(first.toFixed(places).length, last.toFixed(places).length);
  const words = Array.from({ length: Math.max(count, 0) }, (_, index) => {
    const text = (first + index * step).toFixed(places);
    return options.has("w") ? text.padStart(width, "0") : text;
  });
  if (words.length > 0) await say(tool, `${words.join(options.value("s") ?? "\n")}\n`);
  return 0;
};

function sequence(numbers: readonly number[]): { first: number; step: number; last: number } {
  const [a = 1, b = 1, c = 1] = numbers;
  if (numbers.length === 1) return { first: 1, step: 1, last: a };
  return numbers.length === 2 ? { first: a, step: 1, last: b } : { first: a, step: b, last: c };
}

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
