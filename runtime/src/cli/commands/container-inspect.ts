/**
 * Command container inspect: all that is known of containers.
 *
 * Kernel interface: none.
 * Specification: docker container inspect reference.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { AS_COMPOSE_FLAG, AS_RUN_FLAG, FORMAT_FLAG, inspect, kindsOf } from "../inspection.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: [
    FORMAT_FLAG,
    AS_RUN_FLAG,
    AS_COMPOSE_FLAG,
    { name: "size", short: "s", kind: "bool", help: "Also its sizes" },
  ],
  arity: [1, ANY],
  interspersed: true,
  about: "As `drydock inspect`, but only containers.",
  concepts: ["container"],
  completes: "containers",
  run: async (context: Context, { flags, args }: Input) => {
    if (flags.bool("as-run")) {
      const { printAsRun } = await import("../as-run.ts");
      return printAsRun(context, args);
    }
    if (flags.bool("as-compose")) {
      const { printAsCompose } = await import("../as-run.ts");
      return printAsCompose(context, args);
    }
    return inspect(context, {
      kinds: kindsOf("container"),
      names: args,
      format: flags.text("format"),
      size: flags.bool("size"),
    });
  },
};
