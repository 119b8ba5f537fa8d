/**
 * Describe: images in the shape of the Docker Engine API: list, inspect, history.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, ImageSummary, ImageInspect, HistoryResponseItem.
 * Invariants: none.
 * Left out: Identity and attestations; SharedSize, which would need a walk over all layers.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import type { ImageRunConfig } from "./oci.ts";
import { familiarForm, familiarName } from "./reference.ts";
import type { Image } from "./store.ts";

type ApiObject = Readonly<Record<string, unknown>>;

/** One entry of `GET /images/json`. */
export function imageSummary(image: Image): ApiObject {
  return {
    Containers: -1,
    Created: Math.floor(Date.parse(image.config.created) / 1000),
    Id: image.id,
    Labels: image.config.config.Labels ?? null,
    ParentId: "",
    RepoDigests: [],
    RepoTags: image.references.map(familiarForm),
    SharedSize: -1,
    Size: image.sizeBytes,
  };
}

/** What is known of an image beside its blobs. */
export interface ImageUse {
  /** Ids of the containers that were made from it. */
  readonly containers: readonly string[];
  readonly unpackedBytes: number;
}

/**
 * One entry of `GET /images/json?manifests=1`: with what lies on the disk for it, blobs and
 * unpacked layers. There is one manifest, since an image here is of one platform.
 */
export function imageWithManifest(image: Image, use: ImageUse): ApiObject {
  const { architecture, os, variant } = image.config;
  const platform = { architecture, os, ...(variant === undefined ? {} : { variant }) };
  const descriptor = descriptorOf(image);
  const content = descriptor.size + image.manifest.config.size + image.sizeBytes;
  const manifest = {
    ID: image.manifestDigest,
    Descriptor: { ...descriptor, platform },
    Available: true,
    Size: { Content: content, Total: content + use.unpackedBytes },
    Kind: "image",
    ImageData: {
      Platform: platform,
      Containers: use.containers,
      Size: { Unpacked: use.unpackedBytes },
      // The API's schema describes the field above, and demands this one.
      UnpackedSize: use.unpackedBytes,
    },
  };
  const summary = imageSummary(image);
  return { ...summary, Size: manifest.Size.Total, Manifests: [manifest] };
}

function descriptorOf({ manifest, manifestDigest }: Image) {
  const { mediaType } = manifest;
  return { mediaType, digest: manifestDigest, size: JSON.stringify(manifest).length };
}

/**
 * The answer of `GET /images/{name}/json`.
 *
 * @param layerDirs directories of the unpacked layers, bottom first
 * @param driver the storage driver's name
 */
export function imageInspect(
  image: Image,
  layerDirs: readonly string[],
  driver: string,
): ApiObject {
  const { config } = image;
  const [upper = "", ...lower] = layerDirs.toReversed();
  return {
    Id: image.id,
    RepoTags: image.references.map(familiarForm),
    RepoDigests: [],
    Parent: "",
    Comment: config.history.at(-1)?.comment ?? "",
    Created: config.created,
    DockerVersion: "",
    Author: config.author ?? "",
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: image.sizeBytes,
    GraphDriver: {
      Data: { ...(lower.length === 0 ? {} : { LowerDir: lower.join(":") }), UpperDir: upper },
      Name: driver,
    },
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: "0001-01-01T00:00:00Z" },
    Descriptor: descriptorOf(image),
    Config: imageConfigObject(config.config),
  };
}

/** Docker fills in what an image leaves out. */
function imageConfigObject(config: ImageRunConfig): ApiObject {
  return {
    User: config.User ?? "",
    Env: config.Env ?? [],
    Cmd: config.Cmd ?? null,
    Image: "",
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? "",
    Entrypoint: config.Entrypoint ?? null,
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? null,
    // What is undefined is left out of the answer.
    ExposedPorts: config.ExposedPorts,
    StopSignal: config.StopSignal,
    Healthcheck: config.Healthcheck,
  };
}

/**
 * The answer of `GET /images/{name}/history`: the newest step first, sizes beside those that made a
 * layer.
 */
export function imageHistory(image: Image): readonly ApiObject[] {
  let layer = 0;
  const steps = image.config.history.map((step) => ({
    Id: "<missing>",
    Created: Math.floor(Date.parse(step.created) / 1000),
    CreatedBy: step.created_by,
    Tags: null as readonly string[] | null,
    Size: step.empty_layer === true ? 0 : (image.manifest.layers[layer++]?.size ?? 0),
    Comment: step.comment ?? "",
  }));
  return steps
    .toReversed()
    .map((step, index) =>
      index > 0 ? step : { ...step, Id: image.id, Tags: image.references.map(familiarForm) },
    );
}

/**
 * Whether an image has a name that a pattern matches, as Go's path.Match as far as names need it:
 * `*` and `?` do not cross a slash.
 */
export function hasNameLike({ references }: Image, glob: string): boolean {
  const body = glob.replace(/[^\w]/gu, (character) => {
    if (character === "*") return "[^/]*";
    return character === "?" ? "[^/]" : `\\${character}`;
  });
  // Only punctuation is escaped, so this pattern is read without the u flag, which refuses "\-".
  const pattern = new RegExp(`^${body}$`);
  return references.some((r) => pattern.test(familiarForm(r)) || pattern.test(familiarName(r)));
}
