/**
 * Command start: start containers, or one and stay with it.
 *
 * Kernel interface: none; the daemon acts.
 * Specification: docker start reference; Engine API v1.50, ContainerStart.
 * Invariants: none.
 * Left out: checkpoints, for which Docker wants a daemon with experimental features.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { startAttached, startContainer } from "../container-session.ts";
import { withCandidates } from "../ambiguous.ts";
import { Failure, failureText } from "../failure.ts";
import type { Flags } from "../grammar.ts";

const CHECKPOINT_FLAGS = ["checkpoint", "checkpoint-dir"] as const;

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: [
    { name: "attach", short: "a", kind: "bool", help: "Show its output and forward signals" },
    { name: "interactive", short: "i", kind: "bool", help: "Attach standard input" },
    { name: "detach-keys", kind: "string", help: "Keys that leave a terminal without ending it" },
    ...CHECKPOINT_FLAGS.map((name) => ({ name, kind: "string", help: "Refused" }) as const),
  ],
  arity: [1, ANY],
  interspersed: true,
  about:
    "The same container, the same writable layer, a new process: what the last one wrote is still there.",
  concepts: ["container"],
  completes: "containers",
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const refused = CHECKPOINT_FLAGS.find((name) => flags.changed(name));
  if (refused !== undefined) {
    throw new Failure({
      message: `"--${refused}" is only supported on a Docker daemon with experimental features enabled`,
      exitCode: 1,
    });
  }
  if (flags.bool("attach") || flags.bool("interactive")) {
    if (args.length > 1) {
      throw new Failure({
        message: "you cannot start and attach multiple containers at once",
        exitCode: 1,
      });
    }
    return startOne(context, flags, args[0] ?? "");
  }
  return startMany(context, args);
}

interface Inspected {
  readonly Id: string;
  readonly Config: { readonly Tty: boolean; readonly OpenStdin: boolean };
  readonly HostConfig: { readonly AutoRemove: boolean };
}

async function startOne(context: Context, flags: Flags, name: string): Promise<number> {
  const found = await context.api.json<Inspected>({
    method: "GET",
    path: `/containers/${pathPart(name)}/json`,
  });
  const end = await startAttached(context, {
    id: found.Id,
    tty: found.Config.Tty,
    stdin: flags.bool("interactive") && found.Config.OpenStdin,
    stdout: true,
    stderr: true,
    detachKeys: flags.text("detach-keys"),
    forwardsSignals: !found.Config.Tty,
    autoRemove: found.HostConfig.AutoRemove,
  });
  return "detached" in end ? 0 : end.exitCode;
}

async function startMany(context: Context, names: readonly string[]): Promise<number> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      await startContainer(context.api, name);
      context.console.out.write(`${name}\n`);
    } catch (thrown) {
      const told = await withCandidates(context.api, thrown);
      context.console.err.write(`${failureText(told)}\n`);
      failed.push(name);
    }
  }
  if (failed.length === 0) return 0;
  throw new Failure({
    message: `Error: failed to start containers: ${failed.join(", ")}`,
    exitCode: 1,
  });
}
