/**
 * The conformance suite on the model.
 */
import { test } from "vitest";
import { conformanceTests } from "../conformance.ts";
import { createLinuxKernel } from "../linux/index.ts";
import type { Kernel } from "../port.ts";
import { createModelKernel } from "./index.ts";

// The model has no time of its own; of the Linux kernel only the clock is used.
const model = createModelKernel({ clock: createLinuxKernel() });
model.mkdir("/tmp/conformance", 0o755);

const topics = new Set(["files", "attributes", "machine"]);
const tests = conformanceTests({
  kernel: model as unknown as Kernel,
  scratch: "/tmp/conformance",
  missing: () => undefined,
}).filter(({ topic }) => topics.has(topic));

test.for(tests.map((each) => [each.title, each] as const))("%s", ([, { run }]) => run());
