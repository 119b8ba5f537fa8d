/**
 * The list of mutants: each invariant has one, and each is still a place in the source. Whether
 * they are killed takes long to say: `npm run mutants`.
 */
import { expect, test } from "vitest";
import { headerOf, invariantsOf, productFiles, textOf } from "./house.fixture.ts";
import { mutate, mutantPlugins, readMutants } from "./seeded-mutants.mjs";

const mutants = readMutants();
const promised = productFiles().flatMap((path) => [
  ...invariantsOf(headerOf(textOf(path)) ?? "").keys(),
]);

test("every invariant has a mutant that it must notice", () => {
  expect(promised.length, "the check is blind").toBeGreaterThan(100);
  const tried = new Set(mutants.map(({ slug }) => slug));
  expect(promised.filter((slug) => !tried.has(slug))).toEqual([]);
});

test("every mutant is of an invariant that is promised", () => {
  expect(mutants.map(({ slug }) => slug).filter((slug) => !promised.includes(slug))).toEqual([]);
});

test("every mutant is found in its file, once, and changes it", () => {
  const faults = mutants.flatMap((mutant) => {
    const { slug, file, text, becomes } = mutant;
    const count = textOf(file).split(text).length - 1;
    return count === 1 && text !== becomes ? [] : [`${slug}: ${count} times in ${file}: ${text}`];
  });
  expect(faults).toEqual([]);
});

test("mutate() changes the one place and refuses any other number", () => {
  const mutant = { file: "x.ts", text: "a", becomes: "b" };
  expect(mutate("xay", mutant)).toBe("xby");
  expect(() => mutate("x", mutant)).toThrow("x.ts: found 0 times: a");
  expect(() => mutate("aa", mutant)).toThrow("x.ts: found 2 times: a");
});

test("mutantPlugins() are none in a run without a mutant", () => {
  expect(mutantPlugins()).toEqual([]);
});
