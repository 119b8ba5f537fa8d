/** Which section a step stands in. */
import { expect, test } from "vitest";
import { sectionsOf } from "./story.ts";
import type { Step } from "./story.ts";

function stepsOf(...works: readonly string[]): readonly Step[] {
  return works.map((work, at) => {
    const [operation = "", call = "mkdir"] = work.split(": ");
    return { number: at + 1, where: "engine", operation, call, args: [] };
  });
}

const sections = (...works: readonly string[]) =>
  sectionsOf(stepsOf(...works)).map(({ title, steps }) => [title, steps.length]);

test("what was prepared for a start belongs to its run", () => {
  expect(
    sections("create container", "prepare container", "start container", "start container: spawn"),
  ).toEqual([
    ["Created", 1],
    ["Run", 3],
  ]);
});

test("what was prepared and went again, without a start, belongs to the creation", () => {
  expect(sections("create container", "prepare container", "remove cgroup")).toEqual([
    ["Created", 3],
  ]);
});

test("a run begins with the first start after the process of the one before", () => {
  expect(
    sections("create container", "start container: spawn", "kill", "start container", "spawn"),
  ).toEqual([
    ["Created", 1],
    ["Run", 2],
    ["Run 2", 2],
  ]);
});
