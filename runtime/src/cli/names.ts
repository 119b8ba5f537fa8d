/**
 * Names: how commands are called and found.
 *
 * Kernel interface: none.
 * Specification: docker CLI reference, "Subcommands".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Catalog, CatalogEntry } from "./command.ts";

/** The groups of commands and what they are about. */
export const GROUPS: ReadonlyMap<string, string> = new Map([
  ["container", "Containers: processes with their own view of the machine"],
  ["image", "Images: layers of files and how to start them"],
  ["context", "Contexts: daemons with names"],
  ["system", "The engine itself"],
]);

/** The command with exactly this name. */
export function findCommand(catalog: Catalog, words: readonly string[]): CatalogEntry | undefined {
  const name = words.join(" ");
  return catalog.find((each) => each.names.some((known) => known.join(" ") === name));
}

/** The names of the commands in a group, or of the commands and groups at the top. */
export function namesIn(catalog: Catalog, group: string | undefined): readonly string[] {
  const length = group === undefined ? 1 : 2;
  const names = catalog
    .flatMap((each) => each.names)
    .filter((name) => name.length === length && (group === undefined || name[0] === group))
    .map((name) => name.at(-1) ?? "");
  return group === undefined ? [...names, ...GROUPS.keys()] : names;
}
