/**
 * Templates, syntax: the tree that `--format '{{…}}'` is parsed into.
 *
 * Kernel interface: none.
 * Specification: Go text/template, "Actions", "Arguments", "Pipelines", "Variables".
 * Invariants: none.
 * Left out: define, template and block: a format has one body.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** Where something stands in the template. */
export interface Position {
  /** From 1. */
  readonly line: number;
  /** Bytes before it on its line. */
  readonly column: number;
}

/** One argument of a command. */
export type Operand =
  | { readonly kind: "dot" | "nil" }
  | { readonly kind: "literal"; readonly value: string | number | boolean; readonly text: string }
  | { readonly kind: "field"; readonly names: readonly string[]; readonly at: Position }
  | { readonly kind: "variable"; readonly names: readonly string[]; readonly at: Position }
  | { readonly kind: "function"; readonly name: string; readonly at: Position }
  | {
      readonly kind: "pipe";
      readonly pipe: Pipe;
      readonly names: readonly string[];
      readonly at: Position;
    };

/** A function or field and its arguments. */
export interface Command {
  readonly operands: readonly Operand[];
}

/** Commands in a row, each fed with the result of the one before. */
export interface Pipe {
  readonly commands: readonly Command[];
  /** `$x :=` declares, `$x =` assigns; range may name two. */
  readonly variables: readonly string[];
  readonly assigns: boolean;
  readonly at: Position;
}

/** One piece of a template. */
export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipe: Pipe }
  | { readonly kind: "break" | "continue" }
  | Control;

/** A node with bodies of its own. */
export interface Control {
  readonly kind: "if" | "with" | "range";
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

/** A template that does not parse or cannot be carried out; the message is Go's. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}
