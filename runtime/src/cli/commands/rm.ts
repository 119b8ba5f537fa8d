/**
 * Command rm: remove containers.
 *
 * Kernel interface: umount(2), rmdir(2), by the daemon.
 * Specification: docker rm reference; Engine API v1.50, ContainerDelete.
 * Invariants: none.
 * Left out: the daemon makes no links, so `--link` finds none to remove.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ApiError, pathPart } from "../api.ts";
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { failureText } from "../failure.ts";
import { forEachTarget } from "../targets.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: [
    { name: "force", short: "f", kind: "bool", help: "Kill it first if it runs (SIGKILL)" },
    { name: "link", short: "l", kind: "bool", help: "Remove the link, not the container" },
    { name: "volumes", short: "v", kind: "bool", help: "Remove its anonymous volumes too" },
  ],
  arity: [1, ANY],
  interspersed: true,
  about:
    "A container's writable layer goes with it, and its logs. The image stays as it was: nothing that " +
    "ran in a container ever changed it.",
  concepts: ["container", "layers"],
  completes: "containers",
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const force = flags.bool("force");
  const query = { v: flags.bool("volumes"), link: flags.bool("link"), force };
  return forEachTarget(context, args, async (name) => {
    const path = `/containers/${pathPart(name.replace(/^\/+|\/+$/g, ""))}`;
    try {
      await context.api.json<undefined>({ method: "DELETE", path, query });
      return name;
    } catch (thrown) {
      // With -f, what is not there is no failure: it is told all the same.
      if (!force || !(thrown instanceof ApiError) || thrown.status !== 404) throw thrown;
      context.console.err.write(`${failureText(thrown)}\n`);
      return null;
    }
  });
}
