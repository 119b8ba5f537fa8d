/**
 * Layers: unpacked layers on the disk, and the writable one of each container.
 *
 * `layers/<chain id>/diff` is one layer's tree, unpacked once and never written again; `l/<short>`
 * is a link to it (see overlay.ts). A layer is unpacked beside its place and renamed into it, so a
 * directory in place is a whole one. What an interrupted unpacking left behind is removed by
 * `sweepLayers` at the next start.
 *
 * Kernel interface: rename(2), symlink(2), overlayfs.
 * Invariants:
 *   layer-is-whole   a layer that exists is complete, whenever the process died
 * Left out: the directory's contents are not flushed to the disk one by one; a layer can be
 *   unpacked again from its blob.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import type { Clock, Files } from "../kernel/index.ts";
import type { UndoStack } from "../undo/index.ts";
import { ensureDirectory, exists } from "./content-store.ts";
import type { Digest } from "./digest.ts";
import { hexOf, toHex } from "./digest.ts";
import { removeTree } from "./remove-tree.ts";
import { unpackLayer } from "./unpack.ts";

/** The unpacked layers of an engine. */
export interface LayerStore {
  /** Holds `layers/` and `l/`. */
  readonly path: string;
  /** The directory of the short links, `<path>/l`: what an overlay mount changes into. */
  readonly linkDirectory: string;
}

/**
 * Hex digits of a chain id in a short link: 127 of them and the other options fit into 4095 bytes.
 */
const LINK_DIGITS = 20;

/** Opens the layer store in an existing directory. Idempotent. */
export function openLayerStore(kernel: Files, path: string): LayerStore {
  // Others may pass (container users need it) but not list.
  ensureDirectory(kernel, `${path}/layers`, 0o711);
  ensureDirectory(kernel, `${path}/l`, 0o711);
  return { path, linkDirectory: `${path}/l` };
}

/** The directory of an unpacked layer, whether it exists or not. */
export function layerDiff(store: LayerStore, chainId: Digest): string {
  return `${store.path}/layers/${hexOf(chainId)}/diff`;
}

/** Whether a layer is unpacked. */
export function hasLayer(kernel: Files, store: LayerStore, chainId: Digest): boolean {
  return exists(kernel, layerDiff(store, chainId));
}

/**
 * Unpacks a layer under its chain id. Idempotent, atomic.
 *
 * @param layerTar the layer's plain tar
 * @throws RuntimeError `layer-invalid` when the tar is damaged or hostile; nothing is left then
 */
export function addLayer(
  kernel: Files & Clock,
  store: LayerStore,
  chainId: Digest,
  layerTar: Uint8Array,
): void {
  const home = `${store.path}/layers/${hexOf(chainId)}`;
  if (!exists(kernel, home)) {
    const temporary = `${home}.${toHex(kernel.random(6))}.tmp`;
    try {
      kernel.mkdir(temporary, 0o711);
      kernel.mkdir(`${temporary}/diff`, 0o755);
      unpackLayer(kernel, layerTar, `${temporary}/diff`);
      // The link first: a link without a layer is harmless, a layer without a link cannot be used.
      ensureLink(kernel, store, chainId);
      kernel.rename(temporary, home);
    } catch (error) {
      removeTree(kernel, temporary);
      throw error;
    }
  }
}

function ensureLink(kernel: Files, store: LayerStore, chainId: Digest): void {
  const link = `${store.linkDirectory}/${layerLink(chainId)}`;
  if (!exists(kernel, link)) kernel.symlink(`../layers/${hexOf(chainId)}/diff`, link);
}

/** The short name of a layer below `linkDirectory`, for `planOverlay`. */
export function layerLink(chainId: Digest): string {
  return hexOf(chainId).slice(0, LINK_DIGITS);
}

/**
 * Takes every unpacked layer away that is not used any more. Idempotent.
 *
 * A layer is gone at once, by a rename; its files, of which there may be many, are for
 * `sweepLayers` to remove.
 *
 * @param used the chain ids that an image or a container has
 * @returns the chain ids that are gone
 */
export function discardLayers(
  kernel: Files & Clock,
  store: LayerStore,
  used: ReadonlySet<Digest>,
): readonly Digest[] {
  const unused = kernel
    .readdir(`${store.path}/layers`)
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
    .map((hex): Digest => `sha256:${hex}`)
    .filter((chainId) => !used.has(chainId));
  for (const chainId of unused) {
    const home = `${store.path}/layers/${hexOf(chainId)}`;
    kernel.rename(home, `${home}.${toHex(kernel.random(6))}.tmp`);
    removeTree(kernel, `${store.linkDirectory}/${layerLink(chainId)}`);
  }
  return unused;
}

/**
 * Removes what an interrupted `addLayer` left, and what `discardLayers` took away.
 * @returns what was removed
 */
export function sweepLayers(kernel: Files, store: LayerStore): readonly string[] {
  const names = kernel.readdir(`${store.path}/layers`);
  const stale = names.filter((name) => name.endsWith(".tmp"));
  for (const name of stale) removeTree(kernel, `${store.path}/layers/${name}`);
  const links = new Set(
    names.filter((n) => !stale.includes(n)).map((n) => n.slice(0, LINK_DIGITS)),
  );
  const loose = kernel.readdir(store.linkDirectory).filter((name) => !links.has(name));
  for (const name of loose) kernel.unlink(`${store.linkDirectory}/${name}`);
  return stale;
}

/** A container's own directories. */
export interface WritableLayer {
  readonly upper: string;
  readonly work: string;
}

/**
 * Makes the directories that take a container's changes.
 *
 * The merged root shows the owner and mode of the upper directory, so these are taken from the
 * image's topmost layer.
 *
 * @param directory is made; removing it with `removeTree` removes the writable layer
 * @param topLayer the directory of the topmost layer
 * @param undo takes the removal
 */
export function makeWritableLayer(
  kernel: Files,
  directory: string,
  topLayer: string,
  undo: UndoStack,
): WritableLayer {
  const root = kernel.stat(topLayer);
  kernel.mkdir(directory, 0o711);
  undo.push(`remove writable layer ${directory}`, () => removeTree(kernel, directory));
  const layer = writableLayerIn(directory);
  kernel.mkdir(layer.work, 0o700);
  kernel.mkdir(layer.upper, root.mode);
  if (root.hostUid !== 0 || root.hostGid !== 0) {
    kernel.lchown(layer.upper, root.hostUid, root.hostGid);
  }
  return layer;
}

/** Where the writable layer in a directory has its parts. */
export function writableLayerIn(directory: string): WritableLayer {
  return { upper: `${directory}/diff`, work: `${directory}/work` };
}
