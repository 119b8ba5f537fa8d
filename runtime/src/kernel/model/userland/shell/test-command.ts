/**
 * Test command: `[[ … ]]`, whose words are not split.
 *
 * Kernel interface: stat(2).
 * Invariants: none.
 * Left out: BASH_REMATCH.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { TestExpression } from "unbash";
import { evaluateTest } from "../conditions.ts";
import { matches } from "./pattern.ts";
import type { Expander } from "./pieces.ts";
import { expandPattern, expandText } from "./words.ts";

/** @returns 0 when it holds, 1 when not */
export async function runTestCommand(
  expander: Expander,
  expression: TestExpression,
): Promise<number> {
  return (await holds(expander, expression)) ? 0 : 1;
}

async function holds(expander: Expander, expression: TestExpression): Promise<boolean> {
  const { kernel } = expander.shell.context;
  switch (expression.type) {
    case "TestGroup":
      return holds(expander, expression.expression);
    case "TestNot":
      return (
        (await holds(expander, expression.operand)) === (expression.negations.length % 2 === 0)
      );
    case "TestLogical": {
      const isAnd = expression.operator === "&&";
      for (const operand of expression.operands) {
        if ((await holds(expander, operand)) !== isAnd) return !isAnd;
      }
      return isAnd;
    }
    case "TestUnary":
      return evaluateTest(kernel, [
        expression.operator,
        await expandText(expander, expression.operand),
      ]);
    case "TestBinary": {
      const left = await expandText(expander, expression.left);
      const { operator, right } = expression;
      if (operator === "=~") return new RegExp(await expandText(expander, right), "u").test(left);
      if (["=", "==", "!="].includes(operator)) {
        return matches(await expandPattern(expander, right), left) === (operator !== "!=");
      }
      return evaluateTest(kernel, [left, operator, await expandText(expander, right)]);
    }
  }
}
