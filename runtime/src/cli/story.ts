/**
 * Story: the steps of a container, as people read them.
 *
 * A container is made once, runs once or several times, and commands are executed in it: each of
 * these is a section. In a section the steps stand by concept, or in the order of time. The same
 * layout serves what was done (`explain`) and what would be done (`run --plan`).
 *
 * Kernel interface: as named by each step.
 * Specification: none.
 * Invariants:
 *   story-tells-all   every step stands in exactly one section, and there in exactly one place
 *   story-fits-the-terminal   no line is longer than the terminal is wide, and nothing is left out
 * Left out: nothing.
 * Docs: docs/concepts/explain.md
 *
 * @module
 */
import { conceptOf, pageOf, shortenIds, showCall, showMicroseconds } from "./step-text.ts";

/** One step, taken or planned. */
export interface Step {
  /** Its place among all. */
  readonly number: number;
  /** Which process: "engine", "keeper", "init". */
  readonly where: string;
  /** Absent for what no plan asked for; the source then tells whose work it is. */
  readonly concept?: string | undefined;
  /** What for, in words. */
  readonly purpose?: string | undefined;
  /** Which of the engine's works it belongs to: "create container", "start container", …. */
  readonly operation?: string | undefined;
  readonly call: string;
  readonly args: unknown;
  readonly result?: unknown;
  readonly errno?: string | undefined;
  /** Absent: it was not taken. */
  readonly durationUs?: number | undefined;
  readonly source?: string | undefined;
  readonly exec?: Exec | undefined;
}

/** A command that was executed in a container. */
export interface Exec {
  readonly id: string;
  readonly command: readonly string[];
  readonly exitCode: number | null;
}

/** Steps that belong together. */
export interface Section {
  readonly title: string;
  readonly steps: readonly Step[];
}

/** How the steps of a section stand. */
export type StoryOrder = "concept" | "time";

/**
 * The sections of a story: creation, each run, each exec. Pure.
 *
 * A run begins with the first step of a start after the process of the run before was made, or
 * with what was prepared for it; what was prepared for no start belongs to the creation.
 *
 * @param steps in the order of time
 */
export function sectionsOf(steps: readonly Step[]): readonly Section[] {
  let run = 0;
  let hasProcess = true;
  const lastStart = steps.findLast(isOf(START))?.number ?? 0;
  const sectionOf = (step: Step): string => {
    if (step.exec !== undefined) return execTitle(step.exec);
    const starts = isOf(START)(step) || (isOf(PREPARATION)(step) && step.number < lastStart);
    if (hasProcess && starts) {
      run += 1;
      hasProcess = false;
    }
    hasProcess ||= step.call === "spawn";
    return titleOf(run);
  };
  return groupsOf(steps, sectionOf).map(([title, mine]) => ({ title, steps: mine }));
}

/** Steps by a name that each is given, in the order of first naming; all are asked in order. */
function groupsOf(
  steps: readonly Step[],
  nameOf: (step: Step) => string,
): readonly (readonly [name: string, steps: readonly Step[]])[] {
  const found = new Map<string, Step[]>();
  for (const step of steps) {
    const name = nameOf(step);
    const mine = found.get(name);
    if (mine === undefined) found.set(name, [step]);
    else mine.push(step);
  }
  return [...found];
}

const START = "start container";
const PREPARATION = "prepare container";

function isOf(work: string): (step: Step) => boolean {
  return ({ where, operation }) => where === "engine" && operation === work;
}

function titleOf(run: number): string {
  if (run === 0) return "Created";
  return run === 1 ? "Run" : `Run ${run}`;
}

function execTitle({ id, command, exitCode }: Exec): string {
  const end = exitCode === null ? "" : `, exit code ${exitCode}`;
  return `Exec ${id.slice(0, 12)}: ${command.join(" ")}${end}`;
}

/**
 * The sections as text.
 *
 * @param columns of the terminal, if it is one: what does not fit goes on below, further in
 */
export function storyText(
  sections: readonly Section[],
  order: StoryOrder,
  columns = Number.POSITIVE_INFINITY,
): string {
  return sections
    .map(({ title, steps }) => {
      const head = `== ${title}: ${countAndTime(steps)} ==`;
      const body = order === "time" ? linesOf(steps) : byConcept(steps);
      const lines = [head, ...body].flatMap((line) => fitted(line, columns));
      return `${lines.join("\n")}\n`;
    })
    .join("\n");
}

/** Where lines go on: below the call, clear of the numbers. */
const INDENT = " ".repeat(8);
const NARROWEST = 40;

/** A line in pieces that fit: the source on a line of its own, the rest broken behind a sign. */
function fitted(line: string, columns: number): readonly string[] {
  const width = Math.max(NARROWEST, columns);
  if (line.length <= width) return [line];
  const [, text = line, source = ""] = /^(.*?)(?:  (\[[^\]]+\]))?$/s.exec(line) ?? [];
  return [...broken(text, width), ...(source === "" ? [] : broken(INDENT + source, width))];
}

function broken(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const at = breakBefore(rest, width);
    lines.push(rest.slice(0, at).trimEnd());
    rest = INDENT + rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

/** The last place behind a space, a comma or a slash that is not in the indentation. */
function breakBefore(text: string, width: number): number {
  const found = Math.max(...[" ", ",", "/"].map((sign) => text.lastIndexOf(sign, width - 1)));
  return found > width / 2 ? found + 1 : width;
}

/** By concept, in the order in which each first acted. */
function byConcept(steps: readonly Step[]): readonly string[] {
  return groupsOf(steps, conceptOf).flatMap(([concept, mine]) => {
    const page = pageOf({ concept });
    const where = page === undefined ? "" : ` (${page})`;
    return ["", `${concept}: ${countAndTime(mine)}${where}`, ...linesOf(mine)];
  });
}

/** Each step, below what it is for. */
function linesOf(steps: readonly Step[]): readonly string[] {
  let before: string | undefined = "";
  return steps.flatMap((step) => {
    const { purpose } = step;
    const isNew = purpose !== undefined && purpose !== before;
    before = purpose;
    return [...(isNew ? [`  ${shortenIds(purpose)}`] : []), stepText(step)];
  });
}

function stepText(step: Step): string {
  const { number, where, call, args, errno, result, source, durationUs } = step;
  const time = durationUs === undefined ? "" : ` ${showMicroseconds(durationUs).padStart(8)}`;
  const answer = errno ?? (result === undefined ? "" : JSON.stringify(result));
  const shown = `${showCall(call, args)}${answer === "" ? "" : ` = ${answer}`}`;
  const place = source === undefined ? "" : `  [${source}]`;
  return `  ${String(number).padStart(4)} ${where.padEnd(6)}${time}  ${shown}${place}`;
}

/** @example countAndTime([]) // "0 steps" */
export function countAndTime(steps: readonly Step[]): string {
  const count = `${steps.length} step${steps.length === 1 ? "" : "s"}`;
  const times = steps.flatMap(({ durationUs }) => (durationUs === undefined ? [] : [durationUs]));
  if (times.length === 0) return count;
  return `${count}, ${showMicroseconds(times.reduce((sum, time) => sum + time, 0))}`;
}
