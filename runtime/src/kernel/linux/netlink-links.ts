/**
 * Netlink of links: `struct ifinfomsg` and its attributes.
 *
 * Kernel interface: rtnetlink(7), veth(4).
 * Invariants: none.
 * Left out: statistics, queues, offloads, and what each kind of link can be told beyond its name.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { formatMac, parseMac } from "../mac-address.ts";
import type { Link, NewLink } from "../port.ts";
import {
  decodeAttributes,
  encodeBody,
  listOf,
  named,
  nameOf,
  nested,
  numbered,
  numberOf,
  valueOf,
  viewOf,
  type NetlinkAttribute,
} from "./netlink.ts";

/** A message type: one link, to make or to tell. */
export const RTM_NEWLINK = 16;
/** A message type: delete a link. */
export const RTM_DELLINK = 17;
/** A message type: tell about links. */
export const RTM_GETLINK = 18;
/** A message type: change a link. */
export const RTM_SETLINK = 19;
/** A flag of a link: it is up. */
export const IFF_UP = 1;

const IFINFO_BYTES = 16;
const IFF_LOOPBACK = 8;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_FD = 28;
const IFLA_EXT_MASK = 29;
const IFLA_LINK_NETNSID = 37;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const RTEXT_FILTER_SKIP_STATS = 8;

/** The fixed part of a link message. */
export interface LinkInfo {
  /** 0 to find the link by its name, or for a new one. */
  readonly index: number;
  readonly flags: number;
  /** Which of the flags a request changes. */
  readonly change: number;
}

/** The body of a link message: the fixed part, zero where nothing is said, and its attributes. */
export function encodeLink(
  { index = 0, flags = 0, change = 0 }: Partial<LinkInfo>,
  attributes: readonly NetlinkAttribute[],
): Uint8Array {
  const fixed = new Uint8Array(IFINFO_BYTES);
  const view = viewOf(fixed);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return encodeBody(fixed, attributes);
}

/**
 * The fixed part and the attributes of a link message's body. @throws RangeError when a length
 * leads outside
 */
export function decodeLink(body: Uint8Array): LinkInfo & {
  readonly attributes: readonly NetlinkAttribute[];
} {
  const view = viewOf(body);
  return {
    index: view.getInt32(4, true),
    flags: view.getUint32(8, true),
    change: view.getUint32(12, true),
    attributes: decodeAttributes(body.subarray(IFINFO_BYTES)),
  };
}

/** The body that asks for all links, without their counters. */
export function encodeLinkList(): Uint8Array {
  return encodeLink({}, [numbered(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)]);
}

/** The body that asks for one link. */
export function encodeLinkQuestion(name: string): Uint8Array {
  return encodeLink({}, [nameAttribute(name), numbered(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)]);
}

/** The body that makes a link. @param namespaceFd where the other end of a veth is to be */
export function encodeNewLink(link: NewLink, namespaceFd: number | undefined): Uint8Array {
  const kind = named(IFLA_INFO_KIND, link.kind);
  const info = link.kind === "veth" ? [kind, peerData(link.peer, namespaceFd)] : [kind];
  return encodeLink({}, [...nameAndMac(link), nested(IFLA_LINKINFO, info)]);
}

function peerData(
  peer: { readonly name: string; readonly mac?: string },
  namespaceFd: number | undefined,
): NetlinkAttribute {
  const where = namespaceFd === undefined ? [] : [numbered(IFLA_NET_NS_FD, namespaceFd)];
  const value = encodeLink({}, [...nameAndMac(peer), ...where]);
  return nested(IFLA_INFO_DATA, [{ type: VETH_INFO_PEER, value }]);
}

function nameAndMac(link: { readonly name: string; readonly mac?: string }): NetlinkAttribute[] {
  const name = nameAttribute(link.name);
  return link.mac === undefined ? [name] : [name, macAttribute(link.mac)];
}

/** The attribute for a name. */
export const nameAttribute = (name: string): NetlinkAttribute => named(IFLA_IFNAME, name);

/** The attribute for an MTU. */
export const mtuAttribute = (bytes: number): NetlinkAttribute => numbered(IFLA_MTU, bytes);

/** The attribute for a master, by index; 0 for none. */
export const masterAttribute = (index: number): NetlinkAttribute => numbered(IFLA_MASTER, index);

/** The attribute for a network namespace to move to. */
export const namespaceAttribute = (fd: number): NetlinkAttribute => numbered(IFLA_NET_NS_FD, fd);

/** The attribute for a hardware address. */
export const macAttribute = (mac: string): NetlinkAttribute => ({
  type: IFLA_ADDRESS,
  value: encodeMac(mac),
});

/** The bytes of a hardware address; none for what is no such text. */
export function encodeMac(mac: string): Uint8Array {
  return parseMac(mac) ?? new Uint8Array();
}

/** The text of the hardware address in an attribute; empty without one. */
export function macOf(attributes: readonly NetlinkAttribute[], type: number): string {
  return formatMac(valueOf(attributes, type) ?? new Uint8Array());
}

/** The links that a list of bodies tells, with the names of their masters. */
export function describeLinks(bodies: readonly Uint8Array[]): readonly Link[] {
  const decoded = bodies.map(decodeLink);
  const names = new Map(
    decoded.map(({ index, attributes }) => [index, nameOf(attributes, IFLA_IFNAME) ?? ""]),
  );
  return decoded.map((link) => describeLink(link, names));
}

function describeLink(
  { index, flags, attributes }: ReturnType<typeof decodeLink>,
  names: ReadonlyMap<number, string>,
): Link {
  const kind = nameOf(listOf(attributes, IFLA_LINKINFO), IFLA_INFO_KIND);
  const master = names.get(numberOf(attributes, IFLA_MASTER) ?? 0);
  const peer = kind === "veth" ? numberOf(attributes, IFLA_LINK) : undefined;
  const isElsewhere = valueOf(attributes, IFLA_LINK_NETNSID) !== undefined;
  return {
    name: nameOf(attributes, IFLA_IFNAME) ?? "",
    index,
    kind: kind ?? ((flags & IFF_LOOPBACK) === 0 ? "" : "loopback"),
    up: (flags & IFF_UP) !== 0,
    mtuBytes: numberOf(attributes, IFLA_MTU) ?? 0,
    mac: macOf(attributes, IFLA_ADDRESS),
    ...(master === undefined ? {} : { master }),
    ...(peer === undefined ? {} : { peer: { index: peer, isElsewhere } }),
  };
}
