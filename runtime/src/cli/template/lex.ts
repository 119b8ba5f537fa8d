/**
 * Templates, words: a format cut into text and the words between its braces.
 *
 * `{{- ` swallows the space before it, ` -}}` the space after; comments leave nothing.
 *
 * Kernel interface: none.
 * Specification: Go text/template/parse, lex.go; "Text and spaces".
 * Invariants: none.
 * Left out: other delimiters, complex and imaginary numbers.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { TemplateError, type Position } from "./syntax.ts";

/** What a word is. */
export type WordKind =
  | "text"
  | "open"
  | "close"
  | "space"
  | "field"
  | "variable"
  | "name"
  | "string"
  | "char"
  | "number"
  | "symbol";

/** One word of a template. */
export interface Word {
  readonly kind: WordKind;
  readonly text: string;
  readonly at: Position;
}

// Any character beyond ASCII counts as a letter: the classes of Unicode take V8 milliseconds.
const WORDS: readonly (readonly [WordKind, RegExp])[] = [
  ["space", /[ \t\r\n]+/y],
  ["string", /"(?:\\.|[^"\\\n])*"|`[^`]*`/y],
  ["char", /'(?:\\.|[^'\\\n])+'/y],
  ["number", /[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)/y],
  ["field", /\.[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y],
  ["variable", /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?/y],
  ["name", /[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y],
  ["symbol", /:=|[=|(),.]/y],
];

/**
 * Cuts a template into words.
 *
 * @throws TemplateError "template: NAME:LINE: …" when an action does not end or holds a stranger
 */
export function lex(name: string, source: string): readonly Word[] {
  const words: Word[] = [];
  let at = 0;
  let swallowSpace = false;
  while (at < source.length) {
    const open = source.indexOf("{{", at);
    const end = open === -1 ? source.length : open;
    const trimmed = open !== -1 && /^\{\{-[ \t\r\n]/.test(source.slice(open, open + 4));
    let text = source.slice(at, end);
    if (swallowSpace) text = text.replace(/^[ \t\r\n]+/, "");
    if (trimmed) text = text.replace(/[ \t\r\n]+$/, "");
    if (text !== "") words.push({ kind: "text", text, at: positionOf(source, at) });
    if (open === -1) break;
    const action = lexAction(name, source, open + (trimmed ? 3 : 2));
    words.push(...action.words);
    at = action.end;
    swallowSpace = action.swallowSpace;
  }
  return words;
}

interface Action {
  readonly words: readonly Word[];
  readonly end: number;
  readonly swallowSpace: boolean;
}

/** Reads from behind "{{" to behind "}}". */
function lexAction(name: string, source: string, start: number): Action {
  const comment = /[ \t\r\n]*\/\*[^]*?\*\/([ \t\r\n]-)?\}\}/y;
  comment.lastIndex = start;
  const skipped = comment.exec(source);
  if (skipped !== null) {
    return { words: [], end: comment.lastIndex, swallowSpace: skipped[1] !== undefined };
  }
  const words: Word[] = [{ kind: "open", text: "{{", at: positionOf(source, start) }];
  let at = start;
  while (at < source.length) {
    const close = /([ \t\r\n]-)?\}\}/y;
    close.lastIndex = at;
    const closed = close.exec(source);
    if (closed !== null) {
      words.push({ kind: "close", text: "}}", at: positionOf(source, at) });
      return { words, end: close.lastIndex, swallowSpace: closed[1] !== undefined };
    }
    const word = wordAt(source, at);
    if (word === undefined) throw strangerAt(name, source, at);
    words.push(word);
    at += word.text.length;
  }
  throw new TemplateError(`template: ${name}:${positionOf(source, at).line}: unclosed action`);
}

function wordAt(source: string, at: number): Word | undefined {
  for (const [kind, form] of WORDS) {
    form.lastIndex = at;
    const found = form.exec(source);
    if (found !== null) return { kind, text: found[0], at: positionOf(source, at) };
  }
  return undefined;
}

function strangerAt(name: string, source: string, at: number): TemplateError {
  const where = `template: ${name}:${positionOf(source, at).line}: `;
  const letter = source.slice(at, at + 1);
  if (letter === '"') return new TemplateError(`${where}unterminated quoted string`);
  if (letter === "`") return new TemplateError(`${where}unterminated raw quoted string`);
  if (letter === "'") return new TemplateError(`${where}unterminated character constant`);
  const code = letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return new TemplateError(
    `${where}unexpected bad character U+${code} ${quoteLetter(letter)} in command`,
  );
}

function quoteLetter(letter: string): string {
  return `'${letter}'`;
}

function positionOf(source: string, at: number): Position {
  const before = source.slice(0, at);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: at - lineStart };
}
