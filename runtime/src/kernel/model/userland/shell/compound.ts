/**
 * Compound: `if`, `for`, `while`, `case`, `{ … }`, `( … )`, functions.
 *
 * Kernel interface: fork(2).
 * Specification: POSIX.1-2017, Shell Command Language, 2.9.4 "Compound Commands".
 * Invariants: none.
 * Left out: `select`, coprocesses, `[[ … ]]` but for what test(1) knows.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { ArithmeticExpression, CommandNode, CompoundList } from "unbash";
import { matches } from "./pattern.ts";
import { expanderOf, forkChecked, tested, waitFor } from "./processes.ts";
import { assign, Jump, ShellError, type Shell } from "./shell.ts";
import { runTestCommand } from "./test-command.ts";
import { computeIn, expandPattern, expandText, expandWords } from "./words.ts";

type Node<Type extends CommandNode["type"]> = Extract<CommandNode, { type: Type }>;
type Compound = Exclude<CommandNode, { type: "Command" | "Redirected" }>;

/** Runs a command that holds commands. @returns its status */
export async function runCompound(shell: Shell, node: Compound): Promise<number> {
  switch (node.type) {
    case "BraceGroup":
      return block(shell, node.body);
    case "Subshell":
      return waitFor(
        shell,
        forkChecked(shell, shell.streams, (child) => block(child, node.body)),
      );
    case "If":
      return runIf(shell, node);
    case "For":
      return runFor(shell, node);
    case "While":
      return runWhile(shell, node);
    case "Case":
      return runCase(shell, node);
    case "Function":
      shell.functions.set(node.name.value, node.body);
      return 0;
    case "ArithmeticFor":
      return runArithmeticFor(shell, node);
    case "ArithmeticCommand":
      return (await value(shell, node.expression)) === 0n ? 1 : 0;
    case "TestCommand":
      return runTestCommand(expanderOf(shell), node.expression);
    case "Select":
    case "Coproc":
      throw new ShellError(`syntax error: ${node.type.toLowerCase()} is not supported`);
  }
}

async function block(shell: Shell, { commands }: CompoundList): Promise<number> {
  if (commands.length === 0) shell.status = 0;
  return shell.interpreter.list(shell, commands);
}

const isTrue = async (shell: Shell, list: CompoundList): Promise<boolean> =>
  (await tested(shell, () => block(shell, list))) === 0;

async function runIf(shell: Shell, node: Node<"If">): Promise<number> {
  for (const { clause, then } of [node, ...node.elif]) {
    if (await isTrue(shell, clause)) return block(shell, then);
  }
  return node.else === undefined ? 0 : block(shell, node.else);
}

/** One turn of a loop. @returns whether the loop goes on */
async function turn(shell: Shell, body: CompoundList): Promise<boolean> {
  try {
    await block(shell, body);
    return true;
  } catch (error) {
    if (!(error instanceof Jump) || (error.kind !== "break" && error.kind !== "continue")) {
      throw error;
    }
    shell.status = 0;
    if (error.count > 1) throw new Jump(error.kind, 0, error.count - 1);
    return error.kind === "continue";
  }
}

async function runFor(shell: Shell, { name, wordlist, body }: Node<"For">): Promise<number> {
  const values =
    wordlist === undefined ? shell.parameters : await expandWords(expanderOf(shell), wordlist);
  shell.status = 0;
  for (const each of values) {
    assign(shell, name.value, each);
    if (!(await turn(shell, body))) break;
  }
  return shell.status;
}

async function runWhile(shell: Shell, { kind, clause, body }: Node<"While">): Promise<number> {
  let status = 0;
  while ((await isTrue(shell, clause)) === (kind === "while")) {
    const goesOn = await turn(shell, body);
    ({ status } = shell);
    if (!goesOn) break;
  }
  return status;
}

const value = async (
  shell: Shell,
  expression: ArithmeticExpression | undefined,
): Promise<bigint> => (expression === undefined ? 1n : computeIn(expanderOf(shell), expression));

async function runArithmeticFor(shell: Shell, node: Node<"ArithmeticFor">): Promise<number> {
  shell.status = 0;
  await value(shell, node.initialize);
  while ((await value(shell, node.test)) !== 0n) {
    if (!(await turn(shell, node.body))) break;
    await value(shell, node.update);
  }
  return shell.status;
}

async function runCase(shell: Shell, { word, items }: Node<"Case">): Promise<number> {
  const expander = expanderOf(shell);
  const text = await expandText(expander, word);
  shell.status = 0;
  let fallsThrough = false;
  for (const { pattern, body, terminator } of items) {
    let isChosen = fallsThrough;
    for (const each of pattern) {
      isChosen ||= matches(await expandPattern(expander, each), text);
    }
    if (!isChosen) continue;
    await block(shell, body);
    if (terminator !== ";&") break;
    fallsThrough = true;
  }
  return shell.status;
}
