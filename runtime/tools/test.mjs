/**
 * Test: install, build and check everything; the last line is the count.
 *
 * `npm test` is for a fresh clone and for CI, so it starts with nothing but Node. The checks that
 * only read run two at a time; the tests run one project after the other, since those of the real
 * kernel count processes, mounts and cgroups. What fails does not end the run: one run tells of
 * everything, and names at its end what failed, since a log is often read from there.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { house, installWhatIsMissing } from "./setup.mjs";

const reports = mkdtempSync(join(tmpdir(), "drydock-test-"));
const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, a line each. @type {string[]} */
const failures = [];
const started = Date.now();

/** Scripts of package.json that only read; each counts as one test. */
const checks = ["types", "lint", "format:check", "arch", "dead"];
/** Projects of vitest.config.ts, in the order in which they run. */
const projects = ["tidy", "unit", "property", "integration", "docs"];

function run(command, args, options = {}) {
  const at = Date.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: house,
      stdio: ["ignore", "pipe", "pipe"],
      ...options,
    });
    let said = "";
    child.stdout?.on("data", (bytes) => (said += bytes));
    child.stderr?.on("data", (bytes) => (said += bytes));
    child.on("error", (error) => resolve({ ok: false, said: String(error), seconds: 0 }));
    child.on("close", (code) =>
      resolve({ ok: code === 0, said, seconds: ((Date.now() - at) / 1000).toFixed(1) }),
    );
  });
}

function fail(what) {
  total.failed += 1;
  failures.push(what);
}

async function runCheck(name) {
  const { ok, said, seconds } = await run("npm", ["run", "--silent", name]);
  console.log(`${ok ? "ok  " : "FAIL"} ${name}  ${seconds} s`);
  if (ok) total.passed += 1;
  else {
    fail(`npm run ${name}`);
    console.log(said.trimEnd());
  }
}

async function runChecks() {
  const waiting = [...checks];
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      await runCheck(name);
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
}

async function runProject(name) {
  const file = join(reports, `${name}.json`);
  const vitest = join(house, "node_modules", "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const args = [vitest, "run", "--project", name, ...reporters];
  const { ok } = await run(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  const counted = countTests(file);
  total.passed += counted.passed;
  total.skipped += counted.skipped;
  counted.failed.forEach(fail);
  // A run can fail without a failed test: a file that does not load, an error after the last test.
  if (!ok && counted.failed.length === 0) fail(`npm run ${name}: ended with an error`);
}

/** Counts of one report of vitest's, and the names of what failed; nothing if there is none. */
function countTests(file) {
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    return {
      passed: report.numPassedTests,
      failed: report.testResults.flatMap(failedTests),
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: [], skipped: 0 };
  }
}

function failedTests({ name, assertionResults }) {
  return assertionResults
    .filter(({ status }) => status === "failed")
    .map(({ fullName }) => `${relative(house, name)}: ${fullName}`);
}

async function runAll() {
  installWhatIsMissing();
  const built = await run(process.execPath, ["runtime/tools/build.mjs"]);
  console.log(built.said.trimEnd());
  if (!built.ok) return fail("npm run build");
  await runChecks();
  for (const name of projects) await runProject(name);
}

await runAll();
rmSync(reports, { recursive: true });
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`\n${((Date.now() - started) / 1000).toFixed(0)} s`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
