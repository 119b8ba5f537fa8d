/**
 * Differential: random programs on the model and on Linux, as many as are wished.
 *
 * Usage: npm run differential -- [--runs N] [--seed S] | --exhaustive; as root. A seed that found
 * something finds it again. Without a seed a new one is taken, and told. With --exhaustive nothing
 * is left to chance: every program of up to three operations on small overlays, shortest first.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const house = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    exhaustive: { type: "boolean", default: false },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
// The engine on the model has every k-th call fail, and no programs by chance.
const files = /^model-(?!engine).*\.test/;
const all = readdirSync(`${house}/property-tests`).filter((name) => files.test(name));
const tests = values.exhaustive ? ["model-overlay.test.ts", "-t", "in every program"] : all;
console.log(
  values.exhaustive
    ? "every small program on an overlay"
    : `${values.runs} programs for each property, seed ${values.seed}`,
);
const day = String(24 * 3_600_000);
const options = ["run", "--project", "property", "--testTimeout", day];
const words = tests.map((name) => (name.endsWith(".ts") ? `property-tests/${name}` : name));
const env = values.exhaustive
  ? { DRYDOCK_MODEL_EXHAUSTIVE: "1" }
  : { DRYDOCK_MODEL_RUNS: values.runs, DRYDOCK_SEED: values.seed };
const { status } = spawnSync("npx", ["vitest", ...options, ...words], {
  cwd: house,
  stdio: "inherit",
  env: { ...process.env, ...env },
});
process.exitCode = status ?? 1;
