/**
 * Differential: random programs on the model and on Linux, as many as are wished.
 *
 * Usage: npm run differential -- [--runs N] [--seed S]; as root. A seed that found something finds
 * it again. Without a seed a new one is taken, and told.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const house = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const tests = readdirSync(`${house}/property-tests`).filter((name) => /^model-.*\.test/.test(name));
console.log(`${values.runs} programs for each property, seed ${values.seed}`);
const day = String(24 * 3_600_000);
const options = ["run", "--project", "property", "--testTimeout", day];
const files = tests.map((name) => `property-tests/${name}`);
const { status } = spawnSync("npx", ["vitest", ...options, ...files], {
  cwd: house,
  stdio: "inherit",
  env: { ...process.env, DRYDOCK_MODEL_RUNS: values.runs, DRYDOCK_MODEL_SEED: values.seed },
});
process.exitCode = status ?? 1;
