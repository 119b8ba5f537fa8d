/**
 * Keeper: the program. `keeper --root DIR`, started by the daemon, see `launch.ts`; and with
 * `--starter N` before it, one of the keeper's starters, see `starters.ts`.
 *
 * A keeper writes a line to descriptor 3 when it listens: that is how its starter knows.
 *
 * @module
 */

import { closeSync, writeSync } from "node:fs";
import { createStarter } from "../container/index.ts";
import { createFosteringKernel } from "../kernel/linux/index.ts";
import { createChoice } from "./choice.ts";
import { runKeeper, TRACE } from "./keeper.ts";
import { STARTER_NAME, runStarter } from "./starter-process.ts";
import { Starters } from "./starters.ts";

const READY_FD = 3;

const [, program = "", ...words] = process.argv;
const number = words[0] === "--starter" ? words.splice(0, 2)[1] : undefined;
const [flag, root] = words;
if (flag !== "--root" || root === undefined || !root.startsWith("/")) {
  process.stderr.write("usage: keeper --root /DIRECTORY\n");
  process.exit(2);
}
process.title =
  number === undefined ? `drydock-keeper ${root}` : `${STARTER_NAME} ${number} ${root}`;
// Whoever closes a terminal or types Ctrl-C means the daemon, not every container.
for (const signal of ["SIGHUP", "SIGINT"] as const) process.on(signal, () => undefined);
process.umask(0o022);
// A bug that one client or one container meets must not end all the others.
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => complain("bug", error));
}
process.stderr.on("error", () => undefined);

try {
  if (number === undefined) await keep(root);
  else runStarter();
  process.exit(0);
} catch (error) {
  complain("cannot go on", error);
  process.exit(1);
}

async function keep(directory: string): Promise<void> {
  const { kernel, foster } = createFosteringKernel();
  const launch = (): Starters =>
    new Starters({ foster, root: directory, program, flags: process.execArgv });
  const here = createStarter({ kernel, trace: TRACE });
  const starter = createChoice({ root: directory, here, launch });
  await runKeeper({ kernel, root: directory, starter, onListening: tellReady });
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
