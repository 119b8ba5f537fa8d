/**
 * Plan report: the steps that would make a container, before any is taken, or a script that takes
 * them.
 *
 * Kernel interface: as named by each step.
 * Specification: none; POST /drydock/plan, /drydock/script.
 * Invariants: none.
 * Left out: nothing.
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

interface Script {
  readonly script: string;
  readonly warnings?: readonly string[] | null;
}

/**
 * Asks for the plan of a container, or for the script, and prints it.
 *
 * @param flags "json" or "format" ask for the daemon's answer instead of text, "as-shell" for the
 * script
 * @returns the exit code
 */
export async function printPlan(context: Context, flags: Flags, body: CreateBody): Promise<number> {
  const { console } = context;
  if (flags.bool("as-shell")) return printScript(context, body);
  const format = flags.bool("json") ? "json" : flags.text("format");
  if (format !== "" && format !== "json") {
    throw new Failure({
      message: `unknown format for --plan: ${format}`,
      exitCode: 125,
      hint: "It may be 'json'.",
    });
  }
  const plan = await askDaemon<Plan>(context, "/drydock/plan", body);
  warn(context, plan);
  console.out.write(
    format === "json" ? `${JSON.stringify(plan)}\n` : planText(plan.steps, console.size()?.columns),
  );
  return 0;
}

async function printScript(context: Context, body: CreateBody): Promise<number> {
  const plan = await askDaemon<Script>(context, "/drydock/script", body);
  warn(context, plan);
  context.console.out.write(plan.script);
  return 0;
}

function warn({ console }: Context, { warnings }: Pick<Plan, "warnings">): void {
  for (const warning of warnings ?? []) console.err.write(`WARNING: ${warning}\n`);
}

/** A plan needs no daemon; one that answers knows its images and containers better. */
async function askDaemon<Answer>(
  { api, console, program }: Context,
  path: string,
  body: CreateBody,
): Promise<Answer> {
  try {
    return await api.json<Answer>({ method: "POST", path, body });
  } catch (thrown) {
    const isOther = thrown instanceof ApiError && thrown.status === 404 && isUnknownPage(thrown);
    const isAway = thrown instanceof Failure && thrown.cause instanceof ConnectionError;
    if (!(isOther || isAway) || program.planAlone === undefined) throw thrown;
    console.err.write(`No drydock daemon answers at ${api.host}: planned without it.\n`);
    return planAlone<Answer>(await program.planAlone(path, body));
  }
}

function isUnknownPage({ reason }: ApiError): boolean {
  return reason.startsWith("page not found");
}

async function planAlone<Answer>(answer: Response): Promise<Answer> {
  const text = await answer.text();
  // The route's own shapes.
  if (answer.ok) return JSON.parse(text) as Answer;
  const { message } = JSON.parse(text) as { message: string };
  throw new ApiError({ status: answer.status, reason: message, hint: undefined });
}

/** As `explain` will tell it. */
function planText(steps: readonly Step[], columns: number | undefined): string {
  const story = steps.map(({ n, why, ...step }) => ({ ...step, number: n, purpose: why }));
  const inside = steps.filter((step) => step.where === "init").length;
  const total = `${steps.length} steps: ${steps.length - inside} in the engine, ${inside} in the new process. None was taken.`;
  return `${storyText(sectionsOf(story), "concept", columns)}\n${total}\n`;
}
