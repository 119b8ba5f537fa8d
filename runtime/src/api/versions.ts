/**
 * Versions: which words of the API a client and we have in common.
 *
 * A client puts the version it speaks in front of the path (`/v1.41/containers/json`); no prefix
 * means the newest. We answer in every version that we claim, and say both ends of the range on
 * `/_ping`, from which a newer client steps down by itself.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "Versioning".
 * Invariants: none.
 * Left out: fields that old versions named otherwise, but those that clients still read.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";

/** The newest version we speak. */
export const API_VERSION = "1.50";
/** The oldest version we speak. */
export const MIN_API_VERSION = "1.24";

const PREFIX = /^\/v(\d[\d.]*)(?=\/)/;

/**
 * Compares two versions by their numbers.
 *
 * @returns negative, zero or positive, as for sort
 * @example compareVersions("1.9", "1.24") < 0 // true
 */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split(".").map(Number));
  const [majorA = 0, minorA = 0] = a ?? [];
  const [majorB = 0, minorB = 0] = b ?? [];
  return majorA - majorB || minorA - minorB;
}

/**
 * The path without its version, and with single slashes: `docker inspect /web` asks for
 * `/containers//web/json`.
 *
 * @example routePathOf("/v1.41/containers//web/json") // "/containers/web/json"
 */
export function routePathOf(path: string): string {
  return path.replaceAll(/\/{2,}/g, "/").replace(PREFIX, "");
}

/**
 * The version a path asks for; the newest when it names none.
 *
 * @throws RuntimeError api-version-unsupported, in Docker's words
 * @example requestedVersion("/v1.41/info") // "1.41"
 */
export function requestedVersion(path: string): string {
  const version = PREFIX.exec(path)?.[1] ?? API_VERSION;
  if (compareVersions(version, API_VERSION) > 0) {
    throw unsupported(
      `client version ${version} is too new. Maximum supported API version is ${API_VERSION}`,
    );
  }
  if (compareVersions(version, MIN_API_VERSION) < 0) {
    throw unsupported(
      `client version ${version} is too old. Minimum supported API version is ` +
        `${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  }
  return version;
}

function unsupported(message: string): RuntimeError {
  return new RuntimeError({ code: "api-version-unsupported", class: "invalid", message });
}
