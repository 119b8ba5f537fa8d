/**
 * Scenario: something that a person or a program does with containers, and what must come of it.
 *
 * @module
 */

/** What a client found out about one scenario. */
export interface Outcome {
  readonly name: string;
  readonly result: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly why?: string;
}

/** What is to be run. */
export interface ClientRun {
  /** DOCKER_HOST for it. */
  readonly host: string;
  readonly env: NodeJS.ProcessEnv;
  /** Only the scenarios of `npm test`. */
  readonly quick: boolean;
}

/** A program by other people, and how it is put to the test. */
export interface Client {
  readonly name: string;
  /** Its version, or why it cannot run here. */
  readonly look: () => Promise<{ readonly version: string } | { readonly missing: string }>;
  readonly run: (wish: ClientRun) => Promise<readonly Outcome[]>;
}

/** How long a scenario may take, in ticks: a machine that stands still does not tick. */
const TICK_MS = 500;
const SCENARIO_TICKS = 120;

/** Runs one scenario after the other; one that throws has failed. */
export async function runAll<S extends { readonly name: string }>(
  scenarios: readonly S[],
  carryOut: (scenario: S) => Promise<void>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const scenario of scenarios) {
    const { name } = scenario;
    const timer = new AbortController();
    try {
      await Promise.race([carryOut(scenario), late(timer.signal)]);
      outcomes.push({ name, result: "passed" });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      outcomes.push({ name, result: "failed", why });
    } finally {
      timer.abort();
    }
  }
  return outcomes;
}

function late(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
      if (ticks === SCENARIO_TICKS) reject(new Error("took too long"));
    }, TICK_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  });
}
