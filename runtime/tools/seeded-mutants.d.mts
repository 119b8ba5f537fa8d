import type { Plugin as BundlePlugin } from "esbuild";
import type { Plugin } from "vitest/config";

/** A small fault: one place in the source, what it becomes, and which invariant must notice. */
export interface Mutant {
  readonly slug: string;
  /** The file in `property-tests/mutants` that lists it. */
  readonly list: string;
  readonly file: string;
  readonly text: string;
  readonly becomes: string;
}

/** All mutants. */
export function readMutants(): readonly Mutant[];

/** The source with its fault. @throws Error unless the text is there exactly once */
export function mutate(source: string, mutant: Pick<Mutant, "file" | "text" | "becomes">): string;

/** For Vite: puts the mutant of this run into its module; nothing in a run without one. */
export function mutantPlugins(mutant?: Mutant): Plugin[];

/** The same for esbuild, which bundles the programs that tests start. */
export function mutantBundlePlugins(mutant?: Mutant): BundlePlugin[];
