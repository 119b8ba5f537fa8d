/**
 * Help: a command explained from the same table that its flags are parsed with.
 *
 * Docker sorts flags by letter. We group them by what they act on, and name the page that explains
 * it, because a beginner looks for "memory", not for "m".
 *
 * Kernel interface: none.
 * Specification: docker CLI reference.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Catalog, CatalogEntry, Command } from "./command.ts";
import { Failure } from "./failure.ts";
import type { Concept, Flag } from "./grammar.ts";
import { GROUPS } from "./names.ts";
import { KINDS } from "./values.ts";

/** The heads of the groups of flags, in the order in which they are shown. */
const CONCEPTS: readonly (readonly [Concept | undefined, string, string | undefined])[] = [
  [undefined, "Options", undefined],
  ["process", "The process: what runs, and as whom", "container"],
  ["streams", "Streams: standard input and output, terminals, logs", "cli"],
  ["life-cycle", "Life cycle: names, restarts, the end", "container"],
  ["namespaces", "Namespaces: what the process can see", "namespaces"],
  ["cgroups", "Cgroups: how much the process may use", "cgroups"],
  ["security", "Security: what the process may ask of the kernel", "capabilities"],
  ["layers", "Layers: the root file system", "layers"],
  ["volumes", "Volumes: files from outside the layers", "volumes"],
  ["network", "Network: addresses, names, ports", undefined],
  ["images", "Images: where the first layers come from", "images"],
  ["output", "Output", undefined],
  ["elsewhere", "Elsewhere: what docker knows and this machine cannot", undefined],
];

const WIDTH = 100;

/** The usage line of a command, without "Usage:". */
export function usageLine(commandLine: string, command: Command): string {
  return `${commandLine} ${command.usage}`.trimEnd();
}

/**
 * The help of one command.
 *
 * @param commandLine the words that named it, with the program
 */
export function commandHelp(commandLine: string, entry: CatalogEntry, command: Command): string {
  const names = entry.names.map((name) => ["drydock", ...name].join(" "));
  const parts = [
    `Usage:  ${usageLine(commandLine, command)}`,
    entry.summary,
    ...(command.about === "" ? [] : [wrap(command.about, WIDTH).join("\n")]),
    ...(names.length > 1 ? [`Aliases:\n  ${names.join(", ")}`] : []),
    ...flagGroups(command.flags),
    ...pages(command.concepts),
  ];
  return `${parts.join("\n\n")}\n`;
}

function pages(concepts: readonly string[]): string[] {
  if (concepts.length === 0) return [];
  return [`Read more:\n${concepts.map((page) => `  docs/concepts/${page}.md`).join("\n")}`];
}

function flagGroups(flags: readonly Flag[]): string[] {
  const shown = flags.filter((flag) => flag.aliasOf === undefined);
  const column = Math.min(30, Math.max(0, ...shown.map((flag) => spelling(flag).length)) + 3);
  return CONCEPTS.flatMap(([concept, title, page]) => {
    const mine = shown.filter((flag) => flag.concept === concept);
    if (mine.length === 0) return [];
    const where = page === undefined ? "" : ` (docs/concepts/${page}.md)`;
    const lines = mine
      .toSorted((left, right) => (left.name < right.name ? -1 : 1))
      .flatMap((flag) => describe(flag, column));
    return [`${title}${where}:\n${lines.join("\n")}`];
  });
}

/** A flag as help shows it: "-m, --memory bytes". */
function spelling(flag: Flag): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const { label } = KINDS[flag.kind];
  return `  ${short}--${flag.name}${label === "" ? "" : ` ${label}`}`;
}

function describe(flag: Flag, column: number): string[] {
  const initial = flag.initial === undefined ? "" : ` (default ${JSON.stringify(flag.initial)})`;
  const text = wrap(flag.help + initial, WIDTH - column);
  const head = spelling(flag);
  const indent = " ".repeat(column);
  if (head.length + 2 > column) return [head, ...text.map((line) => indent + line)];
  return text.map((line, index) => (index === 0 ? head.padEnd(column) : indent) + line);
}

function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === "" ? word : `${line} ${word}`;
      }
    }
    return [...lines, line];
  });
}

/** The help of the program itself. */
export function programHelp(catalog: Catalog, flags: readonly Flag[]): string {
  const commands = catalog
    .filter((entry) => entry.names[0]?.length === 1)
    .map((entry): [string, string] => [entry.names[0]?.[0] ?? "", entry.summary]);
  const parts = [
    "Usage:  drydock [OPTIONS] COMMAND",
    "A container engine that you can see through",
    `Commands:\n${columns(commands)}`,
    `Groups, as in docker's long forms:\n${columns([...GROUPS])}`,
    ...flagGroups(flags),
    "Run 'drydock COMMAND --help' for more information on a command.",
  ];
  return `${parts.join("\n\n")}\n`;
}

/** The help of a group such as "container". */
export function groupHelp(catalog: Catalog, group: string): string {
  const commands = catalog.flatMap((entry) => {
    const name = entry.names.find((each) => each.length === 2 && each[0] === group);
    return name === undefined ? [] : [[name[1] ?? "", entry.summary] satisfies [string, string]];
  });
  const parts = [
    `Usage:  drydock ${group} COMMAND`,
    GROUPS.get(group) ?? "",
    `Commands:\n${columns(commands)}`,
    `Run 'drydock ${group} COMMAND --help' for more information on a command.`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 3;
  return rows.map(([name, text]) => `  ${name.padEnd(width)}${text}`).join("\n");
}

/**
 * Checks how many arguments a command was given.
 *
 * @throws Failure with exit code 1 and Docker's words
 */
export function checkArity(commandLine: string, command: Command, args: readonly string[]): void {
  const [least, most] = command.arity;
  if (args.length >= least && args.length <= most) return;
  throw new Failure({
    message: `drydock: '${commandLine}' ${arityText(least, most)}`,
    exitCode: 1,
    usage: usageLine(commandLine, command),
    seeAlso: `${commandLine} --help`,
  });
}

function arityText(least: number, most: number): string {
  const count = (number: number): string => `${number} argument${number === 1 ? "" : "s"}`;
  if (most === 0) return "accepts no arguments";
  if (least === most) return `requires ${count(least)}`;
  if (most === Number.POSITIVE_INFINITY) return `requires at least ${count(least)}`;
  if (least === 0) return `requires at most ${count(most)}`;
  return `requires at least ${least} and at most ${count(most)}`;
}
