/**
 * Command context show: print the name of the one in use.
 *
 * Kernel interface: none.
 * Specification: docker context show reference.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command } from "../command.ts";
import { currentContext } from "../endpoint.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "",
  flags: [],
  arity: [0, 0],
  interspersed: true,
  about: "A flag goes before the environment, and the environment before what `context use` chose.",
  concepts: ["cli"],
  run: async ({ around, console }) => {
    console.out.write(`${currentContext(around)}\n`);
    return 0;
  },
};
