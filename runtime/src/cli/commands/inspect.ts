/**
 * Command inspect: all that is known of containers, images and other objects.
 *
 * Kernel interface: none.
 * Specification: docker inspect reference.
 * Invariants: none.
 * Left out: the objects of a swarm are found where they are asked for by --type only.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { AS_COMPOSE_FLAG, AS_RUN_FLAG, FORMAT_FLAG, inspect, kindsOf } from "../inspection.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  flags: [
    FORMAT_FLAG,
    AS_RUN_FLAG,
    AS_COMPOSE_FLAG,
    { name: "size", short: "s", kind: "bool", help: "Also the sizes of containers" },
    {
      name: "type",
      kind: "string",
      help:
        "Only objects of this type: container, image, network, volume, plugin, or of a swarm: " +
        "config, node, secret, service, task",
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
  if (flags.bool("as-compose")) {
    const { printAsCompose } = await import("../as-run.ts");
    return printAsCompose(context, args);
  }
  const kinds = kindsOf(flags.changed("type") ? flags.text("type") : undefined);
  const wish = { kinds, names: args, format: flags.text("format"), size: flags.bool("size") };
  return inspect(context, wish);
}
