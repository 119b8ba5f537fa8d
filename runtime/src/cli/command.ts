/**
 * Command: what a command is, as the dispatcher, help and completion see it.
 *
 * Kernel interface: none.
 * Specification: docker CLI reference, "Usage".
 * Invariants: none.
 * Left out: plugins.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Api } from "./api.ts";
import type { Console } from "./console.ts";
import type { Flag, Flags } from "./grammar.ts";
import type { Surroundings } from "./endpoint.ts";
import type { Program } from "./program.ts";

/** What a command may use. */
export interface Context {
  /** All commands, for those that tell of them. */
  readonly catalog: Catalog;
  readonly program: Program;
  readonly console: Console;
  /** Opened when it is first asked for. @throws Failure when the user names no daemon that is */
  readonly api: Api;
  /** What the choice of the daemon depends on. */
  readonly around: Surroundings;
  /** The words that named it, with the program: "drydock container run". */
  readonly commandLine: string;
}

/** What a command was given. */
export interface Input {
  readonly flags: Flags;
  readonly args: readonly string[];
}

/** A command. */
export interface Command {
  /** What follows the name on the usage line. */
  readonly usage: string;
  readonly flags: readonly Flag[];
  /** How many arguments it takes: at least, at most. */
  readonly arity: readonly [number, number];
  /** Whether flags may follow the first argument. */
  readonly interspersed: boolean;
  /** What help says below the summary: the concept behind the command. */
  readonly about: string;
  /** Whether the command reads its words itself: they come as arguments, but for --help. */
  readonly readsWords?: boolean;
  /** Pages of the docs, for example "namespaces". */
  readonly concepts: readonly string[];
  /** What completion offers for its arguments. */
  readonly completes?: "containers" | "running-containers" | "images";
  /** Carries it out. @returns the exit code @throws Failure */
  run(context: Context, input: Input): Promise<number>;
}

/** A command's place among the others, known without loading its code. */
export interface CatalogEntry {
  /** The words that name it, the short form first: ["run"], ["container", "run"]. */
  readonly names: readonly (readonly string[])[];
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command there is. */
export type Catalog = readonly CatalogEntry[];

/** No upper limit on arguments. */
export const ANY = Number.POSITIVE_INFINITY;
