import { defineConfig } from "vitest/config";
import { mutantPlugins } from "./runtime/tools/seeded-mutants.mjs";

/** Tests that spawn fork themselves, which needs a V8 without threads: kernel/linux/fork.ts. */
const execArgv = ["--single-threaded", "--no-flush-bytecode"];

/** In a run with a mutant: `npm run mutants`. */
const plugins = mutantPlugins();
const seed = "property-tests/seed.ts";
const setupFiles = plugins.length > 0 ? [seed, "property-tests/mutants/first-failure.ts"] : [seed];

/**
 * Where files of tests share what they import: it is most of their time otherwise. They can, since
 * no module of ours keeps a state that a test could see.
 */
const shared = { isolate: false };

/**
 * How long until something is taken to hang: long, since a machine may be busy with something else,
 * and what hangs is rare. `expect.poll` looks again for the shorter time.
 */
const patience = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 30_000 } },
};

/** One run of the real kernel at a time: these tests count processes, mounts and cgroups. */
const alone = { pool: "forks" as const, maxWorkers: 1, fileParallelism: false, execArgv };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["runtime/src/**/*.test.ts"],
          setupFiles: seed,
          ...patience,
          pool: "forks",
          execArgv,
          ...shared,
        },
      },
      {
        plugins,
        test: {
          name: "property",
          include: ["property-tests/**/*.test.ts"],
          setupFiles,
          ...patience,
          ...alone,
          ...shared,
        },
      },
      {
        test: {
          name: "integration",
          include: ["runtime/test/**/*.test.ts", "examples/**/*.test.ts"],
          ...patience,
          ...alone,
        },
      },
      {
        test: {
          name: "docs",
          include: ["docs-site/test/**/*.test.ts"],
          ...patience,
          pool: "forks",
          // One file of them needs the real kernel; the site is built and looked at beside it.
          maxWorkers: 2,
          maxConcurrency: 2,
        },
      },
      { test: { name: "tidy", include: ["runtime/tools/**/*.test.ts"], ...patience } },
    ],
  },
});
