/**
 * Image store: which images there are, and what they are called.
 *
 * The bytes are in the content store, an OCI image layout; its index lists the images by name. This
 * file reads from it what people ask for: an image by any way of naming it, and the configuration
 * with the layers that a container is made from. An image is only listed when all its blobs are
 * there: blobs are written first, the index last.
 *
 *      name ──index.json──▶ manifest ──▶ config ──▶ diff_ids ──▶ unpacked layers (chain ids)
 *
 * Kernel interface: none of its own.
 * Specification: OCI image-spec v1.1, image-layout.md; Docker Engine API v1.50, images.
 * Invariants:
 *   image-id-is-config   an image's id is the hash of its configuration, whose diff_ids are the
 *       hashes of its layers
 *   sweep-is-exact       sweeping removes exactly the blobs that no listed image reaches, and
 *       nothing a second time
 * Left out: several platforms of one name.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { nearest, RuntimeError } from "../errors/index.ts";
import type { Clock, Files } from "../kernel/index.ts";
import {
  chainIds,
  getBlob,
  listBlobs,
  openContentStore,
  putBlob,
  readIndex,
  removeBlob,
  writeIndex,
} from "../layers/index.ts";
import type { ContentStore, Descriptor, Digest, Sha256 } from "../layers/index.ts";
import { MEDIA_TYPES, NAME_ANNOTATION, TAG_ANNOTATION } from "./oci.ts";
import type { ImageConfig, ImageManifest } from "./oci.ts";
import { canonicalForm, familiarForm, parseReference, withDefaultTag } from "./reference.ts";
import type { ImageReference } from "./reference.ts";

/** An image with everything that is said about it. */
export interface Image {
  /** Digest of the configuration. */
  readonly id: Digest;
  readonly manifestDigest: Digest;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  /** Names with tag, sorted; empty for an image that lost its last name. */
  readonly references: readonly ImageReference[];
  /** Chain ids of its layers, bottom first. */
  readonly chain: readonly Digest[];
  /** Bytes of the layers' archives. */
  readonly sizeBytes: number;
}

/** What an image's blobs say: it never changes. */
type ImageContent = Omit<Image, "references">;

/** The images of one engine. */
export interface ImageStore {
  readonly kernel: Files & Clock;
  readonly content: ContentStore;
  /** What was read and checked once, by digest of the manifest. */
  readonly read: Map<Digest, ImageContent>;
}

/** Opens the images of an engine, each of which is read and checked when it is first asked for. */
export function openImageStore(
  kernel: Files & Clock,
  directory: string,
  sha256?: Sha256,
): ImageStore {
  return { kernel, content: openContentStore(kernel, directory, sha256), read: new Map() };
}

/** Every image, in the order of their first appearance in the index. */
export function listImages({ kernel, content, read }: ImageStore): readonly Image[] {
  const byManifest = new Map<Digest, ImageReference[]>();
  for (const descriptor of readIndex(kernel, content)) {
    const references = byManifest.get(descriptor.digest) ?? [];
    const name = descriptor.annotations?.[NAME_ANNOTATION];
    if (name !== undefined) references.push(parseReference(name));
    byManifest.set(descriptor.digest, references);
  }
  for (const digest of read.keys()) if (!byManifest.has(digest)) read.delete(digest);
  return [...byManifest].map(([digest, references]) => {
    const image = read.get(digest) ?? readImage(kernel, content, digest);
    read.set(digest, image);
    const sorted = references.toSorted((a, b) => (canonicalForm(a) < canonicalForm(b) ? -1 : 1));
    return { ...image, references: sorted };
  });
}

function readImage(kernel: Files, content: ContentStore, manifestDigest: Digest): ImageContent {
  // The bytes are those that were hashed when we wrote them: their shape is known.
  const manifest = readJson(kernel, content, manifestDigest) as ImageManifest;
  const config = readJson(kernel, content, manifest.config.digest) as ImageConfig;
  return {
    id: manifest.config.digest,
    manifestDigest,
    manifest,
    config,
    chain: chainIds(config.rootfs.diff_ids),
    sizeBytes: manifest.layers.reduce((sum, { size }) => sum + size, 0),
  };
}

function readJson(kernel: Files, content: ContentStore, digest: Digest): unknown {
  return JSON.parse(new TextDecoder().decode(getBlob(kernel, content, digest)));
}

/**
 * Finds the image that a person means: a name, a name with a digest, an id or the beginning of one.
 *
 * @throws RuntimeError reference-invalid, image-not-found
 * @example findImage(store, "busybox").config.os // "linux"
 */
export function findImage(store: ImageStore, text: string): Image {
  const images = listImages(store);
  const byId = /^(?:sha256:)?([a-f0-9]{1,64})$/u.exec(text)?.[1];
  if (byId?.length === 64) {
    const exact = images.find(({ id }) => id === `sha256:${byId}`);
    if (exact === undefined) throw noSuchImage(text, [], images);
    return exact;
  }
  if (!text.startsWith("sha256:")) {
    const named = imageByName(images, parseReference(text));
    if (named !== undefined) return named;
  }
  const begun =
    byId === undefined ? [] : images.filter(({ id }) => id.startsWith(`sha256:${byId}`));
  const [only] = begun;
  if (only === undefined || begun.length > 1) throw noSuchImage(text, begun, images);
  return only;
}

function imageByName(images: readonly Image[], reference: ImageReference): Image | undefined {
  const wanted = withDefaultTag(reference);
  return images.find(({ references, manifestDigest }) =>
    references.some(
      (name) =>
        name.domain === wanted.domain &&
        name.path === wanted.path &&
        // A digest says more than a tag: where both are given the digest decides.
        (wanted.digest === null ? name.tag === wanted.tag : manifestDigest === wanted.digest),
    ),
  );
}

function noSuchImage(
  text: string,
  candidates: readonly Image[],
  images: readonly Image[],
): RuntimeError {
  const isName = !/^(sha256:)?[a-f0-9]{64}$/u.test(text) && !text.startsWith("sha256:");
  const shown = isName ? familiarForm(withDefaultTag(parseReference(text))) : text;
  const ids = candidates.map(({ id }) => id.slice(7, 19));
  const names = images.flatMap(({ references }) => references.map(familiarForm));
  const meant = nearest(shown, names);
  const list = "drydock images lists the images that are here.";
  return new RuntimeError({
    code: "image-not-found",
    class: "not-found",
    message: `No such image: ${shown}`,
    operation: "find image",
    subject: text,
    hint:
      ids.length > 0
        ? `It could be ${ids.join(" or ")}: give more digits, or a name.`
        : meant === undefined
          ? list
          : `Did you mean ${meant}?`,
  });
}

/** What `addImage` takes: layers as plain tar archives, bottom first. */
export interface NewImage {
  readonly layers: readonly Uint8Array[];
  readonly describe: (diffIds: readonly Digest[]) => ImageConfig;
  /** null: it has no name. */
  readonly reference: ImageReference | null;
}

/**
 * Stores an image and gives it a name; the name is taken from the image that had it. Idempotent,
 * atomic: the image is there when the index is written, which is the last step.
 */
export function addImage(store: ImageStore, image: NewImage): Digest {
  const layers = image.layers.map((tar) => describeBlob(store, MEDIA_TYPES.layer, tar));
  return addManifest(store, layers, image);
}

/** One layer more on an image that is here; the layers below are shared, not copied. */
export function addImageOnto(
  store: ImageStore,
  parent: Image,
  image: Omit<NewImage, "layers"> & { readonly layer: Uint8Array },
): Digest {
  const layer = describeBlob(store, MEDIA_TYPES.layer, image.layer);
  return addManifest(store, [...parent.manifest.layers, layer], image);
}

function addManifest(
  store: ImageStore,
  layers: readonly Descriptor[],
  image: Omit<NewImage, "layers">,
): Digest {
  const { kernel, content } = store;
  // Layers are stored uncompressed, so a layer's digest is its diffID.
  const description = image.describe(layers.map(({ digest }) => digest));
  const config = putJson(store, MEDIA_TYPES.config, description);
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config,
    layers,
  };
  const platform = { architecture: description.architecture, os: description.os };
  const descriptor = putJson(store, MEDIA_TYPES.manifest, manifest);
  if (image.reference !== null) {
    nameManifest(store, { ...descriptor, platform }, image.reference);
    return config.digest;
  }
  const before = readIndex(kernel, content);
  const isKnown = before.some(({ digest }) => digest === descriptor.digest);
  if (!isKnown) writeIndex(kernel, content, [...before, { ...descriptor, platform }]);
  return config.digest;
}

/** Gives an image one more name, which is taken from the image that had it. Idempotent, atomic. */
export function tagImage(store: ImageStore, image: Image, reference: ImageReference): void {
  const listed = readIndex(store.kernel, store.content).find(
    ({ digest }) => digest === image.manifestDigest,
  );
  if (listed === undefined) throw new Error("bug: an image that is not listed");
  nameManifest(store, listed, reference);
}

function nameManifest(
  { kernel, content }: ImageStore,
  descriptor: Descriptor,
  reference: ImageReference,
): void {
  const name = canonicalForm(reference);
  const annotations = {
    [NAME_ANNOTATION]: name,
    [TAG_ANNOTATION]: reference.tag ?? "latest",
  };
  const others = withoutName(readIndex(kernel, content), name).filter(
    (d) => d.digest !== descriptor.digest || d.annotations !== undefined,
  );
  writeIndex(kernel, content, [...others, { ...descriptor, annotations }]);
}

/** An image that loses its last name stays, without one. */
function withoutName(index: readonly Descriptor[], name: string): readonly Descriptor[] {
  const isNamed = ({ annotations }: Descriptor) => annotations?.[NAME_ANNOTATION] === name;
  return index.flatMap((descriptor): readonly Descriptor[] => {
    if (!isNamed(descriptor)) return [descriptor];
    const { annotations: _, ...nameless } = descriptor;
    const hasOthers = index.some((d) => d.digest === descriptor.digest && !isNamed(d));
    return hasOthers ? [] : [nameless];
  });
}

function putJson(store: ImageStore, mediaType: string, value: object): Descriptor {
  return describeBlob(store, mediaType, new TextEncoder().encode(JSON.stringify(value)));
}

function describeBlob(store: ImageStore, mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: putBlob(store.kernel, store.content, bytes), size: bytes.length };
}

/**
 * Removes the blobs that no image reaches: what an interrupted `addImage` left, or a lost name.
 *
 * Nobody may be adding an image meanwhile: adding and removing are each one call that does not
 * wait for anything.
 *
 * @returns what was removed; a second call removes nothing
 */
export function sweepBlobs(store: ImageStore): readonly Digest[] {
  const { kernel, content } = store;
  const reached = new Set(
    listImages(store).flatMap(({ manifestDigest, manifest: { config, layers } }) => [
      manifestDigest,
      config.digest,
      ...layers.map(({ digest }) => digest),
    ]),
  );
  const unreached = listBlobs(kernel, content).filter((digest) => !reached.has(digest));
  for (const digest of unreached) removeBlob(kernel, content, digest);
  return unreached;
}
