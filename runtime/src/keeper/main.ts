/**
 * Keeper: the program. `keeper --root DIR`, started by the daemon, see `launch.ts`.
 *
 * It writes a line to descriptor 3 when it listens: that is how its starter knows.
 *
 * @module
 */

import { closeSync, writeSync } from "node:fs";
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
// A bug that one client or one container meets must not end all the others.
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => complain("bug", error));
}
process.stderr.on("error", () => undefined);

try {
  await runKeeper(createLinuxKernel(), root, tellReady);
  process.exit(0);
} catch (error) {
  complain("cannot go on", error);
  process.exit(1);
}

/** Somebody who starts a keeper by hand may not have opened the descriptor. */
function tellReady(): void {
  try {
    writeSync(READY_FD, "ready\n");
    closeSync(READY_FD);
  } catch {
    // Then nobody waits for it.
  }
}

/** Into <root>/keeper.log, which is where our stderr leads. */
function complain(what: string, error: unknown): void {
  const text = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${new Date().toISOString()} keeper: ${what}: ${text}\n`);
}
