/**
 * Keeper: the program. `keeper --root DIR`, started by the daemon with `FORK_FLAGS`; see
 * `launch.ts`.
 *
 * Descriptor 3, if open, is closed when the keeper listens: that is how its starter knows.
 *
 * @module
 */

import { closeSync } from "node:fs";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import { runKeeper } from "./keeper.ts";

const READY_FD = 3;

const [flag, root] = process.argv.slice(2);
if (flag !== "--root" || root === undefined || !root.startsWith("/")) {
  process.stderr.write("usage: keeper --root /DIRECTORY\n");
  process.exit(2);
}
process.title = `drydock-keeper ${root}`;
// Whoever closes a terminal or types Ctrl-C means the daemon, not every container.
for (const signal of ["SIGHUP", "SIGINT"] as const) process.on(signal, () => undefined);
process.umask(0o022);

try {
  await runKeeper(createLinuxKernel(), root, () => closeSync(READY_FD));
  process.exit(0);
} catch (error) {
  process.stderr.write(`keeper: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
