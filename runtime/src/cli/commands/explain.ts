/**
 * Command explain: every step that was taken for a container.
 *
 * Kernel interface: as named by each step.
 * Specification: none; GET /drydock/containers/NAME/journal.
 * Invariants: none.
 * Left out: other objects than containers.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { withCandidates } from "../ambiguous.ts";
import type { Command, Context, Input } from "../command.ts";
import { showArguments, showMicroseconds } from "../step-text.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  flags: [{ name: "json", kind: "bool", help: "The entries as data" }],
  arity: [1, 1],
  interspersed: true,
  about:
    "Each mount, clone flag, cgroup write and credential change, with its result, its time, the line of " +
    "source that did it, and the page that explains it. The writable layer is the container's own: what " +
    "changes there never changes the image.",
  concepts: ["container", "namespaces", "cgroups", "layers", "security"],
  completes: "containers",
  run,
};

interface Entry {
  readonly n: number;
  readonly at: string | number;
  readonly where: string;
  readonly concept: string;
  readonly operation: string;
  readonly call: string;
  readonly args: unknown;
  readonly result: unknown;
  readonly errno?: string | null;
  readonly durationUs: number;
  readonly effect?: unknown;
  readonly source: string;
}

interface Journal {
  readonly entries: readonly Entry[];
}

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const path = `/drydock/containers/${pathPart(args[0] ?? "")}/journal`;
  const journal = await api
    .json<Journal>({ method: "GET", path })
    .catch(async (thrown: unknown) => {
      throw await withCandidates(api, thrown);
    });
  console.out.write(
    flags.bool("json") ? `${JSON.stringify(journal)}\n` : explanation(journal.entries),
  );
  return 0;
}

/** Entries by concept, in the order in which each concept first acted. */
function explanation(entries: readonly Entry[]): string {
  const concepts = new Map<string, Entry[]>();
  for (const entry of entries) {
    const mine = concepts.get(entry.concept) ?? [];
    mine.push(entry);
    concepts.set(entry.concept, mine);
  }
  const blocks = [...concepts].map(([concept, mine]) => {
    const time = mine.reduce((sum, entry) => sum + entry.durationUs, 0);
    const steps = `${mine.length} step${mine.length === 1 ? "" : "s"}`;
    const head = `${concept}: ${steps}, ${showMicroseconds(time)} (docs/concepts/${concept}.md)`;
    return [head, ...mine.flatMap(entryLines)].join("\n");
  });
  const failed = entries.filter(hasFailed).length;
  const time = showMicroseconds(entries.reduce((sum, entry) => sum + entry.durationUs, 0));
  const total = `${entries.length} steps, ${failed} failed, ${time} in all.`;
  return `${[...blocks, total].join("\n\n")}\n`;
}

function hasFailed({ errno }: Entry): boolean {
  return errno !== undefined && errno !== null && errno !== "";
}

function entryLines(entry: Entry): string[] {
  const outcome = hasFailed(entry) ? `failed: ${entry.errno ?? ""}` : resultText(entry.result);
  const place = entry.where === "init" ? "init  " : "engine";
  const time = showMicroseconds(entry.durationUs).padStart(9);
  return [
    `  ${String(entry.n).padStart(3)}  ${place}  ${time}  ${entry.operation}`,
    `       ${entry.call}${showArguments(entry.args)}${outcome === "" ? "" : ` = ${outcome}`}`,
    `       ${entry.source}`,
  ];
}

function resultText(result: unknown): string {
  if (result === undefined || result === null || result === "") return "";
  return typeof result === "string" ? result : JSON.stringify(result);
}
