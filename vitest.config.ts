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

/** One run of the real kernel at a time: these tests count processes, mounts and cgroups. */
const alone = { pool: "forks" as const, maxWorkers: 1, fileParallelism: false, execArgv };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["runtime/src/**/*.test.ts"],
          // Some start programs, and wait for a processor.
          testTimeout: 20_000,
          setupFiles: seed,
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
          testTimeout: 60_000,
          ...alone,
          ...shared,
        },
      },
      {
        test: {
          name: "integration",
          include: ["runtime/test/**/*.test.ts", "examples/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          ...alone,
        },
      },
      {
        test: {
          name: "docs",
          include: ["docs-site/test/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          pool: "forks",
          // One file of them needs the real kernel; the site is built and looked at beside it.
          maxWorkers: 2,
          maxConcurrency: 2,
        },
      },
      { test: { name: "tidy", include: ["runtime/tools/**/*.test.ts"], testTimeout: 60_000 } },
    ],
  },
});
