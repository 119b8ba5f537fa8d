/**
 * Templates, carrying out: the tree walked over the data.
 *
 * Kernel interface: none.
 * Specification: Go text/template, exec.go.
 * Invariants:
 *   text-is-literal   a template without actions gives back its own text
 * Left out: calling back into Go methods; a field that is a function takes its arguments.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { messageOf } from "../failure.ts";
import { ArgumentCountError, FUNCTION_NAMES, FUNCTIONS, type Functions } from "./functions.ts";
import { elementsOf, fieldOf, isTrue, showGo } from "./go-value.ts";
import { parseTemplate, type Template } from "./parse.ts";
import { showOperand, showPipe } from "./show.ts";
import {
  TemplateError,
  type Command,
  type Control,
  type Node,
  type Operand,
  type Pipe,
  type Position,
} from "./syntax.ts";

interface Variable {
  readonly name: string;
  value: unknown;
}

interface Frame {
  readonly template: Template;
  readonly functions: Functions;
  readonly variables: Variable[];
  readonly out: string[];
}

/** How a body ended. */
type Outcome = "done" | "break" | "continue";

/** Stands for "no value was piped in". */
const NOTHING: unique symbol = Symbol("nothing piped");

/**
 * Parses a format with Docker's functions.
 *
 * @throws TemplateError in Go's words
 * @example evaluate(parseFormat("", "{{.Name}}"), { Name: "web1" }) // "web1"
 */
export function parseFormat(name: string, source: string): Template {
  return parseTemplate(name, source, FUNCTION_NAMES);
}

/**
 * Carries a template out.
 *
 * @param functions replaces Docker's functions, as the header line of a table does
 * @throws TemplateError in Go's words, with the place and the text of what failed
 */
export function evaluate(
  template: Template,
  data: unknown,
  functions: Functions = FUNCTIONS,
): string {
  const frame: Frame = { template, functions, variables: [{ name: "$", value: data }], out: [] };
  walk(frame, template.nodes, data);
  return frame.out.join("");
}

function walk(frame: Frame, nodes: readonly Node[], dot: unknown): Outcome {
  for (const node of nodes) {
    const outcome = walkOne(frame, node, dot);
    if (outcome !== "done") return outcome;
  }
  return "done";
}

function walkOne(frame: Frame, node: Node, dot: unknown): Outcome {
  switch (node.kind) {
    case "text":
      frame.out.push(node.text);
      return "done";
    case "action": {
      const value = evaluatePipe(frame, node.pipe, dot);
      if (node.pipe.variables.length === 0) frame.out.push(showGo(value));
      return "done";
    }
    case "break":
    case "continue":
      return node.kind;
    case "range":
      return walkRange(frame, node, dot);
    case "if":
    case "with":
      return scoped(frame, () => {
        const value = evaluatePipe(frame, node.pipe, dot);
        if (!isTrue(value)) return walk(frame, node.otherwise, dot);
        return walk(frame, node.body, node.kind === "with" ? value : dot);
      });
  }
}

/** Variables declared inside are forgotten at the end. */
function scoped(frame: Frame, body: () => Outcome): Outcome {
  const depth = frame.variables.length;
  const outcome = body();
  frame.variables.length = depth;
  return outcome;
}

function walkRange(frame: Frame, node: Control, dot: unknown): Outcome {
  const { variables } = node.pipe;
  const value = evaluateCommands(frame, node.pipe, dot);
  const elements = elementsOf(value);
  if (elements === undefined) {
    throw failure(frame, node.pipe.at, {
      context: showPipe(node.pipe),
      what: `range can't iterate over ${showGo(value)}`,
    });
  }
  if (elements.length === 0) return scoped(frame, () => walk(frame, node.otherwise, dot));
  for (const [key, element] of elements) {
    const outcome = scoped(frame, () => {
      const [first, second] = variables;
      if (first !== undefined)
        assign(frame, node.pipe, first, second === undefined ? element : key);
      if (second !== undefined) assign(frame, node.pipe, second, element);
      return walk(frame, node.body, element);
    });
    if (outcome === "break") break;
  }
  return "done";
}

function evaluatePipe(frame: Frame, pipe: Pipe, dot: unknown): unknown {
  const value = evaluateCommands(frame, pipe, dot);
  for (const name of pipe.variables) assign(frame, pipe, name, value);
  return value;
}

function assign(frame: Frame, pipe: Pipe, name: string, value: unknown): void {
  const known = pipe.assigns ? frame.variables.findLast((each) => each.name === name) : undefined;
  if (known === undefined) frame.variables.push({ name, value });
  else known.value = value;
}

function evaluateCommands(frame: Frame, pipe: Pipe, dot: unknown): unknown {
  return pipe.commands.reduce<unknown>(
    (piped, command) => evaluateCommand(frame, command, dot, piped),
    NOTHING,
  );
}

function evaluateCommand(frame: Frame, command: Command, dot: unknown, piped: unknown): unknown {
  const [head, ...rest] = command.operands;
  if (head === undefined) return undefined;
  const args = (): unknown[] => {
    const values = rest.map((operand) => evaluateOperand(frame, operand, dot));
    return piped === NOTHING ? values : [...values, piped];
  };
  const context = showPipe({ commands: [command], variables: [] });
  if (head.kind === "function") {
    const isLazy = head.name === "and" || head.name === "or";
    if (piped === NOTHING && isLazy) return shortCircuit(frame, head.name, rest, dot);
    const call = frame.functions.get(head.name);
    return callGuarded(frame, { at: head.at, context, name: head.name }, () => call?.(...args()));
  }
  const value = evaluateOperand(frame, head, dot);
  if (typeof value === "function") {
    const name = showOperand(head).replace(/^.*\./, "");
    const call = { at: placeOf(head), context, name };
    return callGuarded(frame, call, () => Reflect.apply(value, undefined, args()));
  }
  if (rest.length === 0 && piped === NOTHING) return value;
  throw notCallable(frame, head);
}

function placeOf(operand: Operand): Position {
  return "at" in operand ? operand.at : { line: 1, column: 0 };
}

function notCallable(frame: Frame, head: Operand): TemplateError {
  const context = showOperand(head);
  const what =
    head.kind === "field"
      ? `${head.names.at(-1) ?? ""} has arguments but cannot be invoked as function`
      : `can't give argument to non-function ${context}`;
  return failure(frame, placeOf(head), { context, what });
}

/** `and` and `or` look at their arguments one by one and stop as soon as they know. */
function shortCircuit(
  frame: Frame,
  name: string,
  operands: readonly Operand[],
  dot: unknown,
): unknown {
  let value: unknown;
  for (const operand of operands) {
    value = evaluateOperand(frame, operand, dot);
    if (isTrue(value) === (name === "or")) return value;
  }
  return value;
}

interface Call {
  readonly at: Position;
  readonly context: string;
  readonly name: string;
}

function callGuarded(frame: Frame, { at, context, name }: Call, call: () => unknown): unknown {
  try {
    return call();
  } catch (cause) {
    if (cause instanceof TemplateError) throw cause;
    const counted = cause instanceof ArgumentCountError;
    const what = counted ? cause.message : `error calling ${name}: ${messageOf(cause)}`;
    throw failure(frame, at, { context: counted ? name : context, what });
  }
}

function evaluateOperand(frame: Frame, operand: Operand, dot: unknown): unknown {
  switch (operand.kind) {
    case "dot":
      return dot;
    case "nil":
      return null;
    case "literal":
      return operand.value;
    case "function":
      return callGuarded(frame, { at: operand.at, context: operand.name, name: operand.name }, () =>
        frame.functions.get(operand.name)?.(),
      );
    case "field":
      return follow(frame, operand, dot, operand.names);
    case "pipe":
      return follow(frame, operand, evaluatePipe(frame, operand.pipe, dot), operand.names);
    case "variable": {
      const [name = "$", ...names] = operand.names;
      const variable = frame.variables.findLast((each) => each.name === name);
      if (variable !== undefined) return follow(frame, operand, variable.value, names);
      throw new TemplateError(
        `template: ${frame.template.name}:${operand.at.line}: undefined variable "${name}"`,
      );
    }
  }
}

function follow(
  frame: Frame,
  operand: Extract<Operand, { readonly at: Position }>,
  start: unknown,
  names: readonly string[],
): unknown {
  let value = start;
  for (const name of names) {
    const found = fieldOf(value, name);
    if ("problem" in found) {
      throw failure(frame, operand.at, { context: showOperand(operand), what: found.problem });
    }
    value = found.value;
  }
  return value;
}

function failure(
  frame: Frame,
  at: Position,
  { context, what }: { readonly context: string; readonly what: string },
): TemplateError {
  const { name } = frame.template;
  const place = `template: ${name}:${at.line}:${at.column}: executing ${JSON.stringify(name)}`;
  return new TemplateError(`${place} at <${context}>: ${what}`);
}
