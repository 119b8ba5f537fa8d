/**
 * Prune: asks, removes what nobody uses, and says how much room that made.
 *
 * Kernel interface: none.
 * Specification: docker container prune reference.
 * Invariants: none.
 * Left out: pruneFilters of the configuration file.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Context } from "./command.ts";
import { checkFilter, encodeFilters } from "./filters.ts";
import type { Flag, Flags } from "./grammar.ts";
import { humanSize } from "./human.ts";

/** The flags of every prune. */
export const PRUNE_FLAGS: readonly Flag[] = [
  { name: "force", short: "f", kind: "bool", help: "Do not ask" },
  {
    name: "filter",
    kind: "list",
    check: checkFilter,
    help: "Only what fits: until=24h, label=K=V, label!=K",
  },
];

/** Prunes containers. @param warning what is about to happen @returns the exit code */
export async function prune(context: Context, flags: Flags, warning: string): Promise<number> {
  const { api, console } = context;
  if (!flags.bool("force") && !(await isConfirmed(context, warning))) return 1;
  const answer = await api.json<{
    readonly ContainersDeleted: readonly string[] | null;
    readonly SpaceReclaimed: number;
  }>({
    method: "POST",
    path: "/containers/prune",
    query: { filters: encodeFilters(flags.list("filter")) },
  });
  const deleted = answer.ContainersDeleted ?? [];
  if (deleted.length > 0) console.out.write(`Deleted Containers:\n${deleted.join("\n")}\n\n`);
  console.out.write(`Total reclaimed space: ${humanSize(answer.SpaceReclaimed, 4)}\n`);
  return 0;
}

async function isConfirmed({ console }: Context, warning: string): Promise<boolean> {
  console.out.write(`${warning}\nAre you sure you want to continue? [y/N] `);
  for await (const bytes of console.input()) {
    return /^y(es)?$/i.test(new TextDecoder().decode(bytes).trim());
  }
  return false;
}
