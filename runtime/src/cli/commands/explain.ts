/**
 * Command explain: every step that was taken for a container, and for what was executed in it.
 *
 * Kernel interface: as named by each step.
 * Specification: none; GET /drydock/containers/NAME/journal.
 * Invariants: none.
 * Left out: other objects than containers.
 * Docs: docs/concepts/explain.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { askNamed } from "../ambiguous.ts";
import type { Command, Context, Input } from "../command.ts";
import { conceptOf, pageOf } from "../step-text.ts";
import { countAndTime, sectionsOf, storyText, type Step } from "../story.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  flags: [
    { name: "time", kind: "bool", help: "In the order of time, not by concept" },
    { name: "json", kind: "bool", help: "The steps as data" },
  ],
  arity: [1, 1],
  interspersed: true,
  about:
    "Each mount, clone flag, cgroup write, signal and credential change, with its result, its time, the " +
    "line of source that did it, and the page that explains it; what exec did stands apart. The writable " +
    "layer is the container's own: what changes there never changes the image.",
  concepts: ["container", "namespaces", "cgroups", "layers", "capabilities", "seccomp"],
  completes: "containers",
  run,
};

/** A step as the daemon tells it. */
type Entry = Omit<Step, "number" | "purpose">;

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const name = pathPart(args[0] ?? "");
  const ask = <Answer>(path: string): Promise<Answer> =>
    askNamed<Answer>(api, { method: "GET", path });
  const entries = await ask<readonly Entry[]>(`/drydock/containers/${name}/journal`);
  const steps = entries.map((entry, at) => ({
    ...entry,
    number: at + 1,
    purpose: entry.operation,
  }));
  if (flags.bool("json")) {
    console.out.write(`${JSON.stringify(asData(steps))}\n`);
    return 0;
  }
  const found = await ask<Inspected>(`/containers/${name}/json`);
  const story = storyText(sectionsOf(steps), flags.bool("time") ? "time" : "concept");
  console.out.write(`${story}\n${totalOf(steps)}${ownLayer(found)}`);
  return 0;
}

/** Each step with its section, its concept and the page that explains it. */
function asData(steps: readonly Step[]): readonly object[] {
  return sectionsOf(steps)
    .flatMap(({ title, steps: mine }) => mine.map((step) => ({ ...step, section: title })))
    .toSorted((left, right) => left.number - right.number)
    .map((step) => {
      const concept = conceptOf(step);
      return { ...step, purpose: undefined, concept, page: pageOf({ ...step, concept }) };
    });
}

function totalOf(steps: readonly Step[]): string {
  const refused = steps.filter(({ errno }) => errno !== undefined).length;
  return `${countAndTime(steps)} in all; the kernel refused ${refused}.\n`;
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
