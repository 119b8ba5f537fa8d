/**
 * Templates, showing: the tree printed as source, for error messages and to ask what it reads.
 *
 * Kernel interface: none.
 * Specification: Go text/template/parse, node.go, String.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Node, Operand, Pipe } from "./syntax.ts";

/** One operand as it was written. */
export function showOperand(operand: Operand): string {
  switch (operand.kind) {
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "literal":
      return operand.text;
    case "function":
      return operand.name;
    case "field":
      return `.${operand.names.join(".")}`;
    case "variable":
      return operand.names.join(".");
    case "pipe":
      return [`(${showPipe(operand.pipe)})`, ...operand.names].join(".");
  }
}

/** A pipeline as it was written. */
export function showPipe(pipe: Pick<Pipe, "commands" | "variables">): string {
  const commands = pipe.commands.map((command) => command.operands.map(showOperand).join(" "));
  const names = pipe.variables.length === 0 ? "" : `${pipe.variables.join(", ")} := `;
  return names + commands.join(" | ");
}

/**
 * Whether a template reads a field of its data, by name or by taking the whole.
 *
 * @example readsField(parseFormat("", "{{.Size}}").nodes, "Size") // true
 */
export function readsField(nodes: readonly Node[], field: string): boolean {
  return nodes.some((node) => {
    if (!("pipe" in node)) return false;
    if (pipeReads(node.pipe, field)) return true;
    if (!("body" in node)) return false;
    return readsField(node.body, field) || readsField(node.otherwise, field);
  });
}

function pipeReads(pipe: Pipe, field: string): boolean {
  return pipe.commands.some((command) => commandReads(command, field));
}

function commandReads(command: Command, field: string): boolean {
  const [head, whole] = command.operands;
  if (head?.kind === "function" && head.name === "json" && whole?.kind === "dot") return true;
  return command.operands.some((operand) => {
    if (operand.kind === "pipe") return pipeReads(operand.pipe, field);
    return operand.kind === "field" && operand.names[0] === field;
  });
}
