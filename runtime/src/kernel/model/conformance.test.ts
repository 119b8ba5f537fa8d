/**
 * The conformance suite on the model.
 */
import { test } from "vitest";
import { conformanceTests } from "../conformance.ts";
import { createLinuxKernel } from "../linux/index.ts";
import { createModelKernel, programFile } from "./index.ts";

// The model has no time of its own; of the Linux kernel only the clock is used.
const model = createModelKernel({
  clock: createLinuxKernel(),
  programs: { sleep: () => new Promise(() => undefined) },
});
model.writeFile("/bin/sleep", programFile("sleep"), "create", 0o755);
model.mkdir("/tmp/conformance", 0o755);

/** Topics whose programs are all there; the others' cases need a shell or a terminal. */
const complete = new Set(["namespaces"]);

const tests = conformanceTests({
  kernel: model,
  scratch: "/tmp/conformance",
  missing: () => undefined,
}).map((each) => ({
  ...each,
  reason: each.need === "programs" && !complete.has(each.topic) ? "needs a shell" : undefined,
}));

test.for(tests.map((each) => [each.title, each] as const))(
  "%s",
  async ([, { reason, run }], { skip }) => {
    if (reason !== undefined) skip(reason);
    await run();
  },
);
