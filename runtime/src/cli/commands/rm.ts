/**
 * Command rm: remove containers.
 *
 * Kernel interface: umount(2), rmdir(2), by the daemon.
 * Specification: docker rm reference; Engine API v1.50, ContainerDelete.
 * Invariants: none.
 * Left out: links.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { ANY, type Command, type Context, type Input } from "../command.ts";
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
  run: (context: Context, { flags, args }: Input) =>
    forEachTarget(context, args, async (name) => {
      await context.api.json<undefined>({
        method: "DELETE",
        path: `/containers/${pathPart(name.replace(/^\/+|\/+$/g, ""))}`,
        query: { v: flags.bool("volumes"), link: flags.bool("link"), force: flags.bool("force") },
      });
      return name;
    }),
};
