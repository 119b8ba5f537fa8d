/**
 * Id maps: which host id a container's id really is.
 *
 * A user namespace has its own numbering of users and groups. A map of up to 340 extents says how
 * it relates to the numbering outside: "inside, `count` ids from `containerId` are outside `hostId`
 * and on". The map is written once to /proc/PID/uid_map (and gid_map). An id without an extent
 * reads as the overflow id 65534, "nobody".
 *
 * Kernel interface: user_namespaces(7), /proc/PID/uid_map, /proc/sys/kernel/overflowuid, subuid(5).
 * Specification: OCI runtime-spec v1.2, config-linux.md, "User namespace mappings".
 * Invariants:
 *   id-map-bijective   mapping out and back in is the identity; unmapped ids read 65534
 *   id-map-text        a printed map parses to itself; the kernel takes what validation takes
 * Left out: nested translation; newuidmap(1), which an engine without privileges needs for more
 * than its own id.
 * Docs: docs/concepts/users.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { IdMap } from "../kernel/index.ts";

/** A uid or gid as the host numbers it. */
export type HostId = number & { readonly __viewpoint?: "host" };

/** A uid or gid as the container's user namespace numbers it. */
export type ContainerSideId = number & { readonly __viewpoint?: "container" };

/** What the kernel shows for an id that has no mapping. */
export const OVERFLOW_ID = 65534;

/** The kernel's limits of one map. */
export const ID_MAP_LIMITS = {
  extents: 340,
  /** The text of a map is written at once and must be shorter than a page. */
  textBytes: 4095,
  /** Ids are 32 bits wide and the last one, -1, means "no id". */
  ids: 2 ** 32 - 1,
} as const;

function refuse(message: string, subject: string): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message: `Cannot use id map "${subject}": ${message}`,
    operation: "map ids",
    subject,
    hint: "Write extents as CONTAINER:HOST:COUNT that overlap neither inside nor outside.",
  });
}

/**
 * Prints a map as /proc/PID/uid_map takes it.
 *
 * @example printIdMap([{ containerId: 0, hostId: 100000, count: 65536 }]) // "0 100000 65536\n"
 */
export function printIdMap(map: readonly IdMap[]): string {
  return map.map((extent) => `${extent.containerId} ${extent.hostId} ${extent.count}\n`).join("");
}

/**
 * Parses what /proc/PID/uid_map prints.
 *
 * @throws RuntimeError `request-invalid` when a line is not three numbers
 * @example
 * parseIdMap("         0     100000      65536\n")
 * // [{ containerId: 0, hostId: 100000, count: 65536 }]
 */
export function parseIdMap(text: string): readonly IdMap[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => parseExtent(line, line.trim().split(/\s+/)));
}

function parseExtent(text: string, fields: readonly string[]): IdMap {
  const numbers = fields.map((field) => (/^\d{1,10}$/.test(field) ? Number(field) : Number.NaN));
  const [containerId, hostId, count] = numbers;
  if (
    numbers.length !== 3 ||
    containerId === undefined ||
    hostId === undefined ||
    count === undefined ||
    numbers.some(Number.isNaN)
  ) {
    throw refuse("an extent is three numbers", text.trim());
  }
  return { containerId, hostId, count };
}

/** Whether two of the ranges [start, start + count) share an id. */
function overlaps(ranges: readonly { readonly start: number; readonly count: number }[]): boolean {
  const sorted = ranges.toSorted((left, right) => left.start - right.start);
  return sorted.some((range, index) => {
    const next = sorted[index + 1];
    return next !== undefined && range.start + range.count > next.start;
  });
}

/**
 * Checks what the kernel would refuse with EINVAL, and says which rule was broken.
 *
 * @throws RuntimeError `request-invalid`
 */
export function validateIdMap(map: readonly IdMap[]): void {
  const text = printIdMap(map);
  const subject = text.trim().replaceAll("\n", ",").slice(0, 100);
  if (map.length === 0) throw refuse("it is empty", subject);
  if (map.length > ID_MAP_LIMITS.extents) throw refuse("it has more than 340 extents", subject);
  if (text.length > ID_MAP_LIMITS.textBytes) throw refuse("it does not fit in a page", subject);
  for (const { containerId, hostId, count } of map) {
    if (count === 0) throw refuse("an extent is empty", subject);
    if (Math.max(containerId, hostId) + count > ID_MAP_LIMITS.ids) {
      throw refuse("an extent goes beyond 32 bits", subject);
    }
  }
  if (overlaps(map.map(({ containerId, count }) => ({ start: containerId, count })))) {
    throw refuse("two extents overlap inside the container", subject);
  }
  if (overlaps(map.map(({ hostId, count }) => ({ start: hostId, count })))) {
    throw refuse("two extents overlap on the host", subject);
  }
}

/**
 * The host's id for a container's, or undefined when it has none: setuid(2) to it fails with
 * EINVAL.
 *
 * @example hostIdOf([{ containerId: 0, hostId: 100000, count: 10 }], 3) // 100003
 */
export function hostIdOf(map: readonly IdMap[], id: ContainerSideId): HostId | undefined {
  const extent = map.find(
    ({ containerId, count }) => id >= containerId && id < containerId + count,
  );
  return extent === undefined ? undefined : extent.hostId + (id - extent.containerId);
}

/**
 * The id that a process inside sees for a host's id; the overflow id when it has none.
 *
 * @example containerIdOf([{ containerId: 0, hostId: 100000, count: 10 }], 5) // 65534
 */
export function containerIdOf(map: readonly IdMap[], id: HostId): ContainerSideId {
  const extent = map.find(({ hostId, count }) => id >= hostId && id < hostId + count);
  return extent === undefined ? OVERFLOW_ID : extent.containerId + (id - extent.hostId);
}

/** One line of /etc/subuid: ids that a user may hand out. */
export interface SubordinateIds {
  readonly user: string;
  readonly hostId: HostId;
  readonly count: number;
}

/**
 * Parses /etc/subuid or /etc/subgid; lines that are not `user:first:count` are skipped, as
 * newuidmap(1) does.
 *
 * @example
 * parseSubordinateIds("me:100000:65536\n")
 * // [{ user: "me", hostId: 100000, count: 65536 }]
 */
export function parseSubordinateIds(text: string): readonly SubordinateIds[] {
  return text.split("\n").flatMap((line) => {
    const match = /^([^:#\s]+):(\d{1,10}):(\d{1,10})$/.exec(line.trim());
    if (match === null) return [];
    return [{ user: match[1] ?? "", hostId: Number(match[2]), count: Number(match[3]) }];
  });
}
