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
import { ApiError } from "./api.ts";
import type { Context } from "./command.ts";
import { Failure } from "./failure.ts";
import type { Flags } from "./grammar.ts";
import type { CreateBody } from "./options/create-body.ts";
import { ConnectionError } from "./transport.ts";
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
 * @param flags "json" or "format" ask for the daemon's answer instead of text
 * @returns the exit code
 */
export async function printPlan(context: Context, flags: Flags, body: CreateBody): Promise<number> {
  const { console } = context;
  const format = flags.bool("json") ? "json" : flags.text("format");
  if (format !== "" && format !== "json") {
    throw new Failure({
      message: `unknown format for --plan: ${format}`,
      exitCode: 125,
      hint: "It may be 'json'.",
    });
  }
  const plan = await askDaemon(context, body);
  for (const warning of plan.warnings ?? []) console.err.write(`WARNING: ${warning}\n`);
  console.out.write(format === "json" ? `${JSON.stringify(plan)}\n` : planText(plan.steps));
  return 0;
}

/** A plan needs no daemon; one that answers knows its images and containers better. */
async function askDaemon({ api, console, program }: Context, body: CreateBody): Promise<Plan> {
  try {
    return await api.json<Plan>({ method: "POST", path: "/drydock/plan", body });
  } catch (thrown) {
    const isOther = thrown instanceof ApiError && thrown.status === 404 && isUnknownPage(thrown);
    const isAway = thrown instanceof Failure && thrown.cause instanceof ConnectionError;
    if (!(isOther || isAway) || program.planAlone === undefined) throw thrown;
    console.err.write(`No drydock daemon answers at ${api.host}: planned without it.\n`);
    return planAlone(await program.planAlone(body));
  }
}

function isUnknownPage({ reason }: ApiError): boolean {
  return reason.startsWith("page not found");
}

async function planAlone(answer: Response): Promise<Plan> {
  const text = await answer.text();
  // The route's own shapes.
  if (answer.ok) return JSON.parse(text) as Plan;
  const { message } = JSON.parse(text) as { message: string };
  throw new ApiError({ status: answer.status, reason: message, hint: undefined });
}

/** As `explain` will tell it. */
function planText(steps: readonly Step[]): string {
  const story = steps.map(({ n, why, ...step }) => ({ ...step, number: n, purpose: why }));
  const inside = steps.filter((step) => step.where === "init").length;
  const total = `${steps.length} steps: ${steps.length - inside} in the engine, ${inside} in the new process. None was taken.`;
  return `${storyText(sectionsOf(story), "concept")}\n${total}\n`;
}
