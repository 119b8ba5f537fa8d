/**
 * Options: command lines in the manner of getopt(3).
 *
 * Kernel interface: getopt(3).
 * Invariants: none.
 * Left out: long options but those that a command names itself.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { Failure, type Tool } from "./tool.ts";

/** A command line, understood. */
export interface Options {
  has(letter: string): boolean;
  /** Of an option with a value, the last; undefined when it was not given. */
  value(letter: string): string | undefined;
  /** The last given of some letters that exclude each other. */
  last(letters: string): string | undefined;
  readonly operands: readonly string[];
}

/**
 * Reads options.
 *
 * @param letters as getopt(3) has them: `:` behind those with a value; `+` in front when options
 * end at the first operand
 * @param long other names, `{ "no-clobber": "n" }`
 * @throws Failure for an option that is not known, or that lacks its value
 */
export function readOptions(
  { args }: Pick<Tool, "args">,
  letters: string,
  long: Readonly<Record<string, string>> = {},
): Options {
  const given: (readonly [string, string])[] = [];
  const operands: string[] = [];
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") break;
    if (!word.startsWith("-") || word === "-") {
      operands.push(word);
      if (letters.startsWith("+")) break;
    } else if (word.startsWith("--")) given.push(readLong(word, rest, { letters, long }));
    else given.push(...readShort(word.slice(1), rest, letters));
  }
  return {
    has: (letter) => given.some(([each]) => each === letter),
    value: (letter) => given.findLast(([each]) => each === letter)?.[1],
    last: (several) => given.findLast(([each]) => several.includes(each))?.[0],
    operands: [...operands, ...rest],
  };
}

const takesValue = (letters: string, letter: string): boolean =>
  letters[letters.indexOf(letter) + 1] === ":";

function readLong(
  word: string,
  rest: string[],
  known: { readonly letters: string; readonly long: Readonly<Record<string, string>> },
): readonly [string, string] {
  const [, name = "", , inline] = /^--([^=]*)(=(.*))?$/s.exec(word) ?? [];
  const letter = Object.hasOwn(known.long, name) ? known.long[name] : undefined;
  if (letter === undefined) throw new Failure(`unrecognized option '${word}'`);
  if (!takesValue(known.letters, letter)) return [letter, ""];
  const value = inline ?? rest.shift();
  if (value === undefined) throw new Failure(`option '${word}' requires an argument`);
  return [letter, value];
}

function readShort(word: string, rest: string[], letters: string): (readonly [string, string])[] {
  const given: (readonly [string, string])[] = [];
  for (let at = 0; at < word.length; at++) {
    const letter = word[at] ?? "";
    if (!letters.includes(letter) || ":+".includes(letter)) {
      throw new Failure(`invalid option -- '${letter}'`);
    }
    if (!takesValue(letters, letter)) {
      given.push([letter, ""]);
      continue;
    }
    const value = at + 1 < word.length ? word.slice(at + 1) : rest.shift();
    if (value === undefined) throw new Failure(`option requires an argument -- '${letter}'`);
    given.push([letter, value]);
    break;
  }
  return given;
}
