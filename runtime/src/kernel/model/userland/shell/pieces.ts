/**
 * Pieces: words in the middle of their expansion.
 *
 * Kernel interface: none.
 * Specification: POSIX.1-2017, Shell Command Language, 2.6.5 "Field Splitting".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { ParsedScript, Word } from "unbash";
import { quote } from "./pattern.ts";
import type { Shell } from "./shell.ts";

/** A part of an expanded word. `split` came from an expansion outside of quotes. */
export type Piece =
  | { readonly kind: "plain" | "quoted" | "split"; readonly text: string }
  /** Here one field ends and the next begins, whatever IFS says: `"$@"`. */
  | { readonly kind: "break" };

/** What expansions need of the rest of the shell, and of each other. */
export interface Expander {
  readonly shell: Shell;
  /** The pieces of a word. */
  readonly pieces: (word: Word) => Promise<readonly Piece[]>;
  /** Runs a script in a subshell. @returns what it printed */
  readonly substitute: (script: ParsedScript | undefined) => Promise<string>;
}

/** Pieces as one text. */
export function textOf(pieces: readonly Piece[]): string {
  return pieces.map((piece) => (piece.kind === "break" ? " " : piece.text)).join("");
}

/** Pieces as one pattern: what was quoted stands for itself. */
export function patternOf(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => (piece.kind === "break" ? " " : patternPart(piece.kind, piece.text)))
    .join("");
}

const patternPart = (kind: "plain" | "quoted" | "split", text: string): string =>
  kind === "quoted" ? quote(text) : text.replace(/\\/g, "\\\\");

interface Fields {
  readonly done: string[];
  current: string;
  /** Whether there is a field, though it may be empty. */
  exists: boolean;
  /** Whether white space ended the last field: then another separator belongs to the same end. */
  afterSpace: boolean;
}

/** Pieces as fields, each of them a pattern. */
export function splitFields(pieces: readonly Piece[], ifs: string): readonly string[] {
  const fields: Fields = { done: [], current: "", exists: false, afterSpace: false };
  for (const piece of pieces) {
    if (piece.kind === "break") endField(fields);
    else if (piece.kind === "split" && ifs !== "") splitInto(fields, piece.text, ifs);
    else {
      fields.current += patternPart(piece.kind, piece.text);
      fields.exists ||= piece.kind === "quoted" || piece.text !== "";
      fields.afterSpace &&= piece.text === "";
    }
  }
  if (fields.exists) endField(fields);
  return fields.done;
}

function endField(fields: Fields): void {
  fields.done.push(fields.current);
  fields.current = "";
  fields.exists = false;
  fields.afterSpace = false;
}

function splitInto(fields: Fields, text: string, ifs: string): void {
  for (const one of text) {
    if (!ifs.includes(one)) {
      fields.current += one === "\\" ? "\\\\" : one;
      fields.exists = true;
      fields.afterSpace = false;
    } else if (" \t\n".includes(one)) {
      if (!fields.exists) continue;
      endField(fields);
      fields.afterSpace = true;
    } else if (fields.afterSpace) fields.afterSpace = false;
    else endField(fields);
  }
}
