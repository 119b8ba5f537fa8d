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
import { ApiError, pathPart, type Api } from "../api.ts";
import { askNamed } from "../ambiguous.ts";
import type { Command, Context, Input } from "../command.ts";
import { shellLine } from "../../wire/index.ts";
import { conceptOf, pageOf } from "../step-text.ts";
import { countAndTime, sectionsOf, storyText, type Section, type Step } from "../story.ts";

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
  const order = flags.bool("time") ? "time" : "concept";
  const sections = sectionsOf(steps);
  const story = storyText(sections, order, console.size()?.columns);
  const image = await imageOf(api, found);
  console.out.write(
    [
      story,
      ...untoldOf(found, sections),
      totalOf(steps),
      namespacesOf(found),
      commandOf(found, image),
      ownLayer(found),
    ].join("\n"),
  );
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
  return `${countAndTime(steps)} in all; the kernel refused ${refused}.`;
}

/** It runs, so somebody made its process: whoever did has not told of it. */
function untoldOf({ State }: Inspected, sections: readonly Section[]): readonly string[] {
  const run = sections.findLast(({ steps }) => steps[0]?.exec === undefined);
  if (!State.Running || run?.steps.some(({ call }) => call === "spawn") === true) return [];
  return [
    "What init did in this run is not known: another start that hangs keeps who could tell, so try " +
      "again in a minute; or the daemon was killed before it had asked.\n",
  ];
}

/** What inspect tells of it. */
interface Inspected {
  readonly State: { readonly Running: boolean };
  readonly Image: string;
  readonly Path: string;
  readonly Args: readonly string[];
  readonly Config: Pick<ImageConfig, "Entrypoint">;
  /** As text where they say whose namespaces it has. */
  readonly HostConfig: Readonly<Partial<Record<Setting, string>>>;
  readonly GraphDriver?: { readonly Data?: { readonly UpperDir?: string } | null };
}

interface ImageConfig {
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
}

/** Which setting says whose namespace of a kind it has, and what it says where it has its own. */
const KINDS = [
  ["pid", "PidMode", ""],
  ["mnt", "", ""],
  ["net", "NetworkMode", ""],
  ["ipc", "IpcMode", ""],
  ["uts", "UTSMode", ""],
  ["cgroup", "CgroupnsMode", ""],
  ["user", "UsernsMode", "host"],
  ["time", "", "host"],
] as const;

type Setting = Exclude<(typeof KINDS)[number][1], "">;

/** Six kinds, people say. There are eight, and a container has most but not all for itself. */
function namespacesOf({ HostConfig }: Inspected): string {
  const owners = KINDS.map(([kind, setting, usual]) => {
    const said = (setting === "" ? "" : HostConfig[setting]) || usual;
    const isShared = said === "host" || said.startsWith("container:");
    return { kind, owner: isShared ? said.replace("host", "this machine") : "its own" };
  });
  const all = [...new Set(owners.map(({ owner }) => owner))].map((owner) => {
    const kinds = owners.filter((each) => each.owner === owner).map(({ kind }) => kind);
    return owner === "its own"
      ? `of its own: ${kinds.join(", ")}`
      : `of ${owner}: ${kinds.join(", ")}`;
  });
  return `Namespaces ${all.join("; ")} (docs/concepts/namespaces.md).`;
}

/** null: it is gone. */
async function imageOf(api: Api, { Image }: Inspected): Promise<ImageConfig | null> {
  try {
    const path = `/images/${pathPart(Image)}/json`;
    const image = await api.json<{ readonly Config: ImageConfig }>({ method: "GET", path });
    return image.Config;
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 404) return null;
    throw thrown;
  }
}

/** Where the command comes from: what people type replaces CMD, and follows ENTRYPOINT. */
function commandOf({ Path, Args, Config }: Inspected, image: ImageConfig | null): string {
  const words = [Path, ...Args];
  return `Its command: ${shellLine(words)}${image === null ? "." : originOf(words, Config, image)}`;
}

function originOf(
  words: readonly string[],
  { Entrypoint }: Inspected["Config"],
  image: ImageConfig,
): string {
  const entry = image.Entrypoint ?? [];
  const own = [...entry, ...(image.Cmd ?? [])];
  if (isSame(words, own)) return ", from its image.";
  if (entry.length > 0 && isSame(Entrypoint ?? [], entry)) {
    return ": the image's ENTRYPOINT, then what was asked for.";
  }
  const otherwise = own.length === 0 ? "it has none itself" : `by itself it runs ${shellLine(own)}`;
  return `, as asked for in place of the image's: ${otherwise}.`;
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((word, at) => word === right[at]);
}

/** "Containers are immutable", people say. The image is; the container is not. */
function ownLayer({ GraphDriver }: Inspected): string {
  const directory = GraphDriver?.Data?.UpperDir;
  if (directory === undefined) return "";
  return `What it changed lies in its own layer, ${directory}; its image is as it was.\n`;
}
