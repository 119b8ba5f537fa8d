/**
 * Layers: a blob's name is the hash of its bytes.
 *
 * Whoever knows the name can check the bytes, whoever has the same bytes has the same name: that is
 * all there is to a content store. The hash is computed here, in any browser; who has a machine
 * with instructions for it, many times as fast, may pass its own.
 *
 * Kernel interface: none.
 * Specification: OCI image-spec v1.1, descriptor.md, "Digests".
 * Invariants:
 *   digest-is-sha256   the digest of bytes is what every other sha256 says, however the bytes are
 *                      cut into pieces
 * Left out: sha512, which the specification allows and no registry uses.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js"; // oxlint-disable-line no-restricted-imports -- the package's own path
import { RuntimeError } from "../errors/index.ts";

/**
 * `sha256:` and 64 hex digits. A digest names compressed or plain bytes, a diffID names a layer's
 * plain tar.
 */
export type Digest = `sha256:${string}`;

/** A hash that is fed piece by piece. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** The digest of everything fed; call it once, last. */
  digest(): Digest;
}

/** Starts a hash. */
export function createHasher(): Hasher {
  const hash = sha256.create();
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => `sha256:${toHex(hash.digest())}`,
  };
}

/** The 32 bytes of a hash. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/**
 * The digest of bytes, or of text as UTF-8.
 *
 * @param hash what computes it
 * @example digestOf("") // "sha256:e3b0c442…"
 */
export function digestOf(content: Uint8Array | string, hash: Sha256 = sha256): Digest {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return `sha256:${toHex(hash(bytes))}`;
}

/** Bytes as lower-case hex digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The hex digits of a digest.
 *
 * @throws RuntimeError `layer-invalid` when it is no sha256 digest; a path is made from the answer,
 *   so this check matters
 */
export function hexOf(digest: string): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
  if (match?.[1] !== undefined) return match[1];
  throw new RuntimeError({
    code: "layer-invalid",
    class: "invalid",
    operation: "read digest",
    subject: digest,
    message: `invalid digest "${digest}"`,
    hint: "A digest is sha256: and 64 hex digits in lower case.",
  });
}
