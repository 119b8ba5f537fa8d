/**
 * Engine, the implementation: one function for each method of the façade.
 *
 * Starting one takes the lock of its root, opens what is on the disk, makes the embedded image
 * where it is missing, connects to the keeper and recovers. From then on each method finds its
 * container and calls the one function that does the work.
 *
 * Kernel interface: flock(2).
 * Specification: Docker Engine API v1.50.
 * Invariants:
 *   lifecycle-is-legal    any sequence of calls follows the table of states; what is refused
 *       changes nothing
 *   one-engine-per-root   a second engine on a root is refused and says which process has it
 *   no-leak-on-failure    when the k-th kernel call of an operation fails, for any k, the operation
 *       is refused or done, and once its container is removed the machine is as it was
 *   calls-are-serial      calls at the same time end as they would in some order one after the
 *       other
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { closeCgroupParent } from "../cgroups/index.ts";
import { ensureBaseImage, listImages, openImageStore, sweepBlobs } from "../images/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { digestOf, hasIndex, openLayerStore, sweepLayers } from "../layers/index.ts";
import { createSeccompPlanner } from "../security/index.ts";
import { containerChanges, exportContainer, getArchive, putArchive, statPath } from "./archive.ts";
import { attachContainer } from "./attach.ts";
import { changeVolumes } from "./change-volumes.ts";
import { waitFor } from "./clean-up.ts";
import { commitContainer } from "./commit.ts";
import { ContainerTable, requireProcess } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { createContainer, reached } from "./create.ts";
import { checkDisk, explainDisk } from "./disk-map.ts";
import { diskUsage } from "./disk-usage.ts";
import type { Engine } from "./engine.ts";
import { EventHub } from "./events.ts";
import { createExec, inspectExec, startExec } from "./exec.ts";
import { importImage, removeImage, tagImageAs } from "./image-changes.ts";
import {
  historyOf,
  imageList,
  imageListWithManifests,
  inspectImage,
  requireImage,
} from "./image-routes.ts";
import { infoObject, versionObject } from "./info.ts";
import { listenToKeeper } from "./keeper-link.ts";
import { inspectContainer, listContainers } from "./listing.ts";
import { Locks } from "./lock.ts";
import { readMachine } from "./machine.ts";
import { containerLogs } from "./logs.ts";
import type { EngineOptions, OpenEngine } from "./options.ts";
import { pauseContainer, unpauseContainer } from "./pause.ts";
import { previewPlan, previewScript } from "./plan-preview.ts";
import { dropPrepared } from "./prepare.ts";
import { planPrune, pruneContainers, pruneImages } from "./prune.ts";
import { Quiet } from "./quiet.ts";
import { recover } from "./recover.ts";
import { refusalOf, withRefusals } from "./refusals.ts";
import { removeContainer } from "./remove.ts";
import { renameContainer } from "./rename.ts";
import { restartContainer, startContainer, startUnderLock } from "./start.ts";
import { containersDirectory, lockRoot } from "./state-store.ts";
import { containerStats } from "./stats.ts";
import { findToKill, killContainer, stopContainer } from "./stop.ts";
import { adviseStop } from "./stop-advice.ts";
import { containerTop } from "./top.ts";
import { updateContainer } from "./update.ts";
import { viewContainer, viewHost } from "./view.ts";
import { whyContainer } from "./why.ts";

/** Compiled seccomp filters to keep: one for each profile and set of capabilities in use. */
const SECCOMP_PROGRAMS = 16;

/**
 * Opens an engine on its root.
 *
 * @throws RuntimeError engine-locked when another engine has the root, image-invalid when there is
 * nothing to make the embedded image from
 */
export async function createEngine(options: EngineOptions): Promise<OpenEngine> {
  try {
    return await openEngine(options);
  } catch (error) {
    throw refusalOf("open engine", error);
  }
}

async function openEngine(options: EngineOptions): Promise<OpenEngine> {
  const { kernel, root } = options;
  ensureDirectories(kernel, root);
  const lock = lockRoot(kernel, root, kernel.identity().hostPid);
  try {
    const engine = await openContext(options);
    listenToKeeper(engine);
    await recover(engine);
    return { ...withRefusals(facade(engine)), close: () => close(engine, lock) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function ensureDirectories(kernel: Kernel, root: string): void {
  const parts = root.split("/").filter((part) => part !== "");
  const above = parts.map((_, depth) => `/${parts.slice(0, depth + 1).join("/")}`);
  for (const path of [...above, containersDirectory(root)]) {
    try {
      kernel.mkdir(path, 0o711);
    } catch (error) {
      if (!(error instanceof KernelError) || error.errno !== "EEXIST") throw error;
    }
  }
}

async function openContext(options: EngineOptions): Promise<EngineContext> {
  const { kernel, root, cgroupParent } = options;
  const layers = openLayerStore(kernel, root);
  const images = openImageStore(kernel, `${root}/images`, options.sha256);
  sweepLayers(kernel, layers);
  sweepBlobs(images);
  // Whoever removed it later does not want it back.
  if (!hasIndex(kernel, images.content)) ensureBaseImage(images, layers, kernel.uname().machine);
  const engine: EngineContext = {
    options,
    kernel,
    root,
    machine: readMachine(kernel, cgroupParent),
    images,
    layers,
    containers: new ContainerTable(),
    events: new EventHub(kernel),
    locks: new Locks(),
    quiet: new Quiet(kernel),
    planSeccomp: createSeccompPlanner(SECCOMP_PROGRAMS),
    keeper: { current: await options.connectKeeper(), ready: Promise.resolve() },
    startAgain: (container) => startUnderLock(engine, container),
    isClosing: false,
  };
  return engine;
}

/** One method for each of the façade's, all of them this short. */
function facade(engine: EngineContext): Engine {
  const { containers, machine, root } = engine;
  const find: ContainerTable["find"] = (reference) => containers.find(reference);
  const id = digestOf(`${machine.uname.nodename}:${root}`).slice(-32);
  return {
    version: () => versionObject(engine),
    events: (request) => engine.events.stream(request),
    info: () => infoObject(engine, id, listImages(engine.images).length),

    createContainer: (request) => createContainer(engine, request),
    planContainer: async (request) => previewPlan(engine, await reached(engine, request)),
    scriptContainer: async (request) => previewScript(engine, await reached(engine, request)),
    startContainer: async (reference) => startContainer(engine, find(reference)),
    stopContainer: async (reference, options) => stopContainer(engine, find(reference), options),
    stopAdvice: async (reference, options) => adviseStop(engine, find(reference), options),
    restartContainer: async (reference, options) =>
      restartContainer(engine, find(reference), options),
    killContainer: async (reference, signal) =>
      killContainer(engine, findToKill(containers, reference), signal),
    pauseContainer: async (reference) => pauseContainer(engine, find(reference)),
    unpauseContainer: async (reference) => unpauseContainer(engine, find(reference)),
    removeContainer: async (reference, options) =>
      removeContainer(engine, find(reference), options),
    renameContainer: async (reference, name) => renameContainer(engine, find(reference), name),
    waitContainer: (reference, condition) => ({ done: waitFor(find(reference), condition) }),
    listContainers: async (options) => listContainers(engine, options),
    inspectContainer: async (reference, options) =>
      inspectContainer(engine, find(reference), options),
    containerLogs: async (reference, request) => containerLogs(engine, find(reference), request),
    attachContainer: async (reference, request) =>
      attachContainer(engine, find(reference), request),
    resizeContainer: async (reference, rows, columns) => {
      const container = find(reference);
      requireProcess(container);
      await engine.keeper.current.resize(container.id, rows, columns);
      const size = { height: String(rows), width: String(columns) };
      engine.events.tellContainer(container.definition, "resize", size);
    },
    ...insideMethods(engine, find),

    createExec: async (reference, request) => createExec(engine, find(reference), request),
    startExec: async (execId, options) => startExec(engine, containers.findExec(execId), options),
    resizeExec: async (execId, rows, columns) => {
      const { container } = containers.findExec(execId);
      // Clients do this as soon as they have a line, while the terminal may still be in the making.
      await Promise.allSettled(container.execStarts);
      await engine.keeper.current.resize(execId, rows, columns);
    },
    inspectExec: (execId) => inspectExec(containers.findExec(execId)),

    ...imageMethods(engine),
  };
}

function imageMethods(engine: EngineContext) {
  return {
    listImages: async ({ filters, manifests }) =>
      manifests ? imageListWithManifests(engine, filters) : imageList(engine, filters),
    inspectImage: async (reference) => inspectImage(engine, reference),
    imageHistory: async (reference) => historyOf(engine, reference),
    pullImage: async (reference) => requireImage(engine, reference),
    tagImage: async (reference, name) => tagImageAs(engine, reference, name),
    removeImage: async (reference, options) => removeImage(engine, reference, options),
    importImage: async (request) => ({ id: importImage(engine, request) }),
    pruneImages: async (filters) => pruneImages(engine, filters),
    explainDisk: async () => explainDisk(engine),
    checkDisk: async ({ repair }) => checkDisk(engine, repair),
    planPrune: async (wish) => planPrune(engine, wish),
  } satisfies Partial<Engine>;
}

/** What is in a container, and what is told of it: its processes, its counters, its files. */
function insideMethods(engine: EngineContext, find: ContainerTable["find"]) {
  return {
    containerTop: async (reference, options) => containerTop(engine, find(reference), options),
    containerStats: async (reference, request) => containerStats(engine, find(reference), request),
    updateContainer: async (reference, request) =>
      updateContainer(engine, find(reference), request),
    changeVolumes: async (reference, binds) => changeVolumes(engine, find(reference), binds),
    pruneContainers: async (filters) => pruneContainers(engine, filters),
    diskUsage: async (types) => diskUsage(engine, new Set(types)),
    statPath: async (reference, path) => statPath(engine, find(reference), path),
    getArchive: async (reference, path) => getArchive(engine, find(reference), path),
    putArchive: async (reference, request) => putArchive(engine, find(reference), request),
    exportContainer: async (reference) => exportContainer(engine, find(reference)),
    containerChanges: async (reference) => containerChanges(engine, find(reference)),
    commitContainer: async (reference, request) =>
      commitContainer(engine, find(reference), request),
    journalOf: async (reference) => find(reference).journal.read(),
    viewProcess: async (reference) =>
      reference === null ? viewHost(engine) : viewContainer(engine, find(reference)),
    whyContainer: async (reference) => whyContainer(engine, find(reference)),
  } satisfies Partial<Engine>;
}

async function close(engine: EngineContext, lock: { release(): void }): Promise<void> {
  engine.isClosing = true;
  for (const container of engine.containers.all()) {
    container.cancelRestart();
    container.stopHealth();
  }
  engine.quiet.end();
  await engine.locks.idle();
  const containers = engine.containers.all();
  await Promise.all(containers.map((container) => dropPrepared(engine, container)));
  // Together: each may wait for what its init did.
  await Promise.all(containers.map(({ journal }) => journal.flush()));
  for (const { journal } of containers) journal.close();
  engine.keeper.current.close();
  closeCgroupParent(engine.kernel, engine.machine.cgroupParent);
  lock.release();
}
