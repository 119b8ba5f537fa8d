/**
 * Base image: the one image that every engine has, `busybox:latest`.
 *
 * Made once from the programs of this machine (base-tree.ts) and from then on an image like any
 * other: a layer, a configuration, a manifest and a name in the store. All times in it are one
 * fixed moment, so that the same busybox gives the same digests on every machine and every day.
 *
 * Kernel interface: none of its own.
 * Specification: OCI image-spec v1.1, config.md.
 * Invariants: see `base-tree.ts`.
 * Left out: making it again when the system's busybox is upgraded: remove the root's image first.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { addLayer, formatTar, getBlob, hasLayer } from "../layers/index.ts";
import type { LayerStore, TarEntry } from "../layers/index.ts";
import { readBaseTree } from "./base-tree.ts";
import type { BaseEntry, BaseTree } from "./base-tree.ts";
import type { ImageConfig } from "./oci.ts";
import { parseReference } from "./reference.ts";
import { addImage, findImage } from "./store.ts";
import type { Image, ImageStore } from "./store.ts";

/** The name that the embedded image has. */
export const BASE_IMAGE = "docker.io/library/busybox:latest";

/** The moment that stands for "when this image was made". */
const CREATED_SECONDS = 1_767_225_600;
const CREATED = "2026-01-01T00:00:00Z";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Makes the embedded image where it is missing. Idempotent; takes no time when it is there.
 *
 * @param machine as uname(2) names it: `"x86_64"`
 * @throws RuntimeError image-invalid when this machine has nothing to make it from
 */
export function ensureBaseImage(store: ImageStore, layers: LayerStore, machine: string): void {
  const image = baseImageIn(store);
  if (image !== undefined) return ensureUnpacked(store, layers, image);
  const tree = readBaseTree(store.kernel);
  addImage(store, {
    layers: [formatTar(tree.entries.map(tarEntry))],
    describe: (diffIds) => describe(tree, machine, diffIds),
    reference: parseReference(BASE_IMAGE),
  });
  ensureUnpacked(store, layers, findImage(store, BASE_IMAGE));
}

function baseImageIn(store: ImageStore): Image | undefined {
  try {
    return findImage(store, BASE_IMAGE);
  } catch (error) {
    if (error instanceof RuntimeError && error.code === "image-not-found") return undefined;
    throw error;
  }
}

/**
 * Unpacks the layers of an image that are not unpacked yet. Idempotent.
 *
 * @throws RuntimeError layer-invalid when a blob is missing or damaged
 */
export function ensureUnpacked(store: ImageStore, layers: LayerStore, image: Image): void {
  const { kernel, content } = store;
  for (const [index, chainId] of image.chain.entries()) {
    const layer = image.manifest.layers[index];
    if (layer === undefined || hasLayer(kernel, layers, chainId)) continue;
    addLayer(kernel, layers, chainId, getBlob(kernel, content, layer.digest));
  }
}

function tarEntry(entry: BaseEntry): TarEntry {
  return {
    path: entry.path,
    type: entry.type,
    mode: entry.permissions,
    uid: 0,
    gid: 0,
    mtimeSeconds: CREATED_SECONDS,
    linkPath: entry.type === "symlink" ? entry.target : "",
    major: 0,
    minor: 0,
    xattrs: new Map(),
    data: entry.type === "file" ? entry.content : new Uint8Array(0),
  };
}

function describe(
  { origin }: BaseTree,
  machine: string,
  diffIds: ImageConfig["rootfs"]["diff_ids"],
): ImageConfig {
  return {
    created: CREATED,
    architecture: architectureOf(machine),
    os: "linux",
    config: { Env: [PATH], Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: diffIds },
    history: [
      { created: CREATED, created_by: "drydock: embedded image", comment: `from ${origin}` },
      { created: CREATED, created_by: 'CMD ["sh"]', empty_layer: true },
    ],
  };
}

/**
 * Go's word for an architecture, which images use, from the kernel's.
 *
 * @example architectureOf("x86_64") // "amd64"
 */
export function architectureOf(machine: string): string {
  const words: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };
  return words[machine] ?? machine;
}
