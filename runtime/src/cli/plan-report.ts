/**
 * Plan report: the steps that would make a container, before any is taken.
 *
 * Kernel interface: as named by each step.
 * Specification: none; POST /drydock/plan.
 * Invariants: none.
 * Left out: a script that does the same by hand.
 * Docs: docs/concepts/explain.md
 *
 * @module
 */
import type { Context } from "./command.ts";
import { Failure } from "./failure.ts";
import type { CreateBody } from "./options/create-body.ts";
import { sectionsOf, storyText } from "./story.ts";

interface Step {
  readonly n: number;
  /** "engine" before the process exists, "init" inside it. */
  readonly where: string;
  readonly concept: string;
  readonly operation: string;
  readonly call: string;
  readonly args: unknown;
  readonly why: string;
  readonly source: string;
}

interface Plan {
  readonly steps: readonly Step[];
  readonly warnings?: readonly string[] | null;
}

/**
 * Asks for the plan of a container and prints it.
 *
 * @param format "" for text, "json" for the daemon's answer
 * @returns the exit code
 */
export async function printPlan(
  { api, console }: Context,
  body: CreateBody,
  format: string,
): Promise<number> {
  if (format !== "" && format !== "json") {
    throw new Failure({
      message: `unknown format for --plan: ${format}`,
      exitCode: 125,
      hint: "It may be 'json'.",
    });
  }
  const plan = await api.json<Plan>({ method: "POST", path: "/drydock/plan", body });
  for (const warning of plan.warnings ?? []) console.err.write(`WARNING: ${warning}\n`);
  console.out.write(format === "json" ? `${JSON.stringify(plan)}\n` : planText(plan.steps));
  return 0;
}

/** As `explain` will tell it. */
function planText(steps: readonly Step[]): string {
  const story = steps.map(({ n, why, ...step }) => ({ ...step, number: n, purpose: why }));
  const inside = steps.filter((step) => step.where === "init").length;
  const total = `${steps.length} steps: ${steps.length - inside} in the engine, ${inside} in the new process. None was taken.`;
  return `${storyText(sectionsOf(story), "concept")}\n${total}\n`;
}
