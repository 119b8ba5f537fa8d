/**
 * Init program: who is the first process of a container with `--init`.
 *
 * Process 1 inherits every process whose parent ended, and has to wait for each, or they stay in
 * the table as zombies. Few programs do that, so `--init` puts tini before them: it starts the
 * program, passes signals on, and reaps. Only a static one will do, since the container has its own
 * libraries or none.
 *
 * Kernel interface: wait(2).
 * Specification: Docker Engine API v1.50, HostConfig.Init.
 * Invariants: none of its own.
 * Left out: a program of ours that does the same; the places below are all where one is looked for.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { Files } from "../kernel/index.ts";
import { lookOr } from "./look.ts";

/** Where Debian and Docker put a static tini. */
const PLACES = ["/usr/bin/tini-static", "/usr/libexec/docker/docker-init", "/usr/bin/docker-init"];

/** The path of the machine's tini. @throws RuntimeError feature-unsupported */
export function findInitProgram(kernel: Files): string {
  const found = PLACES.find((path) => isFile(kernel, path));
  if (found !== undefined) return found;
  throw new RuntimeError({
    code: "feature-unsupported",
    class: "not-implemented",
    message: `--init needs tini, and none of ${PLACES.join(", ")} is there`,
    operation: "start container",
    hint: "Debian has it in its package tini.",
  });
}

function isFile(kernel: Files, path: string): boolean {
  return lookOr(() => kernel.stat(path).type === "file", false);
}
