/**
 * Main: the daemon as a program of its own, which the build bundles into one file.
 *
 * Kernel interface: none of its own.
 * Specification: none.
 * Invariants: none.
 * Left out: nothing known.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { runDaemon } from "./daemon.ts";

// Connections to the keeper would keep this process alive; containers do not need it.
process.exit(await runDaemon(process.argv.slice(2)));
