/**
 * Command logs: show what a container has printed.
 *
 * Kernel interface: none; the daemon reads the files that the keeper writes.
 * Specification: docker logs reference; Engine API v1.50, ContainerLogs.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { withCandidates } from "../ambiguous.ts";
import type { Command, Context, Input } from "../command.ts";
import { Failure } from "../failure.ts";
import { copyFrames } from "../streams.ts";
import { parseMoment } from "../moment.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  flags: [
    { name: "details", kind: "bool", help: "Show what log options added" },
    { name: "follow", short: "f", kind: "bool", help: "Stay and show what comes" },
    {
      name: "since",
      kind: "string",
      help: "Only after this moment (2026-11-22T13:23:37Z) or span (42m)",
    },
    {
      name: "tail",
      short: "n",
      kind: "string",
      initial: "all",
      help: "Only so many lines from the end",
    },
    { name: "timestamps", short: "t", kind: "bool", help: "Show when each line came" },
    { name: "until", kind: "string", help: "Only before this moment or span" },
  ],
  arity: [1, 1],
  interspersed: true,
  about:
    "Everything that the container's first process wrote to standard output and standard error, kept " +
    "by the keeper even while no client and no daemon listened.",
  concepts: ["container"],
  completes: "containers",
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const { api, console } = context;
  const container = `/containers/${pathPart(args[0] ?? "")}`;
  const moment = (name: string): string | undefined => {
    const text = flags.text(name);
    if (text === "") return undefined;
    const parsed = parseMoment(text, console.nowMs());
    if (parsed !== undefined) return parsed;
    const message = `invalid value for "${name}": failed to parse value as time or duration: ${JSON.stringify(text)}`;
    throw new Failure({ message, exitCode: 1 });
  };
  const query = {
    stdout: true,
    stderr: true,
    follow: flags.bool("follow"),
    since: moment("since"),
    until: moment("until"),
    timestamps: flags.bool("timestamps"),
    details: flags.bool("details"),
    tail: flags.text("tail"),
  };
  try {
    const found = await api.json<{ readonly Config: { readonly Tty: boolean } }>({
      method: "GET",
      path: `${container}/json`,
    });
    const response = await api.stream({ method: "GET", path: `${container}/logs`, query });
    await copyFrames(console, response.body, found.Config.Tty);
    return 0;
  } catch (thrown) {
    throw await withCandidates(api, thrown);
  }
}
