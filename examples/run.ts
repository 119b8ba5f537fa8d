/**
 * Run: `npm run example 03` runs an example, as root.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLinuxKernel } from "../runtime/src/kernel/linux/index.ts";
import { EXAMPLES, USAGE } from "./list.ts";

const chosen = EXAMPLES.get(process.argv[2] ?? "");
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (chosen === undefined || process.geteuid?.() !== 0) {
  USAGE.forEach(say);
  if (chosen !== undefined) say("only root can make what they make");
  process.exit(1);
}
const scratch = mkdtempSync(join(tmpdir(), "drydock-example-"));
try {
  await chosen.run({ kernel: createLinuxKernel(), scratch, say });
} finally {
  rmSync(scratch, { recursive: true });
}
