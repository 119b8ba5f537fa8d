/**
 * Words: what becomes of `$x`, `$(…)`, quotes, `~` and `*` before a command sees its arguments.
 *
 * A word is expanded into pieces that remember whether they were quoted; then unquoted results are
 * split at the characters of IFS, and what looks like a pattern becomes the names that it matches.
 *
 * Kernel interface: glob(7).
 * Specification: POSIX.1-2017, Shell Command Language, 2.6 "Word Expansions".
 * Invariants: none; ../userland.test.ts compares with the busybox of the machine.
 * Left out: process substitution; braces are text, as in POSIX.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { HereDoc, Word, WordPart } from "unbash";
import { compute } from "./arithmetic.ts";
import { expandParameter } from "./parameters.ts";
import { expandPaths, isPattern, unquote } from "./pattern.ts";
import { patternOf, splitFields, textOf, type Expander, type Piece } from "./pieces.ts";
import { ShellError, valueOf, type Shell } from "./shell.ts";

/** The fields that words become. */
export async function expandWords(
  expander: Expander,
  words: readonly Word[],
): Promise<readonly string[]> {
  const { shell } = expander;
  const all: string[] = [];
  for (const word of words) {
    const fields = splitFields(await expander.pieces(word), valueOf(shell, "IFS") ?? " \t\n");
    for (const field of fields) {
      const mayMatch = !shell.flags.has("f") && isPattern(field);
      const paths = mayMatch ? expandPaths(shell.context.kernel, field) : [];
      all.push(...(paths.length > 0 ? paths : [unquote(field)]));
    }
  }
  return all;
}

/** The one text that a word becomes where nothing is split: assignments, redirections. */
export async function expandText(expander: Expander, word: Word | undefined): Promise<string> {
  if (word === undefined) return "";
  return textOf(await expander.pieces(word));
}

/** A word as a pattern: what was quoted stands for itself. */
export async function expandPattern(expander: Expander, word: Word): Promise<string> {
  return patternOf(await expander.pieces(word));
}

/** The text of a here-document. */
export async function expandHereDoc(expander: Expander, { operator, body, delimiter }: HereDoc) {
  const strip = (text: string): string =>
    operator === "<<-" ? text.replace(/\n\t+/g, "\n") : text;
  const isText = delimiter?.quoted === true || body.parts === undefined;
  const whole = isText
    ? delimiter?.quoted === true
      ? body.text
      : unescapeHereDoc(body.text)
    : textOf(await piecesOfParts(expander, body.parts ?? [], "quoted"));
  return strip(`\n${whole}`).slice(1);
}

const unescapeHereDoc = (text: string): string =>
  text.replace(/\\([$`\\\n])/g, (_, one: string) => (one === "\n" ? "" : one));

/** Words of a shell. @param substitute runs a script in a subshell, and gives what it printed */
export function createExpander(shell: Shell, substitute: Expander["substitute"]): Expander {
  const expander: Expander = { shell, substitute, pieces: (word) => piecesOf(expander, word) };
  return expander;
}

async function piecesOf(expander: Expander, word: Word): Promise<readonly Piece[]> {
  const parts = word.parts ?? [{ type: "Literal", value: word.value, text: word.text, ...NOWHERE }];
  const [first, ...rest] = parts;
  if (first?.type !== "Literal") return piecesOfParts(expander, parts, "plain");
  const { home, after } = readTilde(expander.shell, first.text, rest.length === 0);
  if (home === undefined) return piecesOfParts(expander, parts, "plain");
  const others = [{ ...first, text: after, value: after }, ...rest];
  return [{ kind: "quoted", text: home }, ...(await piecesOfParts(expander, others, "plain"))];
}

/** A home at the front of a word. @param isAll whether the word has no other part */
function readTilde(
  shell: Shell,
  text: string,
  isAll: boolean,
): { readonly home?: string | undefined; readonly after: string } {
  const [, user, after = ""] = /^~([\w-]*)(.*)$/s.exec(text) ?? [];
  const isWhole = after.startsWith("/") || (after === "" && isAll);
  return user === undefined || !isWhole ? { after } : { home: homeOf(shell, user), after };
}

const NOWHERE = { pos: 0, end: 0 };

function homeOf({ variables, context }: Shell, user: string): string | undefined {
  if (user === "") return variables.get("HOME")?.value;
  const lines = context.kernel.readText("/etc/passwd").split("\n");
  return lines.map((line) => line.split(":")).find(([name]) => name === user)?.[5];
}

/** The pieces of parts. @param around whether they stand in quotes */
async function piecesOfParts(
  expander: Expander,
  parts: readonly WordPart[],
  around: "plain" | "quoted",
): Promise<readonly Piece[]> {
  const pieces: Piece[] = [];
  for (const part of parts) pieces.push(...(await piecesOfPart(expander, part, around)));
  return pieces;
}

async function piecesOfPart(
  expander: Expander,
  part: WordPart,
  around: "plain" | "quoted",
): Promise<readonly Piece[]> {
  const kind = around === "quoted" ? "quoted" : "split";
  switch (part.type) {
    case "Literal":
      return around === "quoted" ? [{ kind: "quoted", text: part.value }] : literal(part.text);
    case "SingleQuoted":
    case "AnsiCQuoted":
      return [{ kind: "quoted", text: part.value }];
    case "DoubleQuoted":
    case "LocaleString":
      return doubleQuoted(expander, part.parts);
    case "SimpleExpansion":
    case "ParameterExpansion":
      return expandParameter(expander, part, around);
    case "CommandExpansion":
      return [{ kind, text: await expander.substitute(part.script) }];
    case "ArithmeticExpansion":
      return [{ kind, text: await arithmetic(expander, part) }];
    case "ProcessSubstitution":
      throw new ShellError('syntax error: unexpected "("');
    case "Glob":
    case "BraceExpansion":
    case "ExtendedGlob":
      return part.parts === undefined || part.parts.length === 0
        ? literal(part.text)
        : around === "quoted"
          ? [{ kind, text: part.text }]
          : inBrackets(expander, part);
  }
}

/** `[…]` and `{…}` with expansions inside. */
async function inBrackets(
  expander: Expander,
  part: Extract<WordPart, { type: "Glob" | "BraceExpansion" | "ExtendedGlob" }>,
): Promise<readonly Piece[]> {
  const parts = part.parts ?? [];
  const isExpanding = parts.some(({ type }) => type !== "Literal");
  if (!isExpanding || part.type !== "Glob") return literal(part.text);
  const [open, close] = [part.text.slice(0, 1), part.text.slice(-1)];
  const inside = await piecesOfParts(expander, parts, "plain");
  return [{ kind: "plain", text: open }, ...inside, { kind: "plain", text: close }];
}

async function doubleQuoted(
  expander: Expander,
  parts: readonly WordPart[],
): Promise<readonly Piece[]> {
  const pieces = await piecesOfParts(expander, parts, "quoted");
  const isAll = parts.length === 1 && /^\$(@|\{@\})$/.test(parts[0]?.text ?? "");
  // Quotes make a field even of nothing, but for "$@" without parameters.
  return isAll ? pieces : [{ kind: "quoted", text: "" }, ...pieces];
}

/** Unquoted text, where a backslash quotes one character. */
function literal(text: string): readonly Piece[] {
  return [...text.matchAll(/\\\n|\\([\s\S])|[^\\]+|\\$/g)].map(([all, one]) =>
    one === undefined
      ? { kind: "plain", text: all === "\\\n" ? "" : all }
      : { kind: "quoted", text: one },
  );
}

async function arithmetic(
  expander: Expander,
  part: Extract<WordPart, { type: "ArithmeticExpansion" }>,
): Promise<string> {
  if (part.expression === undefined) {
    if (part.text.slice(3, -2).trim() === "") return "0";
    throw new ShellError("arithmetic syntax error");
  }
  return String(await computeIn(expander, part.expression));
}

/** Computes an expression whose words may hold expansions. */
export function computeIn(
  expander: Expander,
  expression: Parameters<typeof compute>[1],
): Promise<bigint> {
  return compute(expander.shell, expression, async (word) => {
    if (word.type === "ArithmeticCommandExpansion") return expander.substitute(word.script);
    if (word.parts === undefined) return word.value;
    return textOf(await piecesOfParts(expander, word.parts, "quoted"));
  });
}
