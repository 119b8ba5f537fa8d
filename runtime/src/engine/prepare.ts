/**
 * Prepare: the plan of a container's first start, made while its client is on its way.
 *
 * After its answer to create, a client takes some milliseconds to ask for the start. In these the
 * plan is made, with a kernel that answers nothing: a plan that comes about so depends on nothing
 * but the definition, and is the one that the start would make. All others are left to the start,
 * which looks at the machine as it then is.
 *
 * Kernel interface: none.
 * Specification: none.
 * Invariants: none.
 * Left out: later starts of the same container.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { planContainer } from "../container/index.ts";
import type { ContainerPlan } from "../container/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Container, Prepared } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { readPlanInput } from "./plan-facts.ts";
import type { Definition } from "./record.ts";

/** The answer goes out first. */
const DELAY_MS = 1;
/** A container that is not started by then is not about to be; its plan takes memory. */
const KEPT_MS = 1000;

/** Makes the plan in a moment, unless the start comes first. */
export function prepareSoon(engine: EngineContext, container: Container): void {
  const { kernel } = engine;
  container.unprepare = kernel.after(DELAY_MS, () => {
    container.prepared = tryToPlan(engine, container.definition);
    container.unprepare = kernel.after(KEPT_MS, () => (container.prepared = null));
  });
}

/** The plan of a start: the one that was prepared, or made now. */
export function planStart(
  engine: EngineContext,
  kernel: Kernel,
  container: Container,
): ContainerPlan {
  const { definition, prepared } = container;
  container.unprepare();
  container.prepared = null;
  if (prepared?.definition === definition) return prepared.plan;
  return planContainer(readPlanInput(engine, kernel, definition));
}

function tryToPlan(engine: EngineContext, definition: Definition): Prepared | null {
  try {
    const input = readPlanInput(engine, SILENT, definition);
    // Another container may have ended by then, or run as another process.
    const isAlone = Object.keys(input.joins).length === 0;
    return isAlone ? { definition, plan: planContainer(input) } : null;
  } catch {
    // It needs to know more, or cannot be started at all: the start will tell.
    return null;
  }
}

function refuse(): never {
  throw new Error("not before the start");
}

/** A kernel that answers nothing. */
const SILENT = new Proxy({}, { get: () => refuse }) as Kernel;
