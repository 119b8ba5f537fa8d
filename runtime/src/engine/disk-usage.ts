/**
 * Disk usage: what lies on the disk.
 *
 * Kernel interface: lstat(2), for sizes.
 * Specification: Docker Engine API v1.50, SystemDataUsage.
 * Invariants: none.
 * Left out: volumes and build caches, of which there are none.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { listImages } from "../images/index.ts";
import type { Image } from "../images/index.ts";
import type { EngineContext } from "./context.ts";
import type { ApiObject, DiskUsageType } from "./engine.ts";
import { imageList } from "./image-routes.ts";
import { listContainers, treeBytes } from "./listing.ts";
import { lookOr } from "./look.ts";
import { filesOf } from "./state-store.ts";

/** The answer of `GET /system/df`. @param types what is wanted; the rest is left out */
export function diskUsage(engine: EngineContext, types: ReadonlySet<DiskUsageType>): ApiObject {
  return {
    ...(types.has("image")
      ? {
          LayersSize: layerBytes(listImages(engine.images)),
          Images: imagesWithUsers(engine),
        }
      : {}),
    ...(types.has("container") ? { Containers: containersWithLogs(engine) } : {}),
    ...(types.has("volume") ? { Volumes: [] } : {}),
    ...(types.has("build-cache") ? { BuildCache: [] } : {}),
  };
}

/**
 * What a container printed lies on the disk too and goes with it, so it counts here; in Docker's
 * answer it does not, and people look in vain for what fills their disk.
 */
function containersWithLogs(engine: EngineContext): readonly ApiObject[] {
  const wanted = { all: true, limit: 0, size: true, filters: {} };
  return listContainers(engine, wanted).map((summary) => {
    const logs = logBytes(engine, String(summary["Id"]));
    return { ...summary, SizeRw: Number(summary["SizeRw"] ?? 0) + logs };
  });
}

/** All files of a container's log, by its id. */
export function logBytes({ kernel, root }: EngineContext, id: string): number {
  const { directory, log } = filesOf(root, id);
  const names = lookOr(() => kernel.readdir(directory), []);
  const paths = names.map((name) => `${directory}/${name}`);
  const mine = paths.filter((path) => path.startsWith(log));
  return sum(mine.map((path) => treeBytes(kernel, path)));
}

/** What the layers of images take together: those that they share are stored once. */
export function layerBytes(images: readonly Image[]): number {
  return sum(layerSizes(images).values());
}

/** What each stored layer takes, by its chain id. */
function layerSizes(images: readonly Image[]): ReadonlyMap<string, number> {
  return new Map(
    images.flatMap(({ chain, manifest }) =>
      chain.map((chainId, at) => [chainId, manifest.layers[at]?.size ?? 0] as const),
    ),
  );
}

/** All of them together. */
export function sum(sizes: Iterable<number>): number {
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
