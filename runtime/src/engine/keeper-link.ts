/**
 * Keeper link: the engine listens to its keeper, and survives the loss of it.
 *
 * A keeper that dies takes its containers with it: each asked the kernel for SIGKILL at the death
 * of its parent. So the loss leaves no unknown state: what ran has ended with 137, its cgroup is
 * swept, and another keeper takes over what is started from then on.
 *
 * Kernel interface: prctl(2) PR_SET_PDEATHSIG.
 * Specification: none.
 * Invariants: none of its own; `runtime/test` kills keepers.
 * Left out: a program with set-user-id bits loses the death signal: the cgroup's sweep kills it.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { cleanUp, outcomeOf } from "./clean-up.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import { onExit, tellEnd } from "./exit.ts";
import { markLost } from "./recover.ts";
import { removeEnded } from "./remove.ts";
import { resumeRestart } from "./restart.ts";

/** Listens to the present keeper; a lost one is replaced. */
export function listenToKeeper(engine: EngineContext): void {
  const keeper = engine.keeper.current;
  keeper.onExit((record) => onExit(engine, record));
  keeper.onLost(() => {
    if (engine.keeper.current === keeper) engine.keeper.ready = replaceKeeper(engine);
  });
}

async function replaceKeeper(engine: EngineContext): Promise<void> {
  notice(engine, "The keeper is gone", "its containers were killed with it");
  const lost = markLost(engine);
  for (const container of lost) container.cleaned = endLost(engine, container);
  try {
    engine.keeper.current = await engine.options.connectKeeper();
    listenToKeeper(engine);
  } catch (error) {
    notice(engine, "Cannot start another keeper", error);
  }
}

async function endLost(engine: EngineContext, container: Container): Promise<void> {
  container.stopHealth();
  tellEnd(engine, container);
  await cleanUp(engine, container);
  container.release(["not-running", "next-exit"], outcomeOf(container));
  if (container.definition.hostConfig.AutoRemove) void removeEnded(engine, container);
  else resumeRestart(engine, container);
}
