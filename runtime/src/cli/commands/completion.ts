/**
 * Command completion: a completion script for a shell.
 *
 * Kernel interface: none.
 * Specification: bash(1), zshcompsys(1), fish complete(1).
 * Invariants: none.
 * Left out: values of flags other than files, containers and images.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { Failure } from "../failure.ts";
import { completionScript, completionShells } from "../completion.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "bash|zsh|fish",
  flags: [],
  arity: [1, 1],
  interspersed: true,
  about:
    "For bash: `source <(drydock completion bash)`. For zsh: the same. For fish: " +
    "`drydock completion fish | source`.",
  concepts: ["cli"],
  run: async ({ console, catalog }: Context, { args }: Input) => {
    const script = await completionScript(catalog, args[0] ?? "");
    if (script === undefined) {
      throw new Failure({
        message: `drydock: no completion for shell "${args[0] ?? ""}": must be one of ${completionShells().join(", ")}`,
        exitCode: 1,
      });
    }
    console.out.write(script);
    return 0;
  },
};
