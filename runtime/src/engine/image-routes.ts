/**
 * Images: what the engine serves of them.
 *
 * Kernel interface: none of its own.
 * Specification: Docker Engine API v1.50, images.
 * Invariants: none.
 * Left out: pulling from a registry (a later chapter).
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { nearest, RuntimeError } from "../errors/index.ts";
import {
  BASE_IMAGE,
  canonicalForm,
  ensureBaseImage,
  familiarForm,
  familiarName,
  findImage,
  imageHistory,
  imageInspect,
  imageSummary,
  imageWithManifest,
  listImages,
  parseReference,
  withDefaultTag,
} from "../images/index.ts";
import type { Image } from "../images/index.ts";
import { layerDiff } from "../layers/index.ts";
import type { EngineContext } from "./context.ts";
import type { ApiObject, Filters } from "./engine.ts";
import { compileImageFilters } from "./image-filters.ts";
import { usersOf } from "./image-changes.ts";
import { STORAGE_DRIVER } from "./inspect.ts";
import { treeBytes } from "./listing.ts";

/**
 * The answer of `GET /images/json`, newest first.
 *
 * @param describe how each image is shown
 * @throws RuntimeError filter-invalid
 */
export function imageList(
  { images, kernel }: EngineContext,
  filters: Filters,
  describe: (image: Image) => ApiObject = imageSummary,
): readonly ApiObject[] {
  const isWanted = compileImageFilters(filters, {
    createdMs: (reference) => Date.parse(findImage(images, reference).config.created),
    nowMs: kernel.nowMs(),
  });
  return listImages(images)
    .filter(isWanted)
    .map(describe)
    .toSorted((a, b) => Number(b["Created"]) - Number(a["Created"]));
}

/** The same with manifests: who uses each image, and what lies on the disk for it. */
export function imageListWithManifests(
  engine: EngineContext,
  filters: Filters,
): readonly ApiObject[] {
  const { kernel, layers } = engine;
  return imageList(engine, filters, (image) =>
    imageWithManifest(image, {
      containers: usersOf(engine, image).map(({ containerId }) => containerId),
      unpackedBytes: image.chain.reduce(
        (bytes, chainId) => bytes + treeBytes(kernel, layerDiff(layers, chainId)),
        0,
      ),
    }),
  );
}

/** The answer of `GET /images/{name}/json`. @throws RuntimeError image-not-found */
export function inspectImage(engine: EngineContext, reference: string): ApiObject {
  const image = findImage(engine.images, reference);
  const directories = image.chain.map((chainId) => layerDiff(engine.layers, chainId));
  return imageInspect(image, directories, STORAGE_DRIVER);
}

/** The answer of `GET /images/{name}/history`. @throws RuntimeError image-not-found */
export function historyOf({ images }: EngineContext, reference: string): readonly ApiObject[] {
  return imageHistory(findImage(images, reference));
}

/**
 * Succeeds when the image is here, or is the embedded one, which can always be made.
 *
 * @throws RuntimeError reference-invalid, image-pull-failed
 */
export function requireImage(engine: EngineContext, reference: string): void {
  const { images, layers, machine } = engine;
  const wanted = parseReference(reference);
  const name = familiarName(wanted);
  if (canonicalForm(withDefaultTag(wanted)) === BASE_IMAGE) {
    return ensureBaseImage(images, layers, machine.uname.machine);
  }
  try {
    findImage(images, reference);
  } catch (cause) {
    if (!(cause instanceof RuntimeError) || cause.code !== "image-not-found") throw cause;
    throw new RuntimeError({
      code: "image-pull-failed",
      class: "not-found",
      message:
        `pull access denied for ${name}, ` +
        "repository does not exist or may require 'docker login'",
      operation: "pull image",
      subject: reference,
      hint: pullHint(name, listImages(images)),
      cause,
    });
  }
}

/** Names that people mistype. */
const WELL_KNOWN = (
  "alpine busybox centos debian fedora golang haproxy hello-world httpd mariadb memcached mongo " +
  "mysql nginx node openjdk php postgres python rabbitmq redis registry ruby rust traefik ubuntu " +
  "wordpress"
).split(" ");

function pullHint(name: string, images: readonly Image[]): string {
  const local = images.flatMap(({ references }) => references.map(familiarForm));
  const meant = nearest(name, [
    ...local.map((each) => each.replace(/:[^/]*$/u, "")),
    ...WELL_KNOWN,
  ]);
  const question = meant === undefined || meant === name ? "" : `Did you mean ${meant}? `;
  return `${question}There is no registry client yet. Images that are here: ${local.join(", ")}.`;
}
