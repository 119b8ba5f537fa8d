/**
 * Show help: the help of a command, of a group, or of the program.
 *
 * Kernel interface: none.
 * Specification: docker help.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { GROUPS, findCommand } from "./catalog.ts";
import type { Console } from "./console.ts";
import { Failure } from "./failure.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";
import { commandHelp, groupHelp, programHelp } from "./help.ts";

/** Prints help to standard output. @returns the exit code */
export async function showHelp(console: Console, named: readonly string[]): Promise<number> {
  console.out.write(await helpText(named));
  return 0;
}

/**
 * The help of what the words name; of the program without words.
 *
 * @throws Failure when they name nothing
 */
export async function helpText(named: readonly string[]): Promise<string> {
  const [first] = named;
  if (first === undefined) return programHelp(GLOBAL_FLAGS);
  const entry = findCommand(named);
  if (entry !== undefined) {
    return commandHelp(["drydock", ...named].join(" "), entry, await entry.load());
  }
  if (named.length === 1 && GROUPS.has(first)) return groupHelp(first);
  throw new Failure({
    message: `drydock: unknown help topic: ${named.join(" ")}`,
    exitCode: 1,
    seeAlso: "drydock --help",
  });
}
