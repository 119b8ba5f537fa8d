/**
 * Grammar: how the words of a command line become flags and arguments.
 *
 * Docker's grammar is that of the Go package pflag, and people's scripts depend on its corners:
 * `-itd` is three flags, `-eK=V` and `-e=K=V` are one, `--rm=false` turns a switch off, and after
 * the image of `run` everything belongs to the container. Flags are data, so that the same table
 * drives parsing, help and completion. Libraries were looked at: type-flag reads `-eK=V` as flags
 * e and K, splits values at ":" and ".", and its errors are its own; commander needs Node.
 *
 * Kernel interface: execve(2) (argv).
 * Specification: spf13/pflag 1.0; POSIX.1 Utility Syntax Guidelines 3 to 10.
 * Invariants:
 *   flags-round-trip      flags printed in any of their spellings parse back to the same values
 *   arguments-untouched   what follows the first argument of run, or "--", is passed on unchanged
 * Left out: deprecated flags' warnings, flags with optional values other than switches.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { nearest } from "../errors/index.ts";
import { Failure, messageOf } from "./failure.ts";
import { KINDS, type FlagKind, type Scalar } from "./values.ts";

/** The concept that a flag acts on: help groups flags by it and names its page. */
export type Concept =
  | "process"
  | "namespaces"
  | "cgroups"
  | "layers"
  | "volumes"
  | "network"
  | "security"
  | "life-cycle"
  | "images"
  | "streams"
  | "output"
  | "elsewhere";

/** One flag, as data. */
export interface Flag {
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  readonly kind: FlagKind;
  readonly help: string;
  readonly concept?: Concept;
  readonly initial?: Scalar;
  /** Another spelling of this flag: parsed into it, not shown in help. */
  readonly aliasOf?: string;
  /** Checks one value and returns its normal form; the thrown message tells why not. */
  readonly check?: (text: string) => string;
}

/** The values of a command's flags. Asking for a flag that the command does not have is a bug. */
export interface Flags {
  /** Whether the flag was given on the command line. */
  changed(name: string): boolean;
  bool(name: string): boolean;
  number(name: string): number;
  text(name: string): string;
  list(name: string): readonly string[];
}

/** What parsing returns. */
export interface Parsed {
  readonly flags: Flags;
  readonly args: readonly string[];
}

/** How the words are to be read. */
export interface Grammar {
  readonly flags: readonly Flag[];
  /** Whether flags may follow the first argument; false for run, create and exec. */
  readonly interspersed: boolean;
}

/** Thrown when a command line asks for help: `--help` or, where h is no flag, `-h`. */
export class HelpWanted extends Error {
  override readonly name = "HelpWanted";
}

/** A mistake in the words themselves: the usage line follows it. */
export class GrammarFailure extends Failure {}

type Values = Map<string, Scalar[]>;

/**
 * Parses the words after a command's name.
 *
 * @throws Failure with exit code 125 and Docker's words on a mistake
 * @throws HelpWanted when help was asked for
 * @example parseWords({ flags: [], interspersed: true }, ["web1"]).args // ["web1"]
 */
export function parseWords(grammar: Grammar, words: readonly string[]): Parsed {
  const values: Values = new Map();
  const args: string[] = [];
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? "";
    at += 1;
    if (word === "--") {
      args.push(...words.slice(at));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      args.push(word);
      if (grammar.interspersed) continue;
      args.push(...words.slice(at));
      break;
    }
    const next = words[at];
    const read = word.startsWith("--") ? readLong : readShorts;
    if (read({ grammar, values, word, next })) at += 1;
  }
  return { flags: flagsFrom(grammar.flags, values), args };
}

interface Reading {
  readonly grammar: Grammar;
  readonly values: Values;
  readonly word: string;
  /** The word that follows, which a flag may take as its value. */
  readonly next: string | undefined;
}

/** Reads `--name`, `--name=value` or `--name value`; returns whether the next word was taken. */
function readLong({ grammar, values, word, next }: Reading): boolean {
  const [, name = "", , inline] = /^--([^=]*)(=(.*))?$/s.exec(word) ?? [];
  if (name === "" || name.startsWith("-")) throw grammarFailure(`bad flag syntax: ${word}`);
  const flag = grammar.flags.find((each) => each.name === name);
  if (flag === undefined) {
    if (name === "help") throw new HelpWanted();
    throw grammarFailure(`unknown flag: --${name}`, suggestFlag(grammar, name));
  }
  if (inline !== undefined) return set(grammar, values, { flag, text: inline });
  if (flag.kind === "bool") return set(grammar, values, { flag, text: "true" });
  if (next === undefined) throw grammarFailure(`flag needs an argument: ${word}`);
  set(grammar, values, { flag, text: next });
  return true;
}

/** Reads `-i`, `-itd`, `-eK=V`, `-e=K=V` or `-e K=V`; returns whether the next word was taken. */
function readShorts({ grammar, values, word, next }: Reading): boolean {
  let letters = word.slice(1);
  while (letters !== "") {
    const letter = letters.slice(0, 1);
    const rest = letters.slice(1);
    const flag = grammar.flags.find((each) => each.short === letter);
    if (flag === undefined) {
      if (letter === "h") throw new HelpWanted();
      throw grammarFailure(
        `unknown shorthand flag: '${letter}' in -${letters}`,
        suggestLongFlag(grammar, word),
      );
    }
    if (rest.startsWith("=") && rest.length > 1) {
      return set(grammar, values, { flag, text: rest.slice(1) });
    }
    if (flag.kind === "bool") {
      set(grammar, values, { flag, text: "true" });
      letters = rest;
      continue;
    }
    if (rest !== "") return set(grammar, values, { flag, text: rest });
    if (next === undefined) {
      throw grammarFailure(`flag needs an argument: '${letter}' in -${letters}`);
    }
    set(grammar, values, { flag, text: next });
    return true;
  }
  return false;
}

/** Stores one value and returns false: no further word was taken. */
function set(grammar: Grammar, values: Values, given: { flag: Flag; text: string }): false {
  const { flag, text } = given;
  const target = grammar.flags.find((each) => each.name === flag.aliasOf) ?? flag;
  const kind = KINDS[target.kind];
  try {
    const value = kind.parse(target.check === undefined ? text : target.check(text));
    const before = values.get(target.name) ?? [];
    values.set(target.name, kind.repeats ? [...before, value] : [value]);
  } catch (cause) {
    const shown = flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
    const why = messageOf(cause);
    throw grammarFailure(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${why}`);
  }
  return false;
}

function grammarFailure(message: string, hint?: string): GrammarFailure {
  return new GrammarFailure({ message, exitCode: 125, hint });
}

/** `-name web1` is the commonest slip of all: a long flag behind one dash. */
function suggestLongFlag(grammar: Grammar, word: string): string | undefined {
  const name = word.slice(1).replace(/=.*$/s, "");
  // One letter is near to every other.
  if (name.length < 2) return undefined;
  const flag = nearestFlag(grammar, name);
  return flag === undefined ? undefined : `A flag with a long name takes two dashes: --${flag}`;
}

function suggestFlag(grammar: Grammar, name: string): string | undefined {
  const near = nearestFlag(grammar, name);
  return near === undefined ? undefined : `Did you mean --${near}?`;
}

function nearestFlag({ flags }: Grammar, name: string): string | undefined {
  return nearest(
    name,
    flags.map((flag) => flag.name),
  );
}

/** Zero values as Go has them, unless the flag names its own. */
function initialOf(flag: Flag): Scalar {
  if (flag.initial !== undefined) return flag.initial;
  if (flag.kind === "bool") return false;
  return KINDS[flag.kind].repeats || flag.kind === "string" ? "" : 0;
}

function flagsFrom(known: readonly Flag[], values: Values): Flags {
  const flagNamed = (name: string): Flag => {
    const flag = known.find((each) => each.name === name);
    if (flag === undefined) throw new Error(`no flag --${name} is declared`);
    return flag;
  };
  const valueOf = (name: string): Scalar => {
    const flag = flagNamed(name);
    return values.get(name)?.at(-1) ?? initialOf(flag);
  };
  return {
    changed: (name) => values.has(flagNamed(name).name),
    bool: (name) => valueOf(name) === true,
    number: (name) => Number(valueOf(name)),
    text: (name) => String(valueOf(name)),
    list: (name) => (values.get(flagNamed(name).name) ?? []).map(String),
  };
}
