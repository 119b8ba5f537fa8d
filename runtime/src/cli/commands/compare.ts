/**
 * Command compare: two containers side by side, or one beside the host.
 *
 * Kernel interface: none; the daemon looks.
 * Specification: none; GET /drydock/containers/NAME/view.
 * Invariants: none.
 * Left out: containers that do not run: they have a configuration, but no namespaces.
 * Docs: docs/concepts/compare.md
 *
 * @module
 */
import { askNamed } from "../ambiguous.ts";
import { pathPart, type Api } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { compareTables, type Comparison, type Table } from "../comparison.ts";
import { shortenIds } from "../step-text.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER]",
  flags: [
    { name: "all", short: "a", kind: "bool", help: "Also list what is the same" },
    { name: "json", kind: "bool", help: "The comparison as data" },
  ],
  arity: [1, 2],
  interspersed: true,
  about:
    "Which namespaces they share and which each has of its own; where their mounts, cgroup values, " +
    "capabilities, users, limits and environment differ. With one container: beside the host.",
  concepts: ["compare", "namespaces", "cgroups", "capabilities"],
  completes: "running-containers",
  run,
};

/** The sections, and the page that explains each. */
const SECTIONS = {
  namespaces: "namespaces",
  mounts: "layers",
  cgroup: "cgroups",
  capabilities: "capabilities",
  process: "users",
  environment: "container",
} as const;

type Section = keyof typeof SECTIONS;

type View = { readonly name: string } & { readonly [Name in Section]?: Table };

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const [first = "", second] = args;
  const left = await viewOf(api, first);
  const right = await viewOf(api, second);
  const compared = sectionsOf(left, right);
  if (flags.bool("json")) {
    const sections = Object.fromEntries(compared);
    console.out.write(`${JSON.stringify({ left: left.name, right: right.name, ...sections })}\n`);
    return 0;
  }
  const names: readonly [string, string] = [left.name, right.name];
  const text = compared.map(([name, parts]) => sectionText(name, parts, names, flags.bool("all")));
  console.out.write(text.join("\n"));
  return 0;
}

function viewOf(api: Api, name: string | undefined): Promise<View> {
  const path =
    name === undefined ? "/drydock/host/view" : `/drydock/containers/${pathPart(name)}/view`;
  return askNamed<View>(api, { method: "GET", path });
}

/** What both sides tell of. */
function sectionsOf(left: View, right: View): readonly (readonly [Section, Comparison])[] {
  // The keys are the sections.
  const names = Object.keys(SECTIONS) as Section[];
  return names.flatMap((name) => {
    const [one, other] = [left[name], right[name]];
    if (one === undefined || other === undefined) return [];
    return [[name, compareTables(one, other)] as const];
  });
}

function sectionText(
  section: Section,
  { same, different, onlyLeft, onlyRight }: Comparison,
  [left, right]: readonly [string, string],
  showsSame: boolean,
): string {
  const shared = Object.keys(same).length;
  const apart = [different, onlyLeft, onlyRight].flatMap(Object.keys).length;
  const page = `docs/concepts/${SECTIONS[section]}.md`;
  const head = `== ${section}: ${apart} apart, ${shared} the same (${page}) ==`;
  const width = Math.max(left.length, right.length);
  const lines = [
    ...Object.entries(different).flatMap(([name, [one, other]]) => [
      `  ${name}`,
      `    ${left.padEnd(width)}  ${cut(one)}`,
      `    ${right.padEnd(width)}  ${cut(other)}`,
    ]),
    ...Object.entries(onlyLeft).map(([name, value]) => `  only ${left}: ${name}  ${cut(value)}`),
    ...Object.entries(onlyRight).map(([name, value]) => `  only ${right}: ${name}  ${cut(value)}`),
    ...(showsSame
      ? Object.entries(same).map(([name, value]) => `  both: ${name}  ${cut(value)}`)
      : []),
  ];
  const shows = section === "namespaces" && !showsSame && shared > 0;
  const sharedNames = shows ? [`  shared: ${Object.keys(same).join(" ")}`] : [];
  return `${[head, ...sharedNames, ...lines].join("\n")}\n`;
}

const LONGEST = 120;

function cut(text: string): string {
  const short = shortenIds(text);
  return short.length > LONGEST ? `${short.slice(0, LONGEST)}…` : short;
}
