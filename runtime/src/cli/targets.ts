/**
 * Targets: one act on several containers.
 *
 * All are acted on, at most fifty at a time; each success prints the name it was called by, in the
 * order given, and all failures are told at the end. One failure makes the exit code 1.
 *
 * Kernel interface: none.
 * Specification: docker/cli parallelOperation.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { withCandidates } from "./ambiguous.ts";
import type { Context } from "./command.ts";
import { failureText } from "./failure.ts";

const AT_ONCE = 50;

/** What became of one target. */
type Outcome = { readonly shown: string | null } | { readonly failure: unknown };

/**
 * Acts on each target.
 *
 * @param act returns what to print on success; null: nothing
 * @returns the exit code
 */
export async function forEachTarget(
  context: Context,
  targets: readonly string[],
  act: (target: string) => Promise<string | null>,
): Promise<number> {
  const tryOne = async (target: string): Promise<Outcome> => {
    try {
      return { shown: await act(target) };
    } catch (thrown) {
      return { failure: await withCandidates(context.api, thrown) };
    }
  };
  const failures: unknown[] = [];
  for (let at = 0; at < targets.length; at += AT_ONCE) {
    const outcomes = targets.slice(at, at + AT_ONCE).map(tryOne);
    for (const outcome of outcomes) {
      const known = await outcome;
      if ("failure" in known) failures.push(known.failure);
      else if (known.shown !== null) context.console.out.write(`${known.shown}\n`);
    }
  }
  for (const failure of failures) context.console.err.write(`${failureText(failure)}\n`);
  return failures.length === 0 ? 0 : 1;
}
