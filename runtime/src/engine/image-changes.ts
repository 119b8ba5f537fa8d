/**
 * Image changes: other names for images, their removal, and images made from a tar.
 *
 * Each change is one call that waits for nothing, so a container that is being made meanwhile is
 * made before or after it, and either has its image or is told that there is none. Unpacked layers
 * belong to everybody who has them: they go when neither an image nor a container does.
 *
 * Kernel interface: rename(2), unlink(2).
 * Specification: Docker Engine API v1.50, ImageDelete, ImageTag, ImageCreate with fromSrc.
 * Invariants:
 *   layers-are-given-back   after any commits and removals the unpacked layers are those of the
 *       images and containers that are left
 * Left out: tars that are compressed by anything but gzip.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { hasProcess } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import {
  addImage,
  applyChange,
  applyImageRemoval,
  architectureOf,
  ensureUnpacked,
  familiarForm,
  familiarName,
  findImage,
  listImages,
  parseReference,
  planImageRemoval,
  tagImage,
  withDefaultTag,
} from "../images/index.ts";
import type { Image, ImageReference, ImageRemoval, ImageUser } from "../images/index.ts";
import { discardLayers, hasBlob, sweepLayers } from "../layers/index.ts";
import type { Digest } from "../layers/index.ts";
import { pause } from "./clean-up.ts";
import type { EngineContext } from "./context.ts";
import { rfc3339 } from "./durations.ts";
import type { ApiObject, ImportImage } from "./engine.ts";

/** The lock under which files of layers are removed. */
export const SWEEP = "sweep layers";
const SWEEP_DELAY_MS = 50;

/** Gives an image one more name. @throws RuntimeError image-not-found, reference-invalid */
export function tagImageAs(engine: EngineContext, reference: string, name: string): void {
  const image = findImage(engine.images, reference);
  const tag = newNameOf(name);
  tagImage(engine.images, image, tag);
  tellImage(engine, "tag", image, familiarForm(tag));
}

/** A name for an image, with its tag. @throws RuntimeError reference-invalid */
function newNameOf(text: string): ImageReference {
  const reference = withDefaultTag(parseReference(text));
  const name = familiarName(reference);
  if (reference.digest === null && name !== "sha256") return reference;
  throw new RuntimeError({
    code: "reference-invalid",
    class: "invalid",
    message:
      reference.digest === null
        ? "refusing to create an ambiguous tag using digest algorithm as name"
        : "refusing to create a tag with a digest reference",
    operation: "name image",
    subject: text,
    hint: "A new name is [HOST[:PORT]/]PATH[:TAG]: the digest follows from the image.",
  });
}

/**
 * Removes a name, or an image. @returns what went, in the shape of the API
 * @throws RuntimeError image-not-found, image-in-use
 */
export function removeImage(
  engine: EngineContext,
  reference: string,
  options: { readonly force: boolean },
): readonly ApiObject[] {
  const image = findImage(engine.images, reference);
  const users = usersOf(engine, image);
  const removal = planImageRemoval(image, { text: reference, force: options.force, users });
  return carryOut(engine, image, removal);
}

/** The containers that were made from an image. */
export function usersOf(engine: EngineContext, { id }: Image): readonly ImageUser[] {
  return engine.containers
    .all()
    .filter(({ definition }) => definition.imageId === id)
    .map((container) => ({
      containerId: container.id,
      isRunning: hasProcess(container.history.state),
    }));
}

/** Takes names and perhaps the image away. @returns what went, in the shape of the API */
export function carryOut(
  engine: EngineContext,
  image: Image,
  removal: ImageRemoval,
): readonly ApiObject[] {
  applyImageRemoval(engine.images, image, removal);
  const untagged = removal.untagged.map((name) => ({ Untagged: familiarForm(name) }));
  for (const _ of removal.untagged) tellImage(engine, "untag", image, image.id);
  if (!removal.isDeleted) return untagged;
  tellImage(engine, "delete", image, image.id);
  const gone = new Set<string>(giveBackLayers(engine));
  const layers = image.chain.filter((chainId) => gone.has(chainId)).toReversed();
  return [...untagged, ...[image.id, ...layers].map((Deleted) => ({ Deleted }))];
}

/** Tells that something happened to an image. */
export function tellImage(engine: EngineContext, action: string, image: Image, name: string): void {
  const attributes = { ...image.config.config.Labels, name };
  engine.events.tell({ type: "image", action, id: image.id, attributes });
}

/** Lets go of the layers that nobody has any more; their files are removed a little later. */
export function giveBackLayers(engine: EngineContext): readonly Digest[] {
  const { kernel, layers } = engine;
  const gone = discardLayers(kernel, layers, usedLayers(engine));
  if (gone.length > 0) {
    void engine.locks.run(SWEEP, async () => {
      // Who asked is answered first.
      await pause(kernel, SWEEP_DELAY_MS);
      sweepLayers(kernel, layers);
    });
  }
  return gone;
}

/** Chain ids of every layer that an image or a container has. */
function usedLayers(engine: EngineContext): ReadonlySet<Digest> {
  return new Set([
    ...listImages(engine.images).flatMap(({ chain }) => chain),
    ...engine.containers.all().flatMap(({ definition }) => definition.layers),
  ]);
}

/** A container is gone: the layers of an image that was removed before it go with the last one. */
export function giveBackLayersOf(engine: EngineContext, imageId: string): void {
  const { kernel, content } = engine.images;
  // An image's id is the digest of its configuration.
  if (!hasBlob(kernel, content, imageId as Digest)) giveBackLayers(engine);
}

/**
 * Makes an image of one layer from a tar.
 *
 * @returns its id
 * @throws RuntimeError reference-invalid, request-invalid, layer-invalid
 */
export function importImage(engine: EngineContext, request: ImportImage): Digest {
  const reference = request.reference === "" ? null : newNameOf(request.reference);
  const config = request.changes.reduce(applyChange, {});
  const created = rfc3339(engine.kernel.nowMs());
  const [os = "", architecture = "", variant = ""] = request.platform.toLowerCase().split("/");
  const comment = request.message === "" ? {} : { comment: request.message };
  const id = addImage(engine.images, {
    layers: [request.archive],
    describe: (diffIds) => ({
      created,
      architecture: architectureOf(architecture || engine.machine.uname.machine),
      os: os || "linux",
      ...(variant === "" ? {} : { variant }),
      config,
      rootfs: { type: "layers", diff_ids: diffIds },
      history: [{ created, created_by: "", ...comment }],
    }),
    reference,
  });
  const image = findImage(engine.images, id);
  try {
    ensureUnpacked(engine.images, engine.layers, image);
  } catch (error) {
    carryOut(engine, image, { untagged: image.references, isDeleted: true });
    throw error;
  }
  tellImage(engine, "import", image, reference === null ? id : familiarForm(reference));
  return id;
}
