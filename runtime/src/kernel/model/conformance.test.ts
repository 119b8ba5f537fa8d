/**
 * The conformance suite on the model.
 */
import { test } from "vitest";
import { conformanceTests } from "../conformance.ts";
import { createLinuxKernel } from "../linux/index.ts";
import { createModelKernel, installUserland, USERLAND } from "./index.ts";

// The model has no time of its own; of the Linux kernel only the clock is used.
const model = createModelKernel({ clock: createLinuxKernel(), programs: USERLAND });
installUserland(model, "model");
model.mkdir("/tmp/conformance", 0o755);

/** What the model lacks, by the words of the cases that need it. */
const LACKS: readonly (readonly [RegExp, string])[] = [
  [/terminal/, "the model has no terminals"],
  [/no descriptor but its stdio/, "the model has no descriptors to list"],
];

const tests = conformanceTests({
  kernel: model,
  scratch: "/tmp/conformance",
  missing: () => undefined,
}).map((each) => ({ ...each, reason: LACKS.find(([words]) => words.test(each.title))?.[1] }));

test.for(tests.map((each) => [each.title, each] as const))(
  "%s",
  async ([, { reason, run }], { skip }) => {
    if (reason !== undefined) skip(reason);
    await run();
  },
);
