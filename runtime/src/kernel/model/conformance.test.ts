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

const tests = conformanceTests({
  kernel: model,
  scratch: "/tmp/conformance",
  missing: () => undefined,
});

test.for(tests.map((each) => [each.title, each] as const))("%s", async ([, { run }]) => {
  await run();
});
