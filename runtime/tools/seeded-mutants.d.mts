/**
 * The types of seeded-mutants.mjs, without those of Vite and esbuild: with them the linter would
 * know Node's types in every script of this folder, and in none elsewhere.
 */

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
export function mutantPlugins(mutant?: Mutant): {
  readonly name: string;
  readonly enforce: "pre";
  readonly transform: (source: string, id: string) => string | undefined;
}[];

/** The same for esbuild, which bundles the programs that tests start. */
export function mutantBundlePlugins(mutant?: Mutant): {
  readonly name: string;
  readonly setup: (build: {
    onLoad(
      options: { readonly filter: RegExp },
      load: (file: { readonly path: string }) => { contents: string; loader: "ts" } | undefined,
    ): void;
  }) => void;
}[];
