/**
 * Choice: who walks a plan, the keeper itself or a starter.
 *
 * A plan that touches nothing but the engine's own files and the kernel's is through in two
 * milliseconds, and the keeper walks it: a second process on the way would cost each start some
 * tenths of one. A plan that mounts what somebody chose may wait for a server for ever; those go to
 * the starters, of which there is none before the first such plan.
 *
 * @module
 */

import type { Birth, InitPlan, LocalStarter, StartRequest, Starter } from "../container/index.ts";
import type { Starters } from "./starters.ts";

/** Where nothing is served from elsewhere, besides the engine's root. */
const OF_THE_KERNEL: readonly string[] = ["/dev/", "/proc/", "/sys/"];

/** What is needed to choose. */
export interface Choice {
  /** The engine's directory. */
  readonly root: string;
  readonly here: LocalStarter;
  /** Makes the starters; called at most once. */
  readonly launch: () => Starters;
}

/** A starter that lets go of its processes. */
export type ClosableStarter = Starter & { close(): void };

/** See the head of this file. */
export function createChoice({ root, here, launch }: Choice): ClosableStarter {
  let starters: Starters | undefined;
  const chosen = ({ plan }: StartRequest): Starter => {
    if (!mountsWhatSomebodyChose(plan, root)) return here;
    starters ??= launch();
    return starters;
  };
  return {
    start: (request): Birth | Promise<Birth> => chosen(request).start(request),
    settled: async () => starters?.settled(),
    close: () => starters?.close(),
  };
}

function mountsWhatSomebodyChose(plan: InitPlan, root: string): boolean {
  const known = [`${root}/`, ...OF_THE_KERNEL];
  return plan.some((step) => {
    return step.op === "bind" && !known.some((place) => step.source.startsWith(place));
  });
}
