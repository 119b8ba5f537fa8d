/**
 * Parameters: `$x`, `${x:-y}`, `${#x}`, `${x%y}` and the special ones.
 *
 * Kernel interface: environ(7).
 * Specification: POSIX.1-2017, Shell Command Language, 2.5 "Parameters and Variables", 2.6.2.
 * Invariants: none.
 * Left out: arrays, indirection, changes of case.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { ParameterOperation, WordPart } from "unbash";
import { patternSource } from "./pattern.ts";
import { patternOf, textOf, type Expander, type Piece } from "./pieces.ts";
import { assign, ShellError, valueOf, type Shell } from "./shell.ts";

type Part = Extract<WordPart, { type: "SimpleExpansion" | "ParameterExpansion" }>;

const SPECIAL: Readonly<Record<string, (shell: Shell) => string | undefined>> = {
  "?": ({ status }) => String(status),
  $: ({ pid }) => String(pid),
  "!": ({ lastBackground }) => (lastBackground === undefined ? undefined : String(lastBackground)),
  "#": ({ parameters }) => String(parameters.length),
  "0": ({ name }) => name,
  "-": ({ flags }) => [...flags].join(""),
  PPID: ({ context }) => String(context.parentPid()),
  RANDOM: ({ context }) => {
    const [high = 0, low = 0] = context.kernel.random(2);
    return String((high % 128) * 256 + low);
  },
};

/** The value of a parameter, or undefined when it is not set. */
export function parameterValue(shell: Shell, name: string): string | undefined {
  if (Object.hasOwn(SPECIAL, name)) return SPECIAL[name]?.(shell);
  if (/^\d+$/.test(name)) return shell.parameters[Number(name) - 1];
  if (name === "@" || name === "*") {
    const [separator = ""] = valueOf(shell, "IFS") ?? " ";
    return shell.parameters.length === 0 ? undefined : shell.parameters.join(separator);
  }
  return valueOf(shell, name);
}

/** The pieces of an expansion. @throws ShellError */
export async function expandParameter(
  expander: Expander,
  part: Part,
  around: "plain" | "quoted",
): Promise<readonly Piece[]> {
  const { shell } = expander;
  const kind = around === "quoted" ? "quoted" : "split";
  const { name, operation, isLength } = described(part);
  const value = parameterValue(shell, name);
  if (isLength) return [{ kind, text: String(lengthOf(shell, name, value)) }];
  if (operation?.type === "Default") {
    return expandDefault(expander, { name, value, operation, kind, around });
  }
  if (operation === undefined) return plainPieces(shell, name, kind);
  checkSet(shell, name, value);
  return [{ kind, text: await changed(expander, value ?? "", operation) }];
}

function described(part: Part): {
  readonly name: string;
  readonly operation: ParameterOperation | undefined;
  readonly isLength: boolean;
} {
  if (part.type === "SimpleExpansion") {
    return { name: part.text.slice(1), operation: undefined, isLength: false };
  }
  return { name: part.parameter, operation: part.operation, isLength: part.prefix === "#" };
}

function plainPieces(shell: Shell, name: string, kind: "quoted" | "split"): readonly Piece[] {
  if (name === "@" || (name === "*" && kind === "split")) return listPieces(shell, kind);
  const value = parameterValue(shell, name);
  checkSet(shell, name, value);
  return value === undefined ? [] : [{ kind, text: value }];
}

function listPieces({ parameters }: Shell, kind: "quoted" | "split"): readonly Piece[] {
  return parameters.flatMap((text, index): readonly Piece[] =>
    index === 0 ? [{ kind, text }] : [{ kind: "break" }, { kind, text }],
  );
}

function lengthOf(shell: Shell, name: string, value: string | undefined): number {
  if (name === "@" || name === "*") return shell.parameters.length;
  checkSet(shell, name, value);
  return [...(value ?? "")].length;
}

function checkSet(shell: Shell, name: string, value: string | undefined): void {
  if (value === undefined && shell.flags.has("u") && !"@*!".includes(name)) {
    throw new ShellError(`${name}: parameter not set`);
  }
}

interface Default {
  readonly name: string;
  readonly value: string | undefined;
  readonly operation: Extract<ParameterOperation, { type: "Default" }>;
  readonly kind: "quoted" | "split";
  readonly around: "plain" | "quoted";
}

async function expandDefault(
  expander: Expander,
  { name, value, operation, kind, around }: Default,
): Promise<readonly Piece[]> {
  const { operator, operand } = operation;
  const isMissing = operator.startsWith(":") ? (value ?? "") === "" : value === undefined;
  const action = operator.slice(-1);
  const own = (): readonly Piece[] => (value === undefined ? [] : [{ kind, text: value }]);
  const other = async (): Promise<readonly Piece[]> =>
    around === "quoted"
      ? [{ kind, text: textOf(await expander.pieces(operand)) }]
      : (await expander.pieces(operand)).map((piece) =>
          piece.kind === "plain" ? { ...piece, kind: "split" } : piece,
        );
  if (action === "+") return isMissing ? [] : other();
  if (!isMissing) return own();
  if (action === "-") return other();
  const text = textOf(await expander.pieces(operand));
  if (action === "?") throw new ShellError(`${name}: ${text === "" ? "parameter not set" : text}`);
  assign(expander.shell, name, text);
  return [{ kind, text }];
}

async function changed(
  expander: Expander,
  value: string,
  operation: Exclude<ParameterOperation, { type: "Default" }>,
): Promise<string> {
  if (operation.type === "Remove") {
    const pattern = patternOf(await expander.pieces(operation.operand));
    return remove(value, pattern, operation.operator);
  }
  if (operation.type === "Replace") {
    const source = patternSource(patternOf(await expander.pieces(operation.pattern)));
    const replacement = textOf(await expander.pieces(operation.replacement));
    return replace(value, source, replacement, operation.operator);
  }
  if (operation.type !== "Slice") throw new ShellError("syntax error: bad substitution");
  const whole = [...value];
  const offset = Number(textOf(await expander.pieces(operation.offset)));
  const start = offset < 0 ? Math.max(whole.length + offset, 0) : offset;
  if (operation.length === undefined) return whole.slice(start).join("");
  const length = Number(textOf(await expander.pieces(operation.length)));
  return whole.slice(start, length < 0 ? length : start + length).join("");
}

function remove(value: string, pattern: string, operator: "#" | "##" | "%" | "%%"): string {
  const source = patternSource(pattern, operator.length === 1 ? "least" : "most");
  if (operator.startsWith("#")) return value.replace(new RegExp(`^(?:${source})`, "u"), "");
  // From the end: the shortest is the one that begins last.
  const whole = new RegExp(`^(?:${patternSource(pattern)})$`, "u");
  const starts = Array.from({ length: value.length + 1 }, (_, at) => at);
  if (operator === "%") starts.reverse();
  const start = starts.find((at) => whole.test(value.slice(at)));
  return start === undefined ? value : value.slice(0, start);
}

function replace(value: string, source: string, replacement: string, operator: string): string {
  if (source === "") return value;
  const anchored = { "/#": `^(?:${source})`, "/%": `(?:${source})$` }[operator] ?? source;
  const flags = operator === "//" ? "gu" : "u";
  return value.replace(new RegExp(anchored, flags), () => replacement);
}
