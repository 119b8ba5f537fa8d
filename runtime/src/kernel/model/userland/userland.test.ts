import { expect, test } from "vitest";
import { SCRIPTS } from "./scripts.fixture.ts";
import { BUSYBOX, runModel, runReal } from "./userland.fixture.ts";

const all = Object.entries(SCRIPTS).flatMap(([subject, scripts]) =>
  scripts.map((script) => [subject, script] as const),
);

// Starting a busybox takes long on a machine that has other work.
const patient = { timeout: 60_000 };

test.for(all)("userland does what busybox does (%s): %s", patient, async ([, script], { skip }) => {
  if (BUSYBOX === undefined) skip("this machine has no busybox to compare with");
  expect(await runModel(script)).toEqual(runReal(script));
});
