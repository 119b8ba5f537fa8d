/**
 * Remove: taking names away from an image, and the image with its last name.
 *
 * A name is taken away by writing the index without it; an image is gone in the same instant. The
 * blobs that nobody reaches any more are removed after that, so whoever dies in between leaves only
 * what the sweep at the next start finds. Whether an image may go depends on how it was named: by a
 * name only that name is meant, by an id the image itself.
 *
 * Kernel interface: none of its own.
 * Specification: Docker Engine API v1.50, ImageDelete; docker image rm reference.
 * Invariants:
 *   image-removal-is-exact   after any tags and removals each image is listed by the names it has
 *       left, its bytes are whole, and nothing is kept for nobody
 * Left out: parents of images: with Docker's classic store an image that others were made of stays;
 *   here each has all its layers itself, and shared ones are stored once.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { readIndex, writeIndex } from "../layers/index.ts";
import type { Descriptor } from "../layers/index.ts";
import { NAME_ANNOTATION } from "./oci.ts";
import { canonicalForm, parseReference, withDefaultTag } from "./reference.ts";
import type { ImageReference } from "./reference.ts";
import { sweepBlobs } from "./store.ts";
import type { Image, ImageStore } from "./store.ts";

/** A container that was made from an image. */
export interface ImageUser {
  readonly containerId: string;
  readonly isRunning: boolean;
}

/** What a removal takes away. */
export interface ImageRemoval {
  readonly untagged: readonly ImageReference[];
  /** false: the image stays, by another name or without one. */
  readonly isDeleted: boolean;
}

/** How a removal is asked for. */
export interface RemovalRequest {
  /** As the person wrote it. */
  readonly text: string;
  readonly force: boolean;
  readonly users: readonly ImageUser[];
}

const SHORT_ID = 12;

/**
 * What removing an image by this text means. Pure.
 *
 * @throws RuntimeError image-in-use, class conflict, in Docker's words
 */
export function planImageRemoval(image: Image, request: RemovalRequest): ImageRemoval {
  return isIdOf(image, request.text) ? planById(image, request) : planByName(image, request);
}

function isIdOf({ id }: Image, text: string): boolean {
  return id.startsWith(text) || id.slice("sha256:".length).startsWith(text);
}

/** Only this name is meant; the image goes with its last one. */
function planByName(image: Image, { text, force, users }: RemovalRequest): ImageRemoval {
  const wanted = withDefaultTag(parseReference(text));
  const untagged = image.references.filter(
    ({ domain, path, tag }) =>
      domain === wanted.domain &&
      path === wanted.path &&
      (wanted.digest !== null || tag === wanted.tag),
  );
  if (untagged.length < image.references.length) return { untagged, isDeleted: false };
  const [user] = users;
  if (user !== undefined && !force) {
    throw conflict(
      image,
      `remove repository reference "${text}" (must force) - ` +
        `container ${short(user.containerId)} is using its referenced image ${shortId(image)}`,
      REMOVE_CONTAINER,
    );
  }
  // What runs keeps its image, from then on without a name.
  return { untagged, isDeleted: !users.some(({ isRunning }) => isRunning) };
}

/** The image is meant, with all its names. */
function planById(image: Image, { force, users }: RemovalRequest): ImageRemoval {
  const refuse = (kind: string, why: string, hint: string): RuntimeError =>
    conflict(image, `delete ${shortId(image)} (${kind}) - image is ${why}`, hint);
  const running = users.find(({ isRunning }) => isRunning);
  if (running !== undefined) {
    const why = `being used by running container ${short(running.containerId)}`;
    throw refuse("cannot be forced", why, "Stop or remove the container first.");
  }
  const [user] = force ? [] : users;
  if (image.references.length > 1 && !force) {
    const hint = "Remove one name after the other, or all of them with -f.";
    throw refuse("must be forced", "referenced in multiple repositories", hint);
  }
  if (user !== undefined) {
    const why = `being used by stopped container ${short(user.containerId)}`;
    throw refuse("must be forced", why, REMOVE_CONTAINER);
  }
  return { untagged: image.references, isDeleted: true };
}

const REMOVE_CONTAINER = "Remove the container first, or say -f: the container keeps its files.";

function conflict({ id }: Image, message: string, hint: string): RuntimeError {
  return new RuntimeError({
    code: "image-in-use",
    class: "conflict",
    message: `conflict: unable to ${message}`,
    operation: "remove image",
    subject: id,
    hint,
  });
}

function short(id: string): string {
  return id.slice(0, SHORT_ID);
}

function shortId({ id }: Image): string {
  return short(id.slice("sha256:".length));
}

/** Carries a removal out. Atomic: the image is gone, or has lost its names, with the index. */
export function applyImageRemoval(
  store: ImageStore,
  { manifestDigest }: Image,
  { untagged, isDeleted }: ImageRemoval,
): void {
  const names = new Set(untagged.map(canonicalForm));
  const before = readIndex(store.kernel, store.content);
  const isOurs = (digest: string): boolean => digest === manifestDigest;
  const kept = before.filter(
    ({ digest, annotations }) =>
      !isOurs(digest) || (!isDeleted && !names.has(annotations?.[NAME_ANNOTATION] ?? "")),
  );
  const isListed = isDeleted || kept.some(({ digest }) => isOurs(digest));
  const nameless = before
    .filter(({ digest }) => isOurs(digest))
    .slice(0, isListed ? 0 : 1)
    .map((descriptor): Descriptor => ({ ...descriptor, annotations: undefined }));
  writeIndex(store.kernel, store.content, [...kept, ...nameless]);
  if (isDeleted) sweepBlobs(store);
}
