/**
 * References: the names of images, in the long and in the familiar form.
 *
 *     busybox                     is short for  docker.io/library/busybox:latest
 *     localhost:5000/team/app:1   names its registry
 *
 * Kernel interface: none.
 * Specification: distribution/reference, "Grammar".
 * Invariants: none.
 * Left out: references that are bare ids of 64 digits.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure } from "./failure.ts";

/** The parts of a reference in the long form. */
export interface Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const HUB = "docker.io";
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const DOMAIN =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9-]+)*(?::\d+)?$|^\[[0-9a-fA-F:]+\](?::\d+)?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/**
 * Parses a reference as people write it.
 *
 * @throws Failure with exit code 1 and Docker's words
 * @example parseReference("busybox") // { domain: "docker.io", path: "library/busybox", … }
 */
export function parseReference(text: string): Reference {
  const [beforeDigest = "", digest] = splitOnce(text, "@");
  const { name, tag } = splitTag(beforeDigest);
  const { domain, path } = splitDomain(name);
  if (path.toLowerCase() !== path) {
    throw fail(`invalid reference format: repository name (${path}) must be lowercase`);
  }
  const wellFormed =
    PATH.test(path) &&
    DOMAIN.test(domain) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!wellFormed) throw fail("invalid reference format");
  return { domain, path, tag, digest };
}

function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** A tag follows the last colon, unless that belongs to the port of the domain. */
function splitTag(text: string): { readonly name: string; readonly tag: string | undefined } {
  const at = text.lastIndexOf(":");
  if (at === -1 || text.slice(at).includes("/")) return { name: text, tag: undefined };
  return { name: text.slice(0, at), tag: text.slice(at + 1) };
}

/** The first part is a domain when it looks like one. */
function splitDomain(name: string): { readonly domain: string; readonly path: string } {
  const [first = "", rest] = splitOnce(name, "/");
  const isDomain =
    rest !== undefined &&
    (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  const domain = isDomain ? first : HUB;
  const path = isDomain ? rest : name;
  if (domain !== HUB && domain !== "index.docker.io") return { domain, path };
  return { domain: HUB, path: path.includes("/") ? path : `library/${path}` };
}

/** The name without tag: short where Docker shortens it. */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== HUB) return `${domain}/${path}`;
  return path.replace(/^library\//, "");
}

/** The reference as Docker prints it, with "latest" where neither tag nor digest was given. */
export function familiarReference(reference: Reference): string {
  const { tag, digest } = reference;
  const shownTag = tag ?? (digest === undefined ? "latest" : undefined);
  const tail =
    (shownTag === undefined ? "" : `:${shownTag}`) + (digest === undefined ? "" : `@${digest}`);
  return familiarName(reference) + tail;
}

/** The long name, as pulling asks for it. */
export function fullName({ domain, path }: Reference): string {
  return `${domain}/${path}`;
}

/** A name for the API, which takes the tag apart; a name without one is `latest`. */
export function repositoryAndTag(name: string): { readonly repo: string; readonly tag?: string } {
  if (name === "") return { repo: "" };
  const tag = parseReference(name).tag ?? "latest";
  return { repo: name.endsWith(`:${tag}`) ? name.slice(0, -tag.length - 1) : name, tag };
}

/** Whether a text may be the id of an image, which is no reference. */
export function looksLikeId(text: string): boolean {
  return /^(sha256:)?[0-9a-f]{64}$/.test(text);
}

function fail(message: string): Failure {
  return new Failure({ message, exitCode: 1 });
}
