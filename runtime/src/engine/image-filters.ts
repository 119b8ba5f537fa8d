/**
 * Image filters: which images a list shows.
 *
 * Values of one filter are alternatives, labels alone must all hold; different filters must all
 * hold.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, ImageList, "filters".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { hasNameLike } from "../images/index.ts";
import type { Image } from "../images/index.ts";
import type { Filters } from "./engine.ts";
import { invalidFilter, isFalse, untilMs } from "./filter-values.ts";
import { hasLabel } from "./filters.ts";

/** What a filter may ask besides. */
export interface ImageFilterContext {
  /** When another image was made. @throws RuntimeError image-not-found */
  readonly createdMs: (reference: string) => number;
  /** What an age counts back from. */
  readonly nowMs: number;
}

type Test = (image: Image) => boolean;

const LIST = "list images";

const COMPILERS: Readonly<
  Record<string, (values: readonly string[], context: ImageFilterContext) => Test>
> = {
  dangling: (values) => {
    const wanted = values.map((value) => !isFalse(LIST, value));
    return ({ references }) => wanted.includes(references.length === 0);
  },
  label: (values) => (image) =>
    values.every((value) => hasLabel(image.config.config.Labels ?? {}, value)),
  reference: (values) => (image) => values.some((value) => hasNameLike(image, value)),
  before: (values, { createdMs }) => isMadeBefore(Math.min(...values.map(createdMs))),
  since: (values, { createdMs }) => {
    const limitMs = Math.max(...values.map(createdMs));
    return (image) => madeMs(image) > limitMs;
  },
  until: (values, { nowMs }) => isMadeBefore(untilMs(LIST, values, nowMs)),
};

function isMadeBefore(limitMs: number): Test {
  return (image) => madeMs(image) < limitMs;
}

function madeMs({ config }: Image): number {
  return Date.parse(config.created);
}

/**
 * Turns filters into one test.
 *
 * @throws RuntimeError filter-invalid, image-not-found for `before` and `since`
 */
export function compileImageFilters(filters: Filters, context: ImageFilterContext): Test {
  const tests = Object.entries(filters)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => {
      const compile = Object.hasOwn(COMPILERS, name) ? COMPILERS[name] : undefined;
      if (compile !== undefined) return compile(values, context);
      const hint = `Filters of images are ${Object.keys(COMPILERS).join(", ")}.`;
      throw invalidFilter(LIST, name, hint);
    });
  return (image) => tests.every((test) => test(image));
}
