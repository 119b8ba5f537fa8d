/**
 * Mutants: does each property test notice the faults that it is there for?
 *
 * Usage: npm run mutants -- [--only SLUG]…; as root, about ten minutes. First the wanted tests run
 * on the source as it is, where they must pass; then once for each mutant, where they must fail.
 * A mutant that survives is named, and fails the run: its property is too weak.
 */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MUTANT_VARIABLE, readMutants } from "./seeded-mutants.mjs";

const house = fileURLToPath(new URL("../..", import.meta.url));
/** A fault may make a test wait for what never comes; all tests together take some minutes. */
const PATIENCE_MS = { mutant: 180_000, source: 1_800_000 };
const { values } = parseArgs({ options: { only: { type: "string", multiple: true } } });

/** The test files with a title that begins with the slug. */
function filesFor(slug) {
  const title = new RegExp(`["\`]${slug}(?![a-z0-9-])`);
  return readdirSync(join(house, "property-tests"))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `property-tests/${name}`)
    .filter((path) => title.test(readFileSync(join(house, path), "utf8")));
}

/** Runs the tests of some slugs. @returns how many passed and failed, and what was said */
async function runTests(slugs, mutant) {
  // Of its own, so that what a fault leaves behind goes with it; open to users of containers.
  const home = mkdtempSync(join(tmpdir(), "drydock-mutant-"));
  chmodSync(home, 0o755);
  const report = join(home, "report.json");
  const names = `(^| )(${slugs.join("|")})([^a-z0-9-]|$)`;
  const files = [...new Set(slugs.flatMap(filesFor))];
  const reporters = ["--reporter=json", `--outputFile=${report}`];
  const args = ["node_modules/vitest/vitest.mjs", "run", "--project", "property", ...reporters];
  const told = mutant === undefined ? {} : { [MUTANT_VARIABLE]: JSON.stringify(mutant) };
  const env = { ...process.env, ...told, TMPDIR: home };
  const said = await runToEnd([...args, "-t", names, ...files], env, mutant ? "mutant" : "source");
  try {
    return { ...counted(report), said };
  } finally {
    removeHome(home);
  }
}

/** A test that was stopped, because it waited too long, may have left mounts. */
function removeHome(home) {
  const table = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const places = table.map((line) => line.split(" ")[4] ?? "");
  const left = places.filter((place) => place.startsWith(`${home}/`)).toReversed();
  for (const place of left) spawnSync("umount", ["-l", place]);
  rmSync(home, { recursive: true, force: true });
}

function runToEnd(args, env, what) {
  return new Promise((resolve) => {
    const options = { cwd: house, env, detached: true, stdio: ["ignore", "pipe", "pipe"] };
    const child = spawn(process.execPath, args, options);
    let said = "";
    child.stdout.on("data", (bytes) => (said += bytes));
    child.stderr.on("data", (bytes) => (said += bytes));
    const timer = setTimeout(() => process.kill(-child.pid, "SIGKILL"), PATIENCE_MS[what]);
    child.on("close", () => {
      clearTimeout(timer);
      resolve(said);
    });
  });
}

function counted(report) {
  try {
    const { testResults } = JSON.parse(readFileSync(report, "utf8"));
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
    const failed = tests.filter(({ status }) => status === "failed");
    const passed = tests.filter(({ status }) => status === "passed");
    // A hook that fails leaves its tests undone: noticed, too. A file without tests did not load.
    const undone = testResults.filter(
      ({ status, assertionResults: own }) =>
        status === "failed" && own.length > 0 && own.every((one) => one.status !== "failed"),
    );
    const titlesOf = (list) => list.map(({ title }) => title);
    return {
      passed: titlesOf(passed),
      failed: [...titlesOf(failed), ...undone.map(() => "a hook")],
    };
  } catch {
    return { passed: [], failed: [] };
  }
}

/** killed, survived, or not run: a test that does not load proves nothing. */
function verdictOf({ passed, failed }) {
  if (failed.length > 0) return "killed";
  return passed.length > 0 ? "survived" : "not run";
}

/** For each slug what can be done: of a test that fails or is skipped a mutant tells nothing. */
async function examine(slugs) {
  const { passed, failed, said } = await runTests(slugs);
  console.log(`without a mutant: ${passed.length} passed, ${failed.length} failed`);
  if (passed.length === 0) console.log(said);
  for (const title of failed) console.log(`  ${title}`);
  const stateOf = (slug) => {
    if (failed.some((title) => title.startsWith(slug))) return "not run";
    return passed.some((title) => title.startsWith(slug)) ? "sound" : "skipped";
  };
  return new Map(slugs.map((slug) => [slug, stateOf(slug)]));
}

async function tryMutant(mutant) {
  const { slug, file, becomes } = mutant;
  const at = Date.now();
  const result = await runTests([slug], mutant);
  const verdict = verdictOf(result);
  const seconds = ((Date.now() - at) / 1000).toFixed(1).padStart(6);
  const short = becomes.trim().replaceAll(/\s+/g, " ").slice(0, 50) || "(nothing)";
  const where = file.replace(/^runtime\/src\//, "");
  console.log([slug.padEnd(32), verdict.padEnd(8), seconds, `${where}: ${short}`].join("  "));
  if (verdict === "not run") console.log(result.said);
  return { slug, verdict };
}

const wanted = readMutants().filter(({ slug }) => values.only?.includes(slug) ?? true);
const results = [];
if (wanted.length === 0) console.log(`no mutant for ${values.only?.join(", ")}`);
else {
  const states = await examine([...new Set(wanted.map(({ slug }) => slug))]);
  console.log(["invariant".padEnd(32), "        ", "     s", "mutant"].join("  "));
  for (const mutant of wanted) {
    const { slug } = mutant;
    const state = states.get(slug);
    if (state === "sound") results.push(await tryMutant(mutant));
    else {
      console.log([slug.padEnd(32), state].join("  "));
      results.push({ slug, verdict: state });
    }
  }
}
const withVerdict = (...verdicts) => results.filter(({ verdict }) => verdicts.includes(verdict));
const killed = withVerdict("killed").length;
const skipped = withVerdict("skipped").length;
const rest = withVerdict("survived", "not run");
console.log(
  `${killed} of ${wanted.length} mutants were killed, ${skipped} skipped with their tests`,
);
for (const { slug, verdict } of rest) console.log(`  ${slug} ${verdict}`);
process.exitCode = killed > 0 && killed + skipped === wanted.length ? 0 : 1;
