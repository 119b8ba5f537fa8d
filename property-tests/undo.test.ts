/** What the header of runtime/src/undo/undo-stack.ts promises. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { originalErrorOf, UndoStack } from "../runtime/src/undo/index.ts";

/** A step of an operation: its undo may fail, and may take its time. */
const step = fc.record({ undoFails: fc.boolean(), undoIsAsync: fc.boolean() });

/** How the operation ends after its last step. */
const ending = fc.constantFrom("commit", "throw", "return");

type Steps = readonly { readonly undoFails: boolean; readonly undoIsAsync: boolean }[];

/** Runs an operation of these steps; records which undos ran, in order, and what was thrown. */
async function operate(steps: Steps, end: "commit" | "throw" | "return") {
  const undone: number[] = [];
  let thrown: unknown;
  try {
    await using undo = new UndoStack();
    for (const [index, { undoFails, undoIsAsync }] of steps.entries()) {
      const way = () => {
        undone.push(index);
        if (undoFails) throw new Error(`undo ${index}`);
      };
      undo.push(`step ${index}`, undoIsAsync ? async () => way() : way);
    }
    if (end === "throw") throw new Error("original");
    if (end === "commit") undo.commit();
  } catch (error) {
    thrown = error;
  }
  return { undone, thrown };
}

test.prop([fc.array(step, { maxLength: 8 }), ending])(
  "undo-reverses whatever fails, unless it was committed",
  async (steps, end) => {
    const { undone, thrown } = await operate(steps, end);
    const reversed = [...steps.keys()].toReversed();
    expect(undone).toEqual(end === "commit" ? [] : reversed);

    const someUndoFailed = end !== "commit" && steps.some(({ undoFails }) => undoFails);
    if (end === "throw") expect(String(originalErrorOf(thrown))).toBe("Error: original");
    else if (someUndoFailed) expect(thrown).toBeInstanceOf(AggregateError);
    else expect(thrown).toBeUndefined();
  },
);
