/**
 * Prune: says what would go, asks, removes it, and says how much room that made.
 *
 * The plan comes from the daemon, which asks the same questions as when it removes. Docker's daemon
 * has no such plan: then only the kinds of things are named, as Docker does.
 *
 * Kernel interface: none.
 * Specification: docker container prune reference, docker system prune reference.
 * Invariants: none.
 * Left out: pruneFilters of the configuration file.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ApiError } from "./api.ts";
import type { Context } from "./command.ts";
import { goneLines } from "./commands/rmi.ts";
import { Failure } from "./failure.ts";
import { checkFilter, encodeFilters } from "./filters.ts";
import type { Flag, Flags } from "./grammar.ts";
import { humanSize, shortId } from "./human.ts";

/** The flags of every prune. */
export const PRUNE_FLAGS: readonly Flag[] = [
  { name: "force", short: "f", kind: "bool", help: "Do not ask" },
  { name: "dry-run", kind: "bool", help: "Say what would go, and remove nothing" },
  {
    name: "filter",
    kind: "list",
    check: checkFilter,
    help: "Only what fits: until=24h, label=K=V, label!=K",
  },
];

/** What a prune is about. */
export interface PruneWish {
  readonly containers: boolean;
  readonly images: "none" | "dangling" | "all";
  /** Also the volumes without a name that no container uses. */
  readonly volumes?: boolean;
  /** What Docker says before it asks. */
  readonly warning: string;
}

interface Plan {
  readonly Containers: readonly { readonly Id: string; readonly Name: string; Size: number }[];
  readonly Images: readonly {
    readonly Id: string;
    readonly Names: readonly string[];
    Size: number;
  }[];
  readonly SpaceReclaimed: number;
}

/** Prunes. @returns the exit code */
export async function prune(context: Context, flags: Flags, wish: PruneWish): Promise<number> {
  const { console } = context;
  if (flags.bool("dry-run") || !flags.bool("force")) {
    await showPlan(context, flags, wish);
    // As with docker, to say no is no failure.
    if (flags.bool("dry-run") || !(await isConfirmed(context, wish.warning))) return 0;
  }
  const reclaimed = [
    wish.containers ? await pruneNamed(context, flags, "Containers") : 0,
    wish.volumes === true ? await pruneNamed(context, flags, "Volumes") : 0,
    wish.images === "none" ? 0 : await pruneImages(context, flags, wish),
  ];
  const total = reclaimed.reduce((sum, bytes) => sum + bytes, 0);
  console.out.write(`Total reclaimed space: ${humanSize(total, 4)}\n`);
  return 0;
}

async function showPlan(context: Context, flags: Flags, wish: PruneWish): Promise<void> {
  const plan = await readPlan(context, flags, wish);
  if (plan !== undefined) {
    context.console.out.write(planLines(plan));
  } else if (flags.bool("dry-run")) {
    throw new Failure({
      message: "drydock: this daemon cannot say what a prune would remove",
      exitCode: 1,
      hint: "Only a drydock daemon plans; Docker's removes and tells afterwards.",
    });
  }
}

function filtersOf(flags: Flags, { images }: PruneWish): string | undefined {
  return encodeFilters([
    ...flags.list("filter"),
    ...(images === "none" ? [] : [`dangling=${images === "dangling"}`]),
  ]);
}

async function readPlan(
  { api }: Context,
  flags: Flags,
  wish: PruneWish,
): Promise<Plan | undefined> {
  const type = [
    ...(wish.containers ? ["container"] : []),
    ...(wish.images === "none" ? [] : ["image"]),
  ].join(",");
  const query = { type, filters: filtersOf(flags, wish) };
  try {
    return await api.json<Plan>({ method: "GET", path: "/drydock/prune", query });
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 404) return undefined;
    throw thrown;
  }
}

/** Each thing by its name, so that nobody is surprised afterwards. */
function planLines({ Containers, Images, SpaceReclaimed }: Plan): string {
  const total = Containers.length + Images.length;
  if (total === 0) return "Nothing to remove.\n";
  const lines = [
    ...Containers.map(({ Id, Name, Size }) => ["container", shortId(Id), Name, humanSize(Size, 4)]),
    ...Images.map(({ Id, Names, Size }) => [
      "image",
      shortId(Id),
      Names.join(", ") || "<none>",
      humanSize(Size, 4),
    ]),
  ];
  const widths = [0, 1, 2].map((at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const rows = lines.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${rows.join("\n")}\nRoom that this makes: ${humanSize(SpaceReclaimed, 4)}\n\n`;
}

async function pruneNamed(
  { api, console }: Context,
  flags: Flags,
  kind: "Containers" | "Volumes",
): Promise<number> {
  type Pruned = Readonly<Record<`${typeof kind}Deleted`, readonly string[] | null>>;
  const answer = await api.json<Pruned & { readonly SpaceReclaimed: number }>({
    method: "POST",
    path: `/${kind.toLowerCase()}/prune`,
    query: { filters: encodeFilters(flags.list("filter")) },
  });
  const deleted = answer[`${kind}Deleted`] ?? [];
  if (deleted.length > 0) console.out.write(`Deleted ${kind}:\n${deleted.join("\n")}\n\n`);
  return answer.SpaceReclaimed;
}

async function pruneImages({ api, console }: Context, flags: Flags, wish: PruneWish) {
  const { ImagesDeleted, SpaceReclaimed } = await api.json<{
    readonly ImagesDeleted: Parameters<typeof goneLines>[0] | null;
    readonly SpaceReclaimed: number;
  }>({ method: "POST", path: "/images/prune", query: { filters: filtersOf(flags, wish) } });
  if ((ImagesDeleted ?? []).length > 0) {
    console.out.write(`Deleted Images:\n${goneLines(ImagesDeleted ?? []).toLowerCase()}\n`);
  }
  return SpaceReclaimed;
}

/** Asks, after saying what would happen. */
export async function isConfirmed({ console }: Context, warning: string): Promise<boolean> {
  console.out.write(`${warning}\nAre you sure you want to continue? [y/N] `);
  for await (const bytes of console.input()) {
    return /^y(es)?$/i.test(new TextDecoder().decode(bytes).trim());
  }
  return false;
}
