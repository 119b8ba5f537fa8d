/**
 * Prune: removing what nobody uses, and saying first what that would be.
 *
 * The plan and the act ask the same questions, so what was shown is what goes: containers that do
 * not run, then the images that no container is left for. An image with a name is only meant when
 * that is said (`dangling=false`).
 *
 * Kernel interface: lstat(2), for sizes.
 * Specification: Docker Engine API v1.50, ContainerPrune, ImagePrune.
 * Invariants:
 *   prune-does-what-it-said   a prune right after its plan removes exactly what the plan named
 * Left out: volumes, networks and build caches, of which there are none of a user's own.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { familiarForm, listImages } from "../images/index.ts";
import type { Image } from "../images/index.ts";
import { writableLayerIn } from "../layers/index.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import { layerBytes, logBytes, sum } from "./disk-usage.ts";
import type { ApiObject, Filters, PrunePlan } from "./engine.ts";
import { carryOut } from "./image-changes.ts";
import { treeBytes } from "./listing.ts";
import { isFalse } from "./filter-values.ts";
import { compilePruneFilters } from "./prune-filters.ts";
import { removeContainer } from "./remove.ts";

/** The answer of `POST /containers/prune`: removes what does not run. */
export async function pruneContainers(engine: EngineContext, filters: Filters): Promise<ApiObject> {
  const deleted: string[] = [];
  let reclaimed = 0;
  for (const container of endedContainers(engine, filters)) {
    const bytes = containerBytes(engine, container);
    try {
      await removeContainer(engine, container, { force: false });
      deleted.push(container.id);
      reclaimed += bytes;
    } catch (error) {
      // Somebody started it meanwhile, or its removal failed: the others go all the same.
      notice(engine, `Cannot prune container ${container.id}`, error);
    }
  }
  tellPrune(engine, "container", reclaimed);
  return { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed };
}

/** The answer of `POST /images/prune`: removes what no container was made from. */
export function pruneImages(engine: EngineContext, filters: Filters): ApiObject {
  const before = layerBytes(listImages(engine.images));
  const deleted = unusedImages(engine, filters, new Set()).flatMap((image) =>
    carryOut(engine, image, { untagged: image.references, isDeleted: true }),
  );
  const reclaimed = before - layerBytes(listImages(engine.images));
  tellPrune(engine, "image", reclaimed);
  return { ImagesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed };
}

function tellPrune(engine: EngineContext, type: "container" | "image", reclaimed: number): void {
  const attributes = { reclaimed: String(reclaimed) };
  engine.events.tell({ type, action: "prune", id: "", attributes });
}

/** What pruning containers, then images, would remove. Has no effects. */
export function planPrune(
  engine: EngineContext,
  wish: { readonly containers: Filters | null; readonly images: Filters | null },
): PrunePlan {
  const containers = wish.containers === null ? [] : endedContainers(engine, wish.containers);
  const going = new Set(containers);
  const images = wish.images === null ? [] : unusedImages(engine, wish.images, going);
  const all = listImages(engine.images);
  const staying = all.filter(({ manifestDigest }) =>
    images.every((image) => image.manifestDigest !== manifestDigest),
  );
  const Containers = containers.map((container) => ({
    Id: container.id,
    Name: container.name,
    Size: containerBytes(engine, container),
  }));
  return {
    Containers,
    Images: images.map(({ id, references, sizeBytes }) => ({
      Id: id,
      Names: references.map(familiarForm),
      Size: sizeBytes,
    })),
    SpaceReclaimed: sum(Containers.map(({ Size }) => Size)) + layerBytes(all) - layerBytes(staying),
  };
}

function endedContainers(engine: EngineContext, filters: Filters): readonly Container[] {
  const isWanted = compilePruneFilters("containers", filters, engine.kernel.nowMs());
  return engine.containers
    .all()
    .filter(({ history: { state } }) => ["created", "exited", "dead"].includes(state.status))
    .filter(({ definition }) =>
      isWanted({ labels: definition.config.Labels, createdAtMs: definition.createdAtMs }),
    );
}

function containerBytes(engine: EngineContext, { id, files }: Container): number {
  return treeBytes(engine.kernel, writableLayerIn(files.directory).upper) + logBytes(engine, id);
}

/** @param going containers that count as gone */
function unusedImages(
  engine: EngineContext,
  filters: Filters,
  going: ReadonlySet<Container>,
): readonly Image[] {
  const isWanted = compilePruneFilters("images", filters, engine.kernel.nowMs());
  const named = (filters["dangling"] ?? []).some((value) => isFalse("prune", value));
  const users = engine.containers.all().filter((container) => !going.has(container));
  const used = new Set<string>(users.map(({ definition }) => definition.imageId));
  return listImages(engine.images)
    .filter(({ id, references }) => !used.has(id) && (named || references.length === 0))
    .filter(({ config }) =>
      isWanted({ labels: config.config.Labels ?? {}, createdAtMs: Date.parse(config.created) }),
    );
}
