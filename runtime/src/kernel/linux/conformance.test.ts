/**
 * The conformance suite on Linux.
 */
import fs from "node:fs";
import os from "node:os";
import { afterAll, test } from "vitest";
import { conformanceTests } from "../conformance.ts";
import { createLinuxKernel } from "./index.ts";

const isRoot = process.geteuid?.() === 0;
const scratch = fs.mkdtempSync(`${os.tmpdir()}/drydock-conformance-`);
// Children that gave up root must reach what lies below.
fs.chmodSync(scratch, 0o755);
afterAll(() => fs.rmSync(scratch, { recursive: true }));

const tests = conformanceTests({
  kernel: createLinuxKernel(),
  scratch,
  missing: (need) => (need === "nothing" || isRoot ? undefined : "needs root"),
});
const skipped = tests.filter(({ reason }) => reason !== undefined);
console.info(`${skipped.length} cases skipped${skipped.length > 0 ? ": they need root" : ""}`);

const named = tests.map((each) => [each.title, each] as const);
test.for(named)("%s", async ([, { reason, run }], { skip }) => {
  if (reason !== undefined) skip(reason);
  await run();
});
