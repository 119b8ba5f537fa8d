/**
 * Command inspect: all that is known of containers, images, networks or volumes.
 *
 * Kernel interface: none.
 * Specification: docker inspect reference.
 * Invariants: none.
 * Left out: types that need a swarm.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { Failure } from "../failure.ts";
import { AS_RUN_FLAG, FORMAT_FLAG, OBJECT_KINDS, inspect } from "../inspection.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  flags: [
    FORMAT_FLAG,
    AS_RUN_FLAG,
    { name: "size", short: "s", kind: "bool", help: "Also the sizes of containers" },
    {
      name: "type",
      kind: "string",
      help: "Only objects of this type: container, image, network, volume",
    },
  ],
  arity: [1, ANY],
  interspersed: true,
  about:
    "For a container: its process (State), what was asked for (Config, HostConfig), its files " +
    "(Mounts, GraphDriver) and its network (NetworkSettings).",
  concepts: ["container", "images"],
  completes: "containers",
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  if (flags.bool("as-run")) {
    const { printAsRun } = await import("../as-run.ts");
    return printAsRun(context, args);
  }
  const type = flags.text("type");
  const kinds = OBJECT_KINDS.filter((kind) => type === "" || kind.type === type);
  if (kinds.length === 0) {
    throw new Failure({
      message: `unknown type: ${JSON.stringify(type)}: must be one of "${OBJECT_KINDS.map((kind) => kind.type).join('", "')}"`,
      exitCode: 1,
    });
  }
  const wish = { kinds, names: args, format: flags.text("format"), size: flags.bool("size") };
  return inspect(context, wish);
}
