/**
 * Listing: gathers what inspect and list show.
 *
 * Kernel interface: lstat(2), for sizes.
 * Specification: Docker Engine API v1.50, ContainerInspect and ContainerList.
 * Invariants: none.
 * Left out: sizes count what is in the directory; hard links count each time.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { hasProcess } from "../container/index.ts";
import type { ContainerState, Health } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { findImage } from "../images/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { Files } from "../kernel/index.ts";
import { layerDiff, writableLayerIn } from "../layers/index.ts";
import { inspectMounts } from "../volumes/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { ApiObject, ListContainers } from "./engine.ts";
import { compileFilters } from "./filters.ts";
import type { Filterable } from "./filters.ts";
import { inspectObject, portsOf, summaryObject } from "./inspect.ts";
import type { Inspected } from "./inspect.ts";
import { networkNameOf } from "./networks.ts";

/** The answer of `GET /containers/{id}/json`. */
export function inspectContainer(
  engine: EngineContext,
  container: Container,
  options: { readonly size: boolean },
): ApiObject {
  return inspectObject(inspected(engine, container, options));
}

/**
 * The answer of `GET /containers/json`, newest first.
 *
 * @throws RuntimeError filter-invalid, container-not-found
 */
export function listContainers(
  engine: EngineContext,
  options: ListContainers,
): readonly ApiObject[] {
  const isWanted = compileFilters(options.filters, {
    findContainer: (reference) => filterable(engine.containers.find(reference)),
    findImage: (reference) => imageIdOf(engine, reference),
  });
  // Who asks for a status, or for the last few, means stopped ones too.
  const all = options.all || options.limit > 0 || (options.filters["status"] ?? []).length > 0;
  const shown = engine.containers
    .all()
    .filter(({ history }) => all || hasProcess(history.state) || isRestarting(history.state))
    .filter((container) => isWanted(filterable(container)))
    .toSorted((a, b) => b.definition.createdAtMs - a.definition.createdAtMs);
  const nowMs = engine.kernel.nowMs();
  const idOf = imageIds(engine);
  return shown
    .slice(0, options.limit > 0 ? options.limit : undefined)
    .map((container) => summaryObject(inspected(engine, container, options), nowMs))
    .map((summary) => withValidImage(idOf, summary));
}

/** The name of an image that is another one by now is no help: then its id is shown. */
function withValidImage(idOf: (name: string) => string | null, summary: ApiObject): ApiObject {
  const { Image, ImageID } = summary;
  return idOf(String(Image)) === ImageID ? summary : { ...summary, Image: ImageID };
}

/** Which image a name means; most containers of a list have the same few. */
function imageIds(engine: EngineContext): (name: string) => string | null {
  const known = new Map<string, string | null>();
  return (name) => {
    const id = known.has(name) ? known.get(name) : imageIdOf(engine, name);
    known.set(name, id ?? null);
    return id ?? null;
  };
}

/** It counts as running: it will run in a moment. */
function isRestarting({ status }: ContainerState): boolean {
  return status === "restarting";
}

function imageIdOf(engine: EngineContext, reference: string): string | null {
  try {
    return findImage(engine.images, reference).id;
  } catch (error) {
    if (error instanceof RuntimeError) return null;
    throw error;
  }
}

function filterable({ definition, history, mounts }: Container): Filterable {
  return {
    definition,
    history,
    ports: portsOf(definition, history),
    health: healthWord(history.health ?? null, history.state),
    volumes: mounts.flatMap((mount) => [
      mount.containerPath,
      ...(mount.type === "bind" ? [mount.hostPath] : []),
    ]),
    networks: [networkNameOf(definition.hostConfig.NetworkMode)],
  };
}

function healthWord(health: Health | null, state: ContainerState): string {
  return health === null || !hasProcess(state) ? "none" : health.status;
}

function inspected(
  engine: EngineContext,
  container: Container,
  options: { readonly size: boolean },
): Inspected {
  const { definition, history, files } = container;
  const { upper, work } = writableLayerIn(files.directory);
  const lower = definition.layers.map((chainId) => layerDiff(engine.layers, chainId));
  return {
    definition,
    history,
    files,
    mounts: inspectMounts(container.mounts),
    graph: {
      LowerDir: lower.toReversed().join(":"),
      MergedDir: files.rootfs,
      UpperDir: upper,
      WorkDir: work,
    },
    health: history.health ?? null,
    execIds: [...container.execs.values()]
      .filter(({ status }) => status === "running")
      .map(({ id }) => id),
    sizes: options.size ? sizesOf(engine, upper, lower) : null,
  };
}

function sizesOf(
  { kernel }: EngineContext,
  upper: string,
  lower: readonly string[],
): NonNullable<Inspected["sizes"]> {
  const writable = treeBytes(kernel, upper);
  return { writable, total: lower.reduce((sum, path) => sum + treeBytes(kernel, path), writable) };
}

/** Bytes of the files in a tree that a running container may be changing. */
export function treeBytes(kernel: Files, path: string): number {
  try {
    const { type, sizeBytes } = kernel.lstat(path);
    if (type === "file") return sizeBytes;
    if (type !== "directory") return 0;
    return kernel
      .readdir(path)
      .reduce((sum, name) => sum + treeBytes(kernel, `${path}/${name}`), 0);
  } catch (error) {
    if (error instanceof KernelError) return 0;
    throw error;
  }
}
