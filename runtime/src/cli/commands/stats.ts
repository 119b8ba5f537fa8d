/**
 * Command stats: what containers use, now and every second.
 *
 * Kernel interface: cgroups(7), by the daemon.
 * Specification: docker stats reference; Engine API v1.50, ContainerStats.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { ANY, type Command, type Context, type Input } from "../command.ts";
import type { ContainerSummary } from "../container-list.ts";
import { parseListFormat, printList } from "../listing.ts";
import { STATS_LIST, statsRow, type StatsAnswer } from "../stats-table.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] [CONTAINER...]",
  flags: [
    { name: "all", short: "a", kind: "bool", help: "Also those that do not run" },
    {
      name: "format",
      kind: "string",
      help: "table, json, 'table {{.Name}}\\t{{.CPUPerc}}' or a Go template for each",
    },
    { name: "no-stream", kind: "bool", help: "Once, not every second" },
    { name: "no-trunc", kind: "bool", help: "Whole ids" },
  ],
  arity: [0, ANY],
  interspersed: true,
  about:
    "The kernel counts what each cgroup uses; a rate is the difference of two counts a second apart. " +
    "Ctrl-C ends it.",
  concepts: ["cgroups"],
  completes: "running-containers",
  run,
};

const INTERVAL_MS = 1000;
const CLEAR_SCREEN = "\u001B[2J\u001B[H";

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const { console } = context;
  const format = parseListFormat(STATS_LIST, { format: flags.text("format"), quiet: false });
  const truncated = !flags.bool("no-trunc");
  let known: ReadonlyMap<string, StatsAnswer> = new Map();
  for (;;) {
    const names = args.length > 0 ? args : await listed(context, flags.bool("all"));
    known = await measure(context, names, known);
    const rows = [...known].map(([name, answer]) => statsRow(name, answer, truncated));
    const begin = console.out.isTerminal && !flags.bool("no-stream") ? CLEAR_SCREEN : "";
    console.out.write(begin + printList(STATS_LIST, format, rows));
    await console.out.drained();
    if (flags.bool("no-stream")) return 0;
    await console.sleep(INTERVAL_MS);
  }
}

async function listed({ api }: Context, all: boolean): Promise<readonly string[]> {
  const path = "/containers/json";
  const found = await api.json<readonly ContainerSummary[]>({
    method: "GET",
    path,
    query: { all },
  });
  return found.map(({ Id }) => Id);
}

/**
 * Asks for one answer of each. One that was asked before needs a single sample: the one before
 * makes the rate.
 */
async function measure(
  { api }: Context,
  names: readonly string[],
  before: ReadonlyMap<string, StatsAnswer>,
): Promise<ReadonlyMap<string, StatsAnswer>> {
  const answers = names.map(async (name): Promise<readonly [string, StatsAnswer]> => {
    const previous = before.get(name);
    const query = { stream: "0", "one-shot": previous === undefined ? undefined : "1" };
    const path = `/containers/${pathPart(name)}/stats`;
    const answer = await api.json<StatsAnswer>({ method: "GET", path, query });
    if (previous === undefined) return [name, answer];
    return [name, { ...answer, precpu_stats: previous.cpu_stats }];
  });
  const settled = await Promise.allSettled(answers);
  // The first look fails for a name that nobody has; later, one that is gone is left out.
  const failed = settled.find((each) => each.status === "rejected");
  if (failed !== undefined && before.size === 0) throw failed.reason;
  return new Map(settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : [])));
}
