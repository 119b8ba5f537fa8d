/**
 * OCI image format: the JSON documents that make an image.
 *
 * An index names manifests; a manifest names one configuration and the layers, by digest; the
 * configuration says what to run and lists the layers' uncompressed digests (diffIDs) from the
 * bottom up. The image's id is the digest of the configuration. All documents are blobs: their name
 * is the hash of their bytes, so nothing in an image can change.
 *
 *      index.json ──▶ manifest ──┬──▶ config   (Cmd, Env, rootfs.diff_ids, history)
 *                                └──▶ layers   (digests of tar archives)
 *
 * Kernel interface: none.
 * Specification: OCI image-spec v1.1, config.md, manifest.md, image-layout.md.
 * Invariants: none of its own; see `store.ts`.
 * Left out: annotations beyond the name, artifacts, referrers.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import type { Descriptor, Digest } from "../layers/index.ts";

/** Media types that we write. */
export const MEDIA_TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/** One image for one platform. */
export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType: typeof MEDIA_TYPES.manifest;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** What a container of the image runs with unless its creator says otherwise. */
export interface ImageRunConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Docker's own: instructions for a build that stands on this image. */
  readonly OnBuild?: readonly string[];
  /** Docker's own: OCI has no such field. Durations in nanoseconds. */
  readonly Healthcheck?: {
    readonly Test?: readonly string[];
    readonly Interval?: number;
    readonly Timeout?: number;
    readonly StartPeriod?: number;
    readonly StartInterval?: number;
    readonly Retries?: number;
  };
}

/** One step of an image's making. */
export interface ImageHistory {
  /** RFC 3339 */
  readonly created: string;
  readonly created_by: string;
  readonly comment?: string;
  readonly author?: string;
  /** Present and true: this step made no layer. */
  readonly empty_layer?: boolean;
}

/** An image's configuration blob. */
export interface ImageConfig {
  readonly author?: string;
  /** RFC 3339 */
  readonly created: string;
  readonly architecture: string;
  readonly os: string;
  /** Of the architecture: "v8". */
  readonly variant?: string;
  readonly config: ImageRunConfig;
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly Digest[] };
  readonly history: readonly ImageHistory[];
}

/** Key under which a layout's index keeps the full name of an image (as containerd does). */
export const NAME_ANNOTATION = "io.containerd.image.name";

/** Key under which a layout's index keeps the tag alone (image-spec, annotations.md). */
export const TAG_ANNOTATION = "org.opencontainers.image.ref.name";
