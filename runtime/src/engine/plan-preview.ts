/**
 * Plan preview: every step of a start, before anything is done.
 *
 * The same functions that start a container make the plan; here it is only printed. Steps of the
 * engine come first (directories, files, the cgroup), then those of init, in its namespaces.
 *
 * Kernel interface: none of its own.
 * Specification: none.
 * Invariants: none.
 * Left out: the temporary names of files that are written and renamed.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import type { CgroupStep } from "../cgroups/index.ts";
import { planContainer, shellScript } from "../container/index.ts";
import type { ContainerPlan, InitStep } from "../container/index.ts";
import type { Image } from "../images/index.ts";
import { layerDiff, writableLayerIn } from "../layers/index.ts";
import type { EngineContext } from "./context.ts";
import { acceptRequest, nameTexts } from "./create.ts";
import type { CreateContainer } from "./engine.ts";
import type { PlannedScript, PlannedStep } from "./told.ts";
import { sharesNetwork } from "./networks.ts";
import { readPlanInput } from "./plan-facts.ts";
import type { Definition } from "./record.ts";
import { filesOf } from "./state-store.ts";

type Draft = Omit<PlannedStep, "n">;

/** Where each concept's part of a plan is made: what a reader should open. */
const SOURCES: Readonly<Record<string, string>> = {
  namespaces: "runtime/src/namespaces/plan.ts",
  cgroups: "runtime/src/cgroups/plan.ts",
  layers: "runtime/src/layers/overlay.ts",
  network: "runtime/src/container/plan.ts",
  volumes: "runtime/src/volumes/plan.ts",
  security: "runtime/src/security/capability-plan.ts",
  container: "runtime/src/container/plan-tree.ts",
  engine: "runtime/src/engine/create.ts",
};

/** What would be done. */
export interface Plan {
  readonly steps: readonly PlannedStep[];
  readonly warnings: readonly string[];
}

/** What is known before anything is told of it. */
interface Drafted {
  readonly definition: Definition;
  readonly plan: ContainerPlan;
  readonly warnings: readonly string[];
}

/**
 * The steps in order. Has no effects.
 *
 * @param image to make it from; absent: the one that the request names
 * @throws RuntimeError as `createContainer` does
 */
export function previewPlan(engine: EngineContext, request: CreateContainer, image?: Image): Plan {
  const { definition, plan, warnings } = draftPlan(engine, request, image);
  const drafts = [
    ...fileSteps(engine, definition),
    ...plan.cgroup.steps.map(cgroupStep),
    spawnStep(plan.pidNamespace),
    ...plan.init.map(initStep),
  ];
  return {
    steps: drafts.map((draft, index) => ({ n: index + 1, ...draft })),
    warnings,
  };
}

/**
 * The same as a script for a shell. Has no effects.
 *
 * @param image as for `previewPlan`
 * @throws RuntimeError as `createContainer` does; feature-unsupported for a user namespace
 */
export function previewScript(
  engine: EngineContext,
  request: CreateContainer,
  image?: Image,
): PlannedScript {
  const { definition, plan, warnings } = draftPlan(engine, request, image);
  const files = filesOf(engine.root, definition.id);
  const { upper, work } = writableLayerIn(files.directory);
  const isShareable = definition.hostConfig.IpcMode === "shareable";
  const script = shellScript({
    plan,
    id: definition.id,
    directory: files.directory,
    rootfs: files.rootfs,
    directories: [upper, work, files.rootfs, ...(isShareable ? [files.sharedMemory] : [])],
    files: nameTexts(engine.kernel, definition, files),
  });
  return { script, warnings };
}

function draftPlan(
  engine: EngineContext,
  request: CreateContainer,
  image: Image | undefined,
): Drafted {
  const { definition, warnings } = acceptRequest(engine, request, image);
  const plan = planContainer(readPlanInput(engine, engine.kernel, definition));
  return { definition, plan, warnings: [...new Set([...warnings, ...plan.warnings])] };
}

function fileSteps(engine: EngineContext, definition: Definition): readonly Draft[] {
  const files = filesOf(engine.root, definition.id);
  const { upper, work } = writableLayerIn(files.directory);
  const step = (concept: string, call: string, path: string, why: string): Draft => ({
    where: "engine",
    concept,
    operation: "create container",
    call,
    args: [path],
    why,
    source: SOURCES[concept] ?? "",
  });
  const top = definition.layers.at(-1);
  const names = sharesNetwork(definition.hostConfig)
    ? []
    : [files.hostname, files.hosts, files.resolvConf].map((path) =>
        step("engine", "writeFile", path, "give the container its names"),
      );
  return [
    step("engine", "mkdir", files.directory, "have a place for the container"),
    step("layers", "mkdir", work, "let overlayfs prepare its changes"),
    step(
      "layers",
      "mkdir",
      upper,
      `take every change, above ${top === undefined ? "nothing" : layerDiff(engine.layers, top)}`,
    ),
    step("layers", "mkdir", files.rootfs, "have a place where init mounts the tree"),
    ...names,
    step("engine", "rename", files.definition, "let the container exist from this instant on"),
  ];
}

function cgroupStep(step: CgroupStep): Draft {
  return {
    where: "engine",
    concept: "cgroups",
    operation: "start container",
    call: step.kind === "mkdir" ? "mkdir" : "writeEach",
    args: step.kind === "mkdir" ? [step.path] : [step.path, step.texts],
    why: step.kind === "mkdir" ? "make the container's cgroup" : "set a limit",
    source: SOURCES["cgroups"] ?? "",
  };
}

function spawnStep(pidNamespace: unknown): Draft {
  return {
    where: "engine",
    concept: "namespaces",
    operation: "start container",
    call: "spawn",
    args: [{ pidNamespace }],
    why: "make init, as process 1 where the pid namespace is new",
    source: "runtime/src/container/keeper-server.ts",
  };
}

function initStep({ op, concept, why, ...args }: InitStep): Draft {
  return {
    where: "init",
    concept,
    operation: "start container",
    call: op,
    args: Object.values(args).map(bounded),
    why,
    source: SOURCES[concept] ?? "runtime/src/container/plan.ts",
  };
}

/** A compiled filter has hundreds of instructions: their number says enough here. */
function bounded(value: unknown): unknown {
  const isProgram = Array.isArray(value) && value.length > 40 && typeof value[0] === "object";
  return isProgram ? `${value.length} instructions` : value;
}
