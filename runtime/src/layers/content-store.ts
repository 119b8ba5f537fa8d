/**
 * Layers: the content store, an OCI image layout that any tool can read.
 *
 * Three kinds of file: `oci-layout` says what this directory is, `blobs/sha256/<hex>` holds bytes
 * under their own hash, `index.json` lists the images. A blob is written to a temporary name,
 * flushed, and renamed: at no instant is there a file under a hash that does not match it, even
 * when the power goes.
 *
 * Kernel interface: rename(2), fsync(2).
 * Specification: OCI image-spec v1.1, image-layout.md.
 * Invariants:
 *   blob-name-is-hash   every blob's name is the hash of its bytes; reading finds every flipped
 *                       bit; putting is idempotent
 * Left out: blobs larger than memory; writing in pieces comes with pulling.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import type { Clock, Files } from "../kernel/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { Digest, Sha256 } from "./digest.ts";
import { digestOf, hexOf, toHex } from "./digest.ts";

/** A content store, by its directory. */
export interface ContentStore {
  readonly path: string;
  /** The hash of the machine; absent: that of `digestOf`. */
  readonly sha256: Sha256 | undefined;
}

/** What index.json says about one image: OCI image-spec, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly platform?: { readonly architecture: string; readonly os: string };
}

const LAYOUT = `{"imageLayoutVersion":"1.0.0"}`;

/**
 * Opens the content store in a directory, making what is missing. Idempotent.
 *
 * @param path the directory of the OCI image layout; the directory above must exist
 * @param sha256 computes the hashes of blobs
 */
export function openContentStore(
  kernel: Files & Clock,
  path: string,
  sha256?: Sha256,
): ContentStore {
  for (const directory of [path, `${path}/blobs`, `${path}/blobs/sha256`]) {
    ensureDirectory(kernel, directory, 0o700);
  }
  if (!exists(kernel, `${path}/oci-layout`)) writeAtomically(kernel, `${path}/oci-layout`, LAYOUT);
  return { path, sha256 };
}

/** Whether anything was ever listed here: the index is written with the first image. */
export function hasIndex(kernel: Files, store: ContentStore): boolean {
  return exists(kernel, `${store.path}/index.json`);
}

/** Whether a blob is here. */
export function hasBlob(kernel: Files, store: ContentStore, digest: Digest): boolean {
  return exists(kernel, blobPath(store, digest));
}

/**
 * Stores bytes under their hash. Idempotent, atomic, durable when it returns.
 *
 * @example putBlob(kernel, store, new TextEncoder().encode("{}")) // "sha256:44136fa3…"
 */
export function putBlob(kernel: Files & Clock, store: ContentStore, bytes: Uint8Array): Digest {
  const digest = digestOf(bytes, store.sha256);
  const path = blobPath(store, digest);
  // A file cut short by a full disk or a crash of the file system is written again.
  const isThere = exists(kernel, path) && kernel.lstat(path).sizeBytes === bytes.length;
  if (!isThere) writeAtomically(kernel, path, bytes);
  return digest;
}

/**
 * The bytes of a blob, checked against its name.
 *
 * @throws RuntimeError `layer-invalid`, class not-found when it is missing and internal when its
 *   bytes are damaged
 */
export function getBlob(kernel: Files, store: ContentStore, digest: Digest): Uint8Array {
  const path = blobPath(store, digest);
  if (!exists(kernel, path)) throw blobError(digest, "not-found", `blob ${digest} is missing`);
  const bytes = kernel.readFile(path);
  const actual = digestOf(bytes, store.sha256);
  if (actual === digest) return bytes;
  throw blobError(digest, "internal", `blob ${digest} is damaged: its bytes hash to ${actual}`);
}

function blobError(subject: Digest, kind: "not-found" | "internal", message: string): RuntimeError {
  return new RuntimeError({
    code: "layer-invalid",
    class: kind,
    operation: "read blob",
    subject,
    message,
    hint: "Remove the image that uses it and make or pull it again.",
  });
}

/** Forgets a blob. Idempotent. Whether somebody still needs it is the caller's to know. */
export function removeBlob(kernel: Files, store: ContentStore, digest: Digest): void {
  removeFile(kernel, blobPath(store, digest));
}

/** The digests of all blobs. Temporary files of an interrupted put are not among them. */
export function listBlobs(kernel: Files, store: ContentStore): readonly Digest[] {
  return kernel
    .readdir(`${store.path}/blobs/sha256`)
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
    .map((hex): Digest => `sha256:${hex}`);
}

/**
 * The images that index.json lists; none before it is written.
 *
 * @throws RuntimeError `state-unreadable` when the file is no index
 */
export function readIndex(kernel: Files, store: ContentStore): readonly Descriptor[] {
  if (!hasIndex(kernel, store)) return [];
  const path = `${store.path}/index.json`;
  try {
    const index: unknown = JSON.parse(kernel.readText(path));
    if (typeof index === "object" && index !== null && "manifests" in index) {
      // Only `writeIndex` writes this file.
      if (Array.isArray(index.manifests)) return index.manifests as readonly Descriptor[];
    }
  } catch (cause) {
    throw indexError(path, cause);
  }
  throw indexError(path, undefined);
}

function indexError(subject: string, cause: unknown): RuntimeError {
  return new RuntimeError({
    code: "state-unreadable",
    class: "internal",
    operation: "read image index",
    subject,
    message: `Cannot read the image index "${subject}"`,
    hint: "It must be an OCI image index with a list of manifests.",
    cause,
  });
}

/** Replaces the list of images. Atomic, durable when it returns. */
export function writeIndex(
  kernel: Files & Clock,
  store: ContentStore,
  manifests: readonly Descriptor[],
): void {
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const text = JSON.stringify({ schemaVersion: 2, mediaType, manifests }, undefined, 2);
  writeAtomically(kernel, `${store.path}/index.json`, text);
}

function blobPath(store: ContentStore, digest: Digest): string {
  return `${store.path}/blobs/sha256/${hexOf(digest)}`;
}

/**
 * Writes a whole file: temporary name, fsync, rename, fsync of the directory. On failure nothing is
 * left.
 */
export function writeAtomically(
  kernel: Files & Clock,
  path: string,
  content: Uint8Array | string,
): void {
  const temporary = `${path}.${toHex(kernel.random(6))}.tmp`;
  try {
    kernel.writeFile(temporary, content, "exclusive", 0o600);
    kernel.fsync(temporary);
    kernel.rename(temporary, path);
  } catch (error) {
    removeFile(kernel, temporary);
    throw error;
  }
  // The rename itself is on the disk only when the directory is.
  kernel.fsync(path.slice(0, path.lastIndexOf("/")) || "/");
}

/** Whether a name exists, itself, not what a link leads to. */
export function exists(kernel: Files, path: string): boolean {
  return kernel.lstatIfPresent(path) !== undefined;
}

/** mkdir that is content when the directory is there. */
export function ensureDirectory(kernel: Files, path: string, permissions: number): void {
  try {
    kernel.mkdir(path, permissions);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== "EEXIST") throw error;
  }
}

/** unlink that is content when the file is gone. */
export function removeFile(kernel: Files, path: string): void {
  try {
    kernel.unlink(path);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== "ENOENT") throw error;
  }
}
