/**
 * Command create: make a container without starting it.
 *
 * Kernel interface: none; the daemon acts.
 * Specification: docker create reference; Engine API v1.50, ContainerCreate.
 * Invariants: none.
 * Left out: content trust.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { createContainer, translate } from "../new-container.ts";
import { CONTAINER_FLAGS } from "../options/flags.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  flags: CONTAINER_FLAGS,
  arity: [1, ANY],
  interspersed: false,
  about:
    "The container gets its id, its name and its writable layer, and waits for `drydock start`. " +
    "No process exists until then.",
  concepts: ["container", "layers"],
  completes: "images",
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const body = translate(context, { flags, args });
  if (flags.bool("plan") || flags.bool("as-shell")) {
    const { printPlan } = await import("../plan-report.ts");
    return printPlan(context, flags, body);
  }
  const id = await createContainer(context, flags, body);
  context.console.out.write(`${id}\n`);
  return 0;
}
