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
import type { Catalog } from "./command.ts";
import type { Console } from "./console.ts";
import { Failure } from "./failure.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";
import { commandHelp, groupHelp, programHelp } from "./help.ts";
import { GROUPS, findCommand } from "./names.ts";

/** Prints help to standard output. @returns the exit code */
export async function showHelp(
  console: Console,
  catalog: Catalog,
  named: readonly string[],
): Promise<number> {
  console.out.write(await helpText(catalog, named));
  return 0;
}

/**
 * The help of what the words name; of the program without words.
 *
 * @throws Failure when they name nothing
 */
export async function helpText(catalog: Catalog, named: readonly string[]): Promise<string> {
  const [first] = named;
  if (first === undefined) return programHelp(catalog, GLOBAL_FLAGS);
  const entry = findCommand(catalog, named);
  if (entry !== undefined) {
    return commandHelp(["drydock", ...named].join(" "), entry, await entry.load());
  }
  if (named.length === 1 && GROUPS.has(first)) return groupHelp(catalog, first);
  throw new Failure({
    message: `drydock: unknown help topic: ${named.join(" ")}`,
    exitCode: 1,
    seeAlso: "drydock --help",
  });
}
