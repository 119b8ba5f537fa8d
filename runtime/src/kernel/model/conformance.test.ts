/**
 * The conformance suite on the model.
 */
import { test } from "vitest";
import { conformanceTests } from "../conformance.ts";
import { createLinuxKernel } from "../linux/index.ts";
import { createModelKernel, programFile } from "./index.ts";
import { PROGRAMS } from "./shell.fixture.ts";

// The model has no time of its own; of the Linux kernel only the clock is used.
const model = createModelKernel({ clock: createLinuxKernel(), programs: PROGRAMS });
for (const name of Object.keys(PROGRAMS)) {
  model.writeFile(`/bin/${name}`, programFile(name), "create", 0o755);
}
model.mkdir("/tmp/conformance", 0o755);

const tests = conformanceTests({
  kernel: model,
  scratch: "/tmp/conformance",
  missing: () => undefined,
});

test.for(tests.map((each) => [each.title, each] as const))("%s", async ([, { run }]) => {
  await run();
});
