/**
 * Run: `npm run example 03` runs the example whose file begins with 03, as root.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLinuxKernel } from "../runtime/src/kernel/linux/index.ts";
import type { Stage } from "./shell.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const examples = readdirSync(here).filter((name) => /^\d\d-.*\.ts$/.test(name));
const name = examples.find((each) => each.startsWith(process.argv[2] ?? "none"));

if (name === undefined || process.geteuid?.() !== 0) {
  process.stderr.write(`usage, as root: npm run example NUMBER\n${examples.join("\n")}\n`);
  process.exit(1);
}
// Every file of that name exports it.
const { run } = (await import(`./${name}`)) as { run: (stage: Stage) => Promise<void> };
const scratch = mkdtempSync(join(tmpdir(), "drydock-example-"));
try {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  await run({ kernel: createLinuxKernel(), scratch, say });
} finally {
  rmSync(scratch, { recursive: true });
}
