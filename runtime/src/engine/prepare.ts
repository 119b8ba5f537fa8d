/**
 * Prepare: what a container's first start needs, made while its client is on its way.
 *
 * After its answer to create, a client takes some milliseconds to ask for the start. In these the
 * plan is made, with a kernel that answers nothing: a plan that comes about so depends on nothing
 * but the definition, and is the one that the start would make. All others are left to the start,
 * which looks at the machine as it then is. With the plan comes the cgroup, but for its last
 * directory: one that is whole tells the next engine that the start was begun.
 *
 * ```text
 * create ─▶ answer ─▶ plan, cgroup but for its last directory ─▶ start: that one, then init
 *                       └────────── no start within a second: the cgroup goes again
 * ```
 *
 * _In words:_ after the answer to create, the plan and all but the last directory of the cgroup are
 * made; a start makes that one and goes on with init; without a start within a second the cgroup is
 * removed.
 *
 * Kernel interface: mkdir(2) and write(2) of cgroups.
 * Specification: none.
 * Invariants:
 *   prepared-is-no-start   what is prepared goes when no start comes, gives way to an update, and
 *       is not taken for a start that was begun
 * Left out: later starts of the same container.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { applyCgroup, openCgroupParent, removeCgroup, splitCgroup } from "../cgroups/index.ts";
import type { CgroupPlan } from "../cgroups/index.ts";
import { planContainer } from "../container/index.ts";
import type { ContainerPlan } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { withContext } from "../kernel/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { UndoStack } from "../undo/index.ts";
import { cleanUp } from "./clean-up.ts";
import type { Container, Prepared } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { readPlanInput } from "./plan-facts.ts";

/** A container that is not started by then is not about to be. */
const KEPT_MS = 1000;

/** Prepares the first start in a moment, unless it comes first. */
export function prepareSoon(engine: EngineContext, container: Container): void {
  const { kernel } = engine;
  // The answer goes out first.
  const cancel = kernel.after(0, () => {
    container.holdPrepared = kernel.after(KEPT_MS, () => {
      container.cleaned = dropPrepared(engine, container);
    });
    void prepare(engine, container);
  });
  container.holdPrepared = cancel;
}

/** What was prepared goes, if it is still there. */
export async function dropPrepared(engine: EngineContext, container: Container): Promise<void> {
  container.holdPrepared();
  const { prepared } = container;
  if (prepared === null) return;
  container.prepared = null;
  container.cgroup = prepared.plan.cgroup.cgroup;
  await cleanUp(engine, container);
}

/**
 * The plan of a start, and its cgroup: what was prepared of them, and the rest.
 *
 * @param undo takes the way back
 */
export async function planStart(
  engine: EngineContext,
  kernel: Kernel,
  container: Container,
  undo: UndoStack,
): Promise<ContainerPlan> {
  const { definition } = container;
  if (container.prepared?.definition !== definition) await dropPrepared(engine, container);
  const { plan, missing } = container.prepared ?? planNow(engine, kernel, container);
  container.prepared = null;
  container.cgroup = plan.cgroup.cgroup;
  undo.push("remove cgroup", () => cleanUp(engine, container));
  makeCgroup(engine, withContext(kernel, { concept: "cgroups" }), { plan, missing }, undo);
  return plan;
}

type Planned = Omit<Prepared, "definition">;

function planNow(engine: EngineContext, kernel: Kernel, { definition }: Container): Planned {
  const plan = planContainer(readPlanInput(engine, kernel, definition));
  return { plan, missing: plan.cgroup };
}

/** Somebody may have removed our parent, which is empty while nothing runs: it is made again. */
function makeCgroup(
  engine: EngineContext,
  kernel: Kernel,
  { plan, missing }: Planned,
  undo: UndoStack,
): void {
  try {
    applyCgroup(kernel, missing, undo);
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.errno !== "ENOENT") throw error;
    // Version 1 has a parent in each hierarchy; some may be there still.
    removeCgroup(kernel, plan.cgroup.cgroup);
    const { layout, path } = engine.machine.cgroupParent;
    openCgroupParent(kernel, layout, path);
    applyCgroup(kernel, plan.cgroup, undo);
  }
}

/** Without a word where it fails: the start will tell. */
async function prepare(engine: EngineContext, container: Container): Promise<void> {
  const { definition, journal } = container;
  const plan = tryToPlan(engine, definition);
  if (plan === null) return;
  const { ahead, last } = splitCgroup(plan.cgroup);
  const context = { operation: "prepare container", concept: "cgroups" } as const;
  if (!(await isMade(withContext(journal.kernel, context), ahead))) return;
  container.prepared = { definition, plan, missing: last };
}

async function isMade(kernel: Kernel, ahead: CgroupPlan): Promise<boolean> {
  try {
    await using undo = new UndoStack();
    applyCgroup(kernel, ahead, undo);
    undo.commit();
    return true;
  } catch {
    return false;
  }
}

function tryToPlan(
  engine: EngineContext,
  definition: Container["definition"],
): ContainerPlan | null {
  try {
    const input = readPlanInput(engine, SILENT, definition);
    // Another container may have ended by then, or run as another process.
    const isAlone = Object.keys(input.joins).length === 0;
    return isAlone ? planContainer(input) : null;
  } catch {
    // It needs to know more, or cannot be started at all.
    return null;
  }
}

function refuse(): never {
  throw new Error("not before the start");
}

/** A kernel that answers nothing. */
const SILENT = new Proxy({}, { get: () => refuse }) as Kernel;
