export { chainIds } from "./chain.ts";
export { type Change, readChanges } from "./changes.ts";
export {
  type ContentStore,
  type Descriptor,
  getBlob,
  hasBlob,
  hasIndex,
  listBlobs,
  openContentStore,
  putBlob,
  readIndex,
  removeBlob,
  writeIndex,
} from "./content-store.ts";
export { createHasher, type Digest, digestOf, type Sha256 } from "./digest.ts";
export {
  addLayer,
  discardLayers,
  hasLayer,
  layerDiff,
  layerLink,
  type LayerStore,
  makeWritableLayer,
  openLayerStore,
  sweepLayers,
  type WritableLayer,
  writableLayerIn,
} from "./layer-store.ts";
export { type OverlayPlan, type OverlayRequest, planOverlay } from "./overlay.ts";
export { packTree } from "./pack.ts";
export { removeTree } from "./remove-tree.ts";
export { attributedAt, makeInode, setAttributes } from "./tar-inode.ts";
export { formatTar, formatTarHead, tarEnd, tarPadding } from "./tar-print.ts";
export { readTar } from "./tar-read.ts";
export { EMPTY_ENTRY, parseTar, type TarEntry, type TarType } from "./tar.ts";
export { streamTree, type TreeStreamOptions } from "./tree-stream.ts";
export { unpackLayer, type UnpackReport } from "./unpack.ts";
