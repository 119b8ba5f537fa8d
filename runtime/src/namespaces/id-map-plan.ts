/**
 * Id map plan: which maps a container with its own user namespace gets.
 *
 * Three wishes, three maps. `subordinate` (Docker's userns-remap): the container's ids are ids that
 * /etc/subuid sets aside for the engine, so that root inside is nobody outside. `keep-id` (Podman's
 * word): the engine's own user keeps its number inside, and everybody else comes from the
 * subordinate ids. `map:…`: exactly what the client wrote.
 *
 *     keep-id for uid 1000          inside   0 … 999 │ 1000 │ 1001 … 65535
 *                                  outside  sub+0 …  │ 1000 │ … sub+65534
 *
 * Kernel interface: user_namespaces(7), subuid(5).
 * Specification: none; the words follow podman-run(1) --userns.
 * Invariants:
 *   id-map-plans-valid   each planned map is valid; keep-id maps the engine's user to itself
 * Left out: choosing a different range for each container (Podman's `auto`).
 * Docs: docs/concepts/users.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { IdMap } from "../kernel/index.ts";
import { validateIdMap } from "./id-map.ts";
import type { HostId, SubordinateIds } from "./id-map.ts";
import type { UserMapping } from "./modes.ts";

/** What the machine says about the engine's own ids. */
export interface IdFacts {
  readonly hostUid: HostId;
  readonly hostGid: HostId;
  /** The engine's subordinate ids, possibly none. */
  readonly subordinateUids: readonly SubordinateIds[];
  readonly subordinateGids: readonly SubordinateIds[];
}

/** The two maps of a user namespace. */
export interface IdMaps {
  readonly uid: readonly IdMap[];
  readonly gid: readonly IdMap[];
}

/**
 * Used by an engine that runs as root when /etc/subuid names nothing for it; far from people's ids.
 */
export const DEFAULT_SUBORDINATE_IDS: SubordinateIds = {
  user: "root",
  hostId: 2_147_483_648,
  count: 65_536,
};

function rangesOf(
  owner: HostId,
  subordinate: readonly SubordinateIds[],
): readonly SubordinateIds[] {
  if (subordinate.length > 0) return subordinate;
  return owner === 0 ? [DEFAULT_SUBORDINATE_IDS] : [];
}

/** Hands out the container ids from `from` on, range by range; at most `count` of them. */
function takeRanges(
  ranges: readonly SubordinateIds[],
  from: number,
  window: { readonly skip: number; readonly count: number },
): IdMap[] {
  const extents: IdMap[] = [];
  let skip = window.skip;
  let left = window.count;
  let containerId = from;
  for (const range of ranges) {
    const skipped = Math.min(skip, range.count);
    const count = Math.min(range.count - skipped, left);
    skip -= skipped;
    if (count === 0) continue;
    extents.push({ containerId, hostId: range.hostId + skipped, count });
    containerId += count;
    left -= count;
  }
  return extents;
}

function planSubordinate(owner: HostId, ranges: readonly SubordinateIds[]): readonly IdMap[] {
  const extents = takeRanges(ranges, 0, { skip: 0, count: Infinity });
  return extents.length > 0 ? extents : [{ containerId: 0, hostId: owner, count: 1 }];
}

function planKeepId(owner: HostId, ranges: readonly SubordinateIds[]): readonly IdMap[] {
  const others = ranges.filter(
    (range) => owner < range.hostId || owner >= range.hostId + range.count,
  );
  return [
    ...takeRanges(others, 0, { skip: 0, count: owner }),
    { containerId: owner, hostId: owner, count: 1 },
    ...takeRanges(others, owner + 1, { skip: owner, count: Infinity }),
  ];
}

const EXTENT = /^(?:(uid|gid)=)?(\d{1,10}):(\d{1,10}):(\d{1,10})$/;

function parseExtents(text: string): IdMaps {
  const uid: IdMap[] = [];
  const gid: IdMap[] = [];
  for (const word of text.split(",")) {
    const match = EXTENT.exec(word);
    if (match === null) {
      throw new RuntimeError({
        code: "request-invalid",
        class: "invalid",
        message: `invalid USER mode: map:${text}`,
        operation: "map ids",
        subject: word,
        hint: "Write map:CONTAINER:HOST:COUNT[,…], with uid= or gid= before those that differ.",
      });
    }
    const extent = {
      containerId: Number(match[2]),
      hostId: Number(match[3]),
      count: Number(match[4]),
    };
    if (match[1] !== "gid") uid.push(extent);
    if (match[1] !== "uid") gid.push(extent);
  }
  return { uid, gid };
}

/**
 * The maps to write for a new user namespace.
 *
 * @throws RuntimeError `request-invalid` when the client's extents are malformed or overlap
 * @example
 * planIdMaps("keep-id", { hostUid: 2, hostGid: 2, subordinateUids: [], subordinateGids: [] }).uid
 * // [{ containerId: 2, hostId: 2, count: 1 }]
 */
export function planIdMaps(mapping: UserMapping, facts: IdFacts): IdMaps {
  const maps = planUnchecked(mapping, facts);
  validateIdMap(maps.uid);
  validateIdMap(maps.gid);
  return maps;
}

function planUnchecked(mapping: UserMapping, facts: IdFacts): IdMaps {
  if (typeof mapping === "object") return parseExtents(mapping.extents);
  const plan = mapping === "keep-id" ? planKeepId : planSubordinate;
  return {
    uid: plan(facts.hostUid, rangesOf(facts.hostUid, facts.subordinateUids)),
    gid: plan(facts.hostGid, rangesOf(facts.hostUid, facts.subordinateGids)),
  };
}
