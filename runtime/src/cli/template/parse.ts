/**
 * Templates, parsing: words into a tree.
 *
 * Kernel interface: none.
 * Specification: Go text/template/parse, parse.go.
 * Invariants: none.
 * Left out: define, template and block; parenthesised pipelines may not declare variables.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { lex, type Word } from "./lex.ts";
import { unquoteGo } from "./go-strings.ts";
import {
  TemplateError,
  type Command,
  type Node,
  type Operand,
  type Pipe,
  type Position,
} from "./syntax.ts";

/** A template, ready to be carried out. */
export interface Template {
  /** How error messages call it; Docker's lists leave it empty. */
  readonly name: string;
  readonly nodes: readonly Node[];
}

/** Reads words one by one. */
interface Reader {
  readonly name: string;
  readonly words: readonly Word[];
  readonly functions: ReadonlySet<string>;
  at: number;
}

const END: Word = { kind: "close", text: "EOF", at: { line: 1, column: 0 } };

/**
 * Parses a template.
 *
 * @param functions the names that may be called
 * @throws TemplateError in Go's words
 */
export function parseTemplate(
  name: string,
  source: string,
  functions: ReadonlySet<string>,
): Template {
  const reader: Reader = { name, words: lex(name, source), functions, at: 0 };
  const { nodes, stop } = parseNodes(reader);
  if (stop !== "eof") throw failureAt(reader, peek(reader).at, `unexpected {{${stop}}}`);
  return { name, nodes };
}

type Stop = "eof" | "end" | "else";

function parseNodes(reader: Reader): { readonly nodes: readonly Node[]; readonly stop: Stop } {
  const nodes: Node[] = [];
  while (reader.at < reader.words.length) {
    const word = take(reader);
    if (word.kind === "text") {
      nodes.push({ kind: "text", text: word.text });
      continue;
    }
    skipSpace(reader);
    const keyword = peek(reader);
    if (keyword.kind === "name" && (keyword.text === "end" || keyword.text === "else")) {
      take(reader);
      if (keyword.text === "end") expectClose(reader, "end");
      return { nodes, stop: keyword.text };
    }
    nodes.push(parseAction(reader));
  }
  return { nodes, stop: "eof" };
}

function parseAction(reader: Reader): Node {
  const word = peek(reader);
  if (word.kind === "name") {
    if (word.text === "if" || word.text === "with" || word.text === "range") {
      take(reader);
      return parseControl(reader, word.text);
    }
    if (word.text === "break" || word.text === "continue") {
      take(reader);
      expectClose(reader, word.text);
      return { kind: word.text };
    }
  }
  const pipe = parsePipe(reader, "command");
  expectClose(reader, "command");
  return { kind: "action", pipe };
}

/** Reads from behind "if", "with" or "range" to behind its "end". */
function parseControl(reader: Reader, kind: "if" | "with" | "range"): Node {
  const pipe = parsePipe(reader, kind);
  expectClose(reader, kind);
  const { nodes: body, stop } = parseNodes(reader);
  if (stop === "eof") throw failureAt(reader, pipe.at, "unexpected EOF");
  if (stop === "end") return { kind, pipe, body, otherwise: [] };
  skipSpace(reader);
  const next = peek(reader);
  if (kind !== "range" && next.kind === "name" && next.text === kind) {
    // {{else if …}} is short for an if inside the else, closed by the same {{end}}.
    take(reader);
    return { kind, pipe, body, otherwise: [parseControl(reader, kind)] };
  }
  expectClose(reader, "else");
  const rest = parseNodes(reader);
  if (rest.stop !== "end") throw failureAt(reader, pipe.at, "expected end; found {{else}}");
  return { kind, pipe, body, otherwise: rest.nodes };
}

/** Reads a pipeline up to, not including, its closing brace or parenthesis. */
function parsePipe(reader: Reader, context: string): Pipe {
  skipSpace(reader);
  const start = peek(reader);
  const { variables, assigns } = parseVariables(reader);
  const commands: Command[] = [parseCommand(reader)];
  while (isSymbol(peek(reader), "|")) {
    take(reader);
    commands.push(parseCommand(reader));
  }
  const [first] = commands;
  if (first === undefined || commands.some((command) => command.operands.length === 0)) {
    throw failureAt(reader, start.at, `missing value for ${context}`);
  }
  return { commands, variables, assigns, at: start.at };
}

/** Reads `$x :=`, `$i, $x :=` or `$x =` if it is there. */
function parseVariables(reader: Reader): { variables: string[]; assigns: boolean } {
  const back = reader.at;
  const variables: string[] = [];
  while (peek(reader).kind === "variable") {
    variables.push(take(reader).text);
    skipSpace(reader);
    const mark = peek(reader);
    if (isSymbol(mark, ":=") || isSymbol(mark, "=")) {
      take(reader);
      return { variables, assigns: mark.text === "=" };
    }
    if (!isSymbol(mark, ",")) break;
    take(reader);
    skipSpace(reader);
  }
  reader.at = back;
  return { variables: [], assigns: false };
}

function parseCommand(reader: Reader): Command {
  const operands: Operand[] = [];
  skipSpace(reader);
  let operand = parseOperand(reader);
  while (operand !== undefined) {
    operands.push(operand);
    skipSpace(reader);
    operand = parseOperand(reader);
  }
  return { operands };
}

function parseOperand(reader: Reader): Operand | undefined {
  const word = peek(reader);
  switch (word.kind) {
    case "field": {
      const names = takeFields(reader);
      return { kind: "field", names: names.list, at: names.at };
    }
    case "variable":
      take(reader);
      return { kind: "variable", names: [word.text, ...takeFields(reader).list], at: word.at };
    case "name":
      take(reader);
      return nameOperand(reader, word);
    case "string":
    case "char":
    case "number":
      take(reader);
      return literalOperand(reader, word);
    default:
      return symbolOperand(reader, word);
  }
}

function symbolOperand(reader: Reader, word: Word): Operand | undefined {
  if (isSymbol(word, ".")) {
    take(reader);
    return { kind: "dot" };
  }
  if (!isSymbol(word, "(")) {
    if (word.kind === "close" || isSymbol(word, "|") || isSymbol(word, ")")) return undefined;
    throw failureAt(reader, word.at, `unexpected ${JSON.stringify(word.text)} in operand`);
  }
  take(reader);
  const pipe = parsePipe(reader, "parenthesized pipeline");
  const closing = take(reader);
  if (!isSymbol(closing, ")")) throw failureAt(reader, closing.at, "unclosed left paren");
  return { kind: "pipe", pipe, names: takeFields(reader).list, at: word.at };
}

/** Reads `.A.B`; Go reports the place of the second field when there is one. */
function takeFields(reader: Reader): { readonly list: string[]; readonly at: Position } {
  const list: string[] = [];
  const first = peek(reader).at;
  let at = first;
  while (peek(reader).kind === "field") {
    const word = take(reader);
    if (list.length === 1) at = word.at;
    list.push(word.text.slice(1));
  }
  return { list, at };
}

function nameOperand(reader: Reader, word: Word): Operand {
  if (word.text === "true" || word.text === "false") {
    return { kind: "literal", value: word.text === "true", text: word.text };
  }
  if (word.text === "nil") return { kind: "nil" };
  if (reader.functions.has(word.text)) return { kind: "function", name: word.text, at: word.at };
  throw failureAt(reader, word.at, `function ${JSON.stringify(word.text)} not defined`);
}

function literalOperand(reader: Reader, word: Word): Operand {
  if (word.kind === "number") {
    const value = Number(word.text.replace(/^\+/, ""));
    if (Number.isNaN(value)) throw failureAt(reader, word.at, `bad number syntax: ${word.text}`);
    return { kind: "literal", value, text: word.text };
  }
  const text = unquoteGo(word.text);
  if (text === undefined) throw failureAt(reader, word.at, "invalid syntax");
  const value = word.kind === "char" ? (text.codePointAt(0) ?? 0) : text;
  return { kind: "literal", value, text: word.text };
}

function isSymbol(word: Word, text: string): boolean {
  return word.kind === "symbol" && word.text === text;
}

function peek(reader: Reader): Word {
  return reader.words[reader.at] ?? END;
}

function take(reader: Reader): Word {
  const word = peek(reader);
  reader.at += 1;
  return word;
}

function skipSpace(reader: Reader): void {
  while (peek(reader).kind === "space") reader.at += 1;
}

function expectClose(reader: Reader, context: string): void {
  skipSpace(reader);
  const word = take(reader);
  if (word.kind === "close" && word !== END) return;
  throw failureAt(reader, word.at, `unexpected ${JSON.stringify(word.text)} in ${context}`);
}

function failureAt(reader: Reader, at: Position, what: string): TemplateError {
  return new TemplateError(`template: ${reader.name}:${at.line}: ${what}`);
}
