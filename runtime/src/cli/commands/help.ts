/**
 * Command help: explain a command.
 *
 * Kernel interface: none.
 * Specification: docker help.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[COMMAND]",
  flags: [],
  arity: [0, ANY],
  interspersed: true,
  about: "",
  concepts: [],
  run: async ({ console, catalog }: Context, { args }: Input) => {
    const { showHelp } = await import("../show-help.ts");
    return showHelp(console, catalog, args);
  },
};
