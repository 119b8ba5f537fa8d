/**
 * Command image inspect: all that is known of images.
 *
 * Kernel interface: none.
 * Specification: docker image inspect reference.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { FORMAT_FLAG, inspect, kindsOf } from "../inspection.ts";
import { PLATFORM_FLAG, platformQuery } from "../platform.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  flags: [FORMAT_FLAG, PLATFORM_FLAG],
  arity: [1, ANY],
  interspersed: true,
  about: "As `drydock inspect`, but only images.",
  concepts: ["images"],
  completes: "images",
  run: (context: Context, { flags, args }: Input) =>
    inspect(context, {
      kinds: kindsOf("image"),
      names: args,
      format: flags.text("format"),
      size: false,
      platform: platformQuery(flags.text("platform")),
    }),
};
