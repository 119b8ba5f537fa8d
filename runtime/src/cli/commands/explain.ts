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
import { pageOf, shortenIds, showCall, showMicroseconds } from "../step-text.ts";

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
  concepts: ["container", "namespaces", "cgroups", "layers", "capabilities", "seccomp"],
  completes: "containers",
  run,
};

interface Entry {
  readonly where: "engine" | "init";
  /** Absent for what no plan asked for; the source then tells whose work it is. */
  readonly concept?: string;
  readonly operation?: string;
  readonly call: string;
  readonly args: unknown;
  readonly result?: unknown;
  readonly errno?: string;
  readonly durationUs: number;
  readonly source?: string;
}

/** An entry with its place among all. */
type Numbered = Entry & { readonly number: number };

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const name = pathPart(args[0] ?? "");
  const ask = <Answer>(path: string): Promise<Answer> =>
    api.json<Answer>({ method: "GET", path }).catch(async (thrown: unknown) => {
      throw await withCandidates(api, thrown);
    });
  const entries = await ask<readonly Entry[]>(`/drydock/containers/${name}/journal`);
  if (flags.bool("json")) {
    console.out.write(`${JSON.stringify(entries)}\n`);
    return 0;
  }
  const found = await ask<Inspected>(`/containers/${name}/json`);
  console.out.write(explanation(entries) + ownLayer(found));
  return 0;
}

/** What inspect tells of the layers. */
interface Inspected {
  readonly GraphDriver?: { readonly Data?: { readonly UpperDir?: string } | null };
}

/** "Containers are immutable", people say. The image is; the container is not. */
function ownLayer({ GraphDriver }: Inspected): string {
  const directory = GraphDriver?.Data?.UpperDir;
  if (directory === undefined) return "";
  return `What it changed lies in its own layer, ${directory}; its image is as it was.\n`;
}

/** Entries by concept, in the order in which each concept first acted. */
function explanation(entries: readonly Entry[]): string {
  const concepts = new Map<string, Numbered[]>();
  for (const [index, entry] of entries.entries()) {
    const concept = conceptOf(entry);
    const mine = concepts.get(concept) ?? [];
    mine.push({ ...entry, number: index + 1 });
    concepts.set(concept, mine);
  }
  const blocks = [...concepts].map(([concept, mine]) => conceptText(concept, mine));
  const refused = entries.filter((entry) => entry.errno !== undefined).length;
  const total = `${count(entries.length)}, ${timeOf(entries)} in all; the kernel refused ${refused}.`;
  return `${[...blocks, total].join("\n\n")}\n`;
}

function conceptOf({ concept, source = "" }: Entry): string {
  return concept ?? /\bsrc\/([a-z-]+)\//.exec(source)?.[1] ?? "engine";
}

function conceptText(concept: string, entries: readonly Numbered[]): string {
  const head = `${concept}: ${count(entries.length)}, ${timeOf(entries)}${pageOf(concept)}`;
  let operation: string | undefined = "";
  const lines = entries.flatMap((entry) => {
    const changed = entry.operation !== operation;
    operation = entry.operation;
    const title = operation === undefined || !changed ? [] : [`  ${shortenIds(operation)}`];
    return [...title, entryText(entry)];
  });
  return [head, ...lines].join("\n");
}

function entryText(entry: Numbered): string {
  const { number, where, call, args, errno, result, source } = entry;
  const time = showMicroseconds(entry.durationUs).padStart(8);
  const answer = errno ?? (result === undefined ? "" : JSON.stringify(result));
  const shown = `${showCall(call, args)}${answer === "" ? "" : ` = ${answer}`}`;
  const place = source === undefined ? "" : `  [${source}]`;
  return `  ${String(number).padStart(4)} ${where.padEnd(6)} ${time}  ${shown}${place}`;
}

function count(steps: number): string {
  return `${steps} step${steps === 1 ? "" : "s"}`;
}

function timeOf(entries: readonly Entry[]): string {
  return showMicroseconds(entries.reduce((sum, entry) => sum + entry.durationUs, 0));
}
