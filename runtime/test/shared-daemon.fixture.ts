/**
 * Shared daemon: one for all tests of a file; each leaves it without containers.
 *
 * @module
 */
import { rmSync } from "node:fs";
import { afterAll, afterEach, beforeAll } from "vitest";
import { TestDaemon } from "./daemon.ts";

/** A daemon that runs while the tests of this file do. @param skip they do not */
export function shareDaemon(skip: boolean): TestDaemon {
  const daemon = new TestDaemon();
  // The hooks of a file whose tests are all skipped do not run.
  if (skip) rmSync(daemon.directory, { recursive: true });
  beforeAll(async () => {
    if (!skip) await daemon.start();
  });
  afterEach(async () => {
    if (!skip) await daemon.removeContainers();
  });
  afterAll(async () => {
    if (!skip) await daemon[Symbol.asyncDispose]();
  });
  return daemon;
}
