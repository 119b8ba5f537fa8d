/**
 * Disk usage: what lies on the disk, and removing what nobody uses.
 *
 * Kernel interface: lstat(2), for sizes.
 * Specification: Docker Engine API v1.50, SystemDataUsage, ContainerPrune.
 * Invariants: none.
 * Left out: volumes and build caches, of which there are none; pruning images.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { listImages } from "../images/index.ts";
import type { Image } from "../images/index.ts";
import { writableLayerIn } from "../layers/index.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import type { ApiObject, DiskUsageType, Filters } from "./engine.ts";
import { hasLabel } from "./filters.ts";
import { imageList } from "./image-routes.ts";
import { listContainers, treeBytes } from "./listing.ts";
import { removeContainer } from "./remove.ts";

/** The answer of `GET /system/df`. @param types what is wanted; the rest is left out */
export function diskUsage(engine: EngineContext, types: ReadonlySet<DiskUsageType>): ApiObject {
  return {
    ...(types.has("image")
      ? {
          LayersSize: sum(layerSizes(listImages(engine.images)).values()),
          Images: imagesWithUsers(engine),
        }
      : {}),
    ...(types.has("container")
      ? { Containers: listContainers(engine, { all: true, limit: 0, size: true, filters: {} }) }
      : {}),
    ...(types.has("volume") ? { Volumes: [] } : {}),
    ...(types.has("build-cache") ? { BuildCache: [] } : {}),
  };
}

/** What each stored layer takes, by its chain id: layers that images share are stored once. */
function layerSizes(images: readonly Image[]): ReadonlyMap<string, number> {
  return new Map(
    images.flatMap(({ chain, manifest }) =>
      chain.map((chainId, at) => [chainId, manifest.layers[at]?.size ?? 0] as const),
    ),
  );
}

function sum(sizes: Iterable<number>): number {
  return [...sizes].reduce((total, size) => total + size, 0);
}

/** Each image with how many containers were made from it, and what it shares with others. */
function imagesWithUsers(engine: EngineContext): readonly ApiObject[] {
  const images = listImages(engine.images);
  const sizes = layerSizes(images);
  const containers = engine.containers.all();
  return imageList(engine, {}).map((summary) => {
    const image = images.find(({ id }) => id === summary["Id"]);
    const isShared = (chainId: string): boolean =>
      images.some((other) => other !== image && other.chain.some((each) => each === chainId));
    const shared = (image?.chain ?? []).filter(isShared);
    const users = containers.filter(({ definition }) => definition.imageId === summary["Id"]);
    return {
      ...summary,
      SharedSize: sum(shared.map((chainId) => sizes.get(chainId) ?? 0)),
      Containers: users.length,
    };
  });
}

/** The answer of `POST /containers/prune`: removes what does not run. */
export async function pruneContainers(engine: EngineContext, filters: Filters): Promise<ApiObject> {
  const isWanted = compilePruneFilters(filters, engine.kernel.nowMs());
  const deleted: string[] = [];
  let reclaimed = 0;
  for (const container of engine.containers.all()) {
    const { status } = container.history.state;
    const isOver = status === "created" || status === "exited" || status === "dead";
    if (!isOver || !isWanted(container)) continue;
    const bytes = treeBytes(engine.kernel, writableLayerIn(container.files.directory).upper);
    try {
      await removeContainer(engine, container, { force: false });
      deleted.push(container.id);
      reclaimed += bytes;
    } catch (error) {
      // Somebody started it meanwhile, or its removal failed: the others go all the same.
      notice(engine, `Cannot prune container ${container.id}`, error);
    }
  }
  const attributes = { reclaimed: String(reclaimed) };
  engine.events.tell({ type: "container", action: "prune", id: "", attributes });
  return { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed };
}

/** @throws RuntimeError filter-invalid */
function compilePruneFilters(filters: Filters, nowMs: number): (container: Container) => boolean {
  const tests = Object.entries(filters).map(([name, values]): ((c: Container) => boolean) => {
    switch (name) {
      case "label":
        return ({ definition }) => values.every((v) => hasLabel(definition.config.Labels, v));
      case "label!":
        return ({ definition }) => !values.some((v) => hasLabel(definition.config.Labels, v));
      case "until": {
        const limits = values.map((value) => untilMs(value, nowMs));
        return ({ definition }) => limits.every((limit) => definition.createdAtMs < limit);
      }
      default:
        throw invalidFilter(`invalid filter '${name}'`);
    }
  });
  return (container) => tests.every((test) => test(container));
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A moment as seconds since 1970 or RFC 3339, or how long ago: `1h30m`. */
function untilMs(text: string, nowMs: number): number {
  if (/^\d+(\.\d+)?$/u.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/gu)];
  if (text !== "" && parts.map(([part]) => part).join("") === text) {
    const age = parts.reduce(
      (sum, [, n = "0", unit = ""]) => sum + Number(n) * (UNIT_MS[unit] ?? 0),
      0,
    );
    return nowMs - age;
  }
  const moment = Date.parse(text);
  if (Number.isNaN(moment)) throw invalidFilter(`invalid filter 'until=${text}'`);
  return moment;
}

function invalidFilter(message: string): RuntimeError {
  return new RuntimeError({
    code: "filter-invalid",
    class: "invalid",
    message,
    operation: "prune containers",
    hint: "Filters of prune are label, label! and until.",
  });
}
