/**
 * Entry: the CLI as a program on Node.
 *
 * Gives the commands this process's terminal, files and signals, and a transport over sockets. The
 * engine's code is loaded only by `drydock daemon`.
 *
 * Kernel interface: execve(2), exit_group(2).
 * Specification: none.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { main } from "../index.ts";
import { openContexts } from "./context-files.ts";
import { createNodeConsole } from "./node-console.ts";
import { connect } from "./socket-transport.ts";

/** The engine is a program of its own: this process becomes it, and it ends the process. */
async function runDaemon(words: readonly string[]): Promise<number> {
  process.argv.splice(2, Number.POSITIVE_INFINITY, ...words);
  await import("../../daemon/main.ts");
  return new Promise(() => undefined);
}

async function planAlone(path: string, body: unknown): Promise<Response> {
  const alone = await import("./plan-alone.ts");
  return alone.planAlone(path, body);
}

async function runProgram(): Promise<void> {
  const console = createNodeConsole();
  const program = { console, connect, openContexts, runDaemon, planAlone };
  const exitCode = await main(program, process.argv.slice(2));
  await Promise.all([console.out.drained(), console.err.drained()]);
  // Standard input would keep this process alive.
  process.exit(exitCode);
}

void runProgram();
