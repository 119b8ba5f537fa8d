/**
 * Image references: the names that people give to images, and the one form that machines compare.
 *
 * `busybox`, `library/busybox` and `docker.io/library/busybox:latest` are the same image. The
 * canonical form spells everything out; the familiar form leaves out what is the default. A
 * reference is a repository (a registry's host and a path), then perhaps a tag, then perhaps the
 * digest of one manifest:
 *
 *      docker.io / library/busybox : 1.36 @ sha256:9ae9…
 *      └ domain    └ path            └ tag   └ digest
 *
 * Whether the first word is a host is a convention: it is one when it has a dot, a colon or a
 * capital letter, or is `localhost`. 64 hexadecimal digits are never a name, since they mean an
 * image's id.
 *
 * Kernel interface: none.
 * Specification: github.com/distribution/reference v0.6, "Grammar"; OCI distribution-spec v1.1,
 * "Pulling manifests".
 * Invariants:
 *   reference-round-trip   parsing what was printed gives the same reference, in the familiar and
 *       the canonical form
 *   hex-is-never-a-name    64 hex digits are refused as a repository, and so are capitals, each
 *       with its own text
 *   reference-limits       a path of more than 255 characters and a tag of more than 128 are
 *       refused, shorter ones not
 * Left out: nothing; where Docker's familiar form cannot be read back (`docker.io/localhost/x`)
 * ours keeps the domain.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";

/** A name of an image in its parts; `tag` and `digest` are null when the text had none. */
export interface ImageReference {
  readonly domain: string;
  readonly path: string;
  readonly tag: string | null;
  /** `sha256:` and 64 hex digits. */
  readonly digest: string | null;
}

/**
 * What a person may write to mean an image: a name, or the id of an image or the beginning of one.
 */
export type ImageQuery =
  | { readonly kind: "name"; readonly reference: ImageReference }
  | { readonly kind: "id"; readonly id: string };

const DEFAULT_DOMAIN = "docker.io";
const LEGACY_DOMAIN = "index.docker.io";
const OFFICIAL = "library/";
const PATH_MAX = 255;

const ALPHANUMERIC = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const PATH = `${ALPHANUMERIC}(?:/${ALPHANUMERIC})*`;
const HOST_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const HOST = `(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[(?:[a-fA-F0-9:]+)\\])`;
const TAG = "[\\w][\\w.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const WHOLE = new RegExp(`^(${HOST}(?::[0-9]+)?)/(${PATH})(?::(${TAG}))?(?:@(${DIGEST}))?$`, "u");
const HEX_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/**
 * Reads the name of an image.
 *
 * @param text as a person wrote it, for example `"busybox"` or `"localhost:5000/a/b:1"`
 * @throws RuntimeError reference-invalid, with Docker's text
 * @example parseReference("busybox").path // "library/busybox"
 */
export function parseReference(text: string): ImageReference {
  if (/^[a-f0-9]{64}$/u.test(text)) {
    throw invalid(
      text,
      `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`,
    );
  }
  const { domain, rest } = splitDomain(text);
  const path = rest.split(/[:@]/u, 1)[0] ?? "";
  if (path !== path.toLowerCase()) {
    throw invalid(text, `invalid reference format: repository name (${path}) must be lowercase`);
  }
  const match = WHOLE.exec(`${domain}/${rest}`);
  if (match === null) throw invalid(text, "invalid reference format");
  const [, , name = "", tag = null, digest = null] = match;
  if (name.length > PATH_MAX) {
    throw invalid(text, `repository name must not be more than ${PATH_MAX} characters`);
  }
  if (digest !== null) checkDigest(text, digest);
  return { domain, path: name, tag, digest };
}

/**
 * Reads a name or an id: 64 hex digits and `sha256:…` are ids, everything else is a name.
 *
 * @throws RuntimeError reference-invalid
 * @example parseImageQuery("sha256:" + "a".repeat(64)).kind // "id"
 */
export function parseImageQuery(text: string): ImageQuery {
  if (/^(sha256:)?[a-f0-9]{64}$/u.test(text)) {
    return { kind: "id", id: text.startsWith("sha256:") ? text : `sha256:${text}` };
  }
  return { kind: "name", reference: parseReference(text) };
}

/**
 * The full form, with nothing left out but a missing tag.
 *
 * @example canonicalForm(parseReference("busybox:1")) // "docker.io/library/busybox:1"
 */
export function canonicalForm(reference: ImageReference): string {
  return `${reference.domain}/${reference.path}${suffixOf(reference)}`;
}

/**
 * The short form that people use, without the default registry and its `library/`.
 *
 * @example familiarForm(parseReference("docker.io/library/busybox:1")) // "busybox:1"
 */
export function familiarForm(reference: ImageReference): string {
  return `${familiarName(reference)}${suffixOf(reference)}`;
}

/**
 * The repository in its short form, without tag and digest.
 *
 * @example familiarName(parseReference("docker.io/library/busybox:1")) // "busybox"
 */
export function familiarName(reference: ImageReference): string {
  const full = `${reference.domain}/${reference.path}`;
  if (reference.domain !== DEFAULT_DOMAIN) return full;
  const official = reference.path.startsWith(OFFICIAL) ? reference.path.slice(OFFICIAL.length) : "";
  // 64 hex digits cannot be read back as a name, so this one repository keeps its "library/".
  if (official !== "" && !official.includes("/") && !/^[a-f0-9]{64}$/u.test(official))
    return official;
  // A path whose first word would be read as a host needs its domain before it.
  return splitDomain(reference.path).rest === reference.path ? reference.path : full;
}

/**
 * The same reference with `latest` where it has neither tag nor digest.
 *
 * @example familiarForm(withDefaultTag(parseReference("busybox"))) // "busybox:latest"
 */
export function withDefaultTag(reference: ImageReference): ImageReference {
  if (reference.tag !== null || reference.digest !== null) return reference;
  return { ...reference, tag: "latest" };
}

function suffixOf({ tag, digest }: ImageReference): string {
  return (tag === null ? "" : `:${tag}`) + (digest === null ? "" : `@${digest}`);
}

/** Decides whether the first word is a registry's host. */
function splitDomain(text: string): { readonly domain: string; readonly rest: string } {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const isHost = first === "localhost" || /[.:]/u.test(first) || first !== first.toLowerCase();
  const domain = isHost && first !== LEGACY_DOMAIN ? first : DEFAULT_DOMAIN;
  const rest = isHost ? text.slice(slash + 1) : text;
  return {
    domain,
    rest: domain === DEFAULT_DOMAIN && !rest.includes("/") ? OFFICIAL + rest : rest,
  };
}

function checkDigest(text: string, digest: string): void {
  const [algorithm = "", hex = ""] = digest.split(":");
  const length = HEX_LENGTH[algorithm];
  if (length === undefined) throw invalid(text, "unsupported digest algorithm");
  if (hex.length !== length) throw invalid(text, "invalid checksum digest length");
  if (hex !== hex.toLowerCase()) throw invalid(text, "invalid checksum digest format");
}

function invalid(text: string, message: string): RuntimeError {
  return new RuntimeError({
    code: "reference-invalid",
    class: "invalid",
    message,
    operation: "parse image reference",
    subject: text,
    hint: "A name is [HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST], its path in lower case.",
  });
}
