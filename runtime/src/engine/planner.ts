/**
 * Planner: the plan of a container, made without an engine.
 *
 * `run --plan` should answer also where no daemon runs, or none that one may ask. A plan is a pure
 * function of the request and of what the machine is: that is looked up, with the rights that the
 * caller has. Only the image is out of reach: where the engine's store cannot be read, one layer is
 * assumed, and the plan says so.
 *
 * Kernel interface: proc(5), cgroups(7), for looking only.
 * Specification: none.
 * Invariants: see `dry-kernel.ts`.
 * Left out: containers of a running daemon whose namespaces would be joined.
 * Docs: docs/concepts/explain.md
 *
 * @module
 */

import { DEFAULT_PATH } from "../container/index.ts";
import { architectureOf, findImage, MEDIA_TYPES, openImageStore } from "../images/index.ts";
import type { Image } from "../images/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import { digestOf, openLayerStore } from "../layers/index.ts";
import { createSeccompPlanner } from "../security/index.ts";
import { ContainerTable } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { createDryKernel } from "./dry-kernel.ts";
import type { CreateContainer, Engine } from "./engine.ts";
import { EventHub } from "./events.ts";
import { versionObject } from "./info.ts";
import { Locks } from "./lock.ts";
import { readMachine } from "./machine.ts";
import type { EngineOptions } from "./options.ts";
import { previewPlan, previewScript } from "./plan-preview.ts";
import { Quiet } from "./quiet.ts";

/** Of an engine's options, what a plan depends on. */
export type PlannerOptions = Pick<
  EngineOptions,
  "kernel" | "root" | "cgroupParent" | "programVersion"
>;

/**
 * What would be done for a container by an engine with these options. Has no effects.
 *
 * @example await createPlanner({ kernel, root: "/r", cgroupParent: "/d", programVersion: "1" })
 *   .planContainer(request);
 */
export function createPlanner(
  options: PlannerOptions,
): Pick<Engine, "planContainer" | "scriptContainer" | "version"> {
  return {
    version: () => versionObject(contextOf(options)),
    planContainer: async (request) => planned(previewPlan, contextOf(options), request),
    scriptContainer: async (request) => planned(previewScript, contextOf(options), request),
  };
}

/** Of the image that is there, or of one that is assumed, which is said. */
function planned<Plan extends { readonly warnings: readonly string[] }>(
  preview: (engine: EngineContext, request: CreateContainer, image: Image) => Plan,
  engine: EngineContext,
  request: CreateContainer,
): Plan {
  const found = imageOf(engine, request);
  if (found !== null) return preview(engine, request, found);
  const plan = preview(engine, request, assumedImage(engine, request));
  const assumed =
    `Image ${request.config.Image} cannot be looked at without the daemon: ` +
    `one layer, the usual PATH and the command "sh" are assumed.`;
  return { ...plan, warnings: [...plan.warnings, assumed] };
}

/** An engine that has nothing and starts nothing. */
function contextOf(options: PlannerOptions): EngineContext {
  const { root, cgroupParent } = options;
  const kernel = createDryKernel(options.kernel);
  const noKeeper = async (): Promise<never> => {
    throw new Error("bug: a planner asked for a keeper");
  };
  return {
    options: { ...options, onNotice: () => undefined, connectKeeper: noKeeper },
    kernel,
    root,
    machine: readMachine(kernel, cgroupParent),
    /** Opened by who asks for an image: a stranger may not look into the store. */
    get images() {
      return openImageStore(kernel, `${root}/images`);
    },
    layers: openLayerStore(kernel, root),
    containers: new ContainerTable(),
    events: new EventHub(kernel),
    locks: new Locks(),
    quiet: new Quiet(kernel),
    planSeccomp: createSeccompPlanner(1),
    get keeper(): never {
      throw new Error("bug: a planner asked for a keeper");
    },
    startAgain: noKeeper,
    isClosing: false,
  };
}

function imageOf(engine: EngineContext, { config }: CreateContainer): Image | null {
  try {
    return findImage(engine.images, config.Image);
  } catch (error) {
    const isAway = error instanceof RuntimeError && error.code !== "reference-invalid";
    if (isAway || error instanceof KernelError) return null;
    throw error;
  }
}

function assumedImage({ machine }: EngineContext, { config }: CreateContainer): Image {
  const digest = digestOf(config.Image);
  const layer = { mediaType: MEDIA_TYPES.layer, digest, size: 0 };
  return {
    id: digest,
    manifestDigest: digest,
    manifest: {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: layer,
      layers: [layer],
    },
    config: {
      created: "",
      architecture: architectureOf(machine.uname.machine),
      os: "linux",
      config: { Env: [`PATH=${DEFAULT_PATH}`], Cmd: ["sh"] },
      rootfs: { type: "layers", diff_ids: [digest] },
      history: [],
    },
    references: [],
    chain: [digest],
    sizeBytes: 0,
  };
}
