/**
 * Program: what the CLI is given by whoever starts it, and what never changes in it.
 *
 * Kernel interface: none.
 * Specification: none.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Console } from "./console.ts";
import type { ContextStore } from "./contexts.ts";
import type { Connect } from "./transport.ts";

/** The version of this client; the same as in package.json. */
export const PROGRAM_VERSION = "0.1.0";

/** The default address of the daemon. */
export const DEFAULT_HOST = "unix:///run/drydock.sock";

/** What the program is given by whoever starts it. */
export interface Program {
  readonly console: Console;
  readonly connect: Connect;
  /**
   * Opens the contexts that are kept in a directory; empty: where the user's configuration is.
   * Absent where there are no files.
   */
  readonly openContexts?: ((directory: string) => ContextStore) | undefined;
  /**
   * Runs the engine in this process until it is told to stop; absent where there is none.
   * It reads its own words: they are dockerd's, and programs pass any of them.
   */
  readonly runDaemon?: ((words: readonly string[]) => Promise<number>) | undefined;
  /**
   * Answers `POST /drydock/plan` and `/drydock/script` where no daemon does; absent where there is
   * none but the page's.
   */
  readonly planAlone?: ((path: string, body: unknown) => Promise<Response>) | undefined;
}
