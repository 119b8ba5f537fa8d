/**
 * Netlink of addresses, routes and neighbours: three fixed parts, and addresses as attributes.
 *
 * Kernel interface: rtnetlink(7).
 * Invariants: none.
 * Left out: labels, broadcast addresses, lifetimes; of a route everything but where to, over whom
 *   and by which link.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import {
  addressBytes,
  addressOf,
  formatAddress,
  formatNetwork,
  isLoopback,
  type IpAddress,
  type IpNetwork,
} from "../ip-address.ts";
import type { Address, ForwardingEntry, Neighbour, Route } from "../port.ts";
import {
  decodeAttributes,
  encodeBody,
  numbered,
  numberOf,
  valueOf,
  viewOf,
  type NetlinkAttribute,
} from "./netlink.ts";
import { encodeMac, macOf } from "./netlink-links.ts";

/** Message types of addresses. */
export const ADDRESS = { new: 20, delete: 21, get: 22 } as const;
/** Message types of routes. */
export const ROUTE = { new: 24, delete: 25, get: 26 } as const;
/** Message types of neighbours. */
export const NEIGHBOUR = { new: 28, delete: 29, get: 30 } as const;

const AF_INET = 2;
const AF_BRIDGE = 7;
const AF_INET6 = 10;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_F_NODAD = 2;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_HOST = 254;
const RT_SCOPE_NOWHERE = 255;
const RTN_UNICAST = 1;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_MASTER = 9;
const NUD_PERMANENT = 0x80;

const PROTOCOLS: Readonly<Record<number, string>> = {
  2: "kernel",
  3: "boot",
  4: "static",
  9: "ra",
};

const familyOf = ({ family }: Pick<IpAddress, "family">): number =>
  family === 4 ? AF_INET : AF_INET6;

const addressed = (type: number, address: IpAddress): NetlinkAttribute => ({
  type,
  value: addressBytes(address),
});

type Names = ReadonlyMap<number, string>;

/** The body that adds or deletes an address: `struct ifaddrmsg`. */
export function encodeAddress(index: number, address: IpNetwork): Uint8Array {
  const isHost = address.family === 4 && isLoopback(address);
  const scope = isHost ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
  const fixed = Uint8Array.of(familyOf(address), address.prefixLength, 0, scope, 0, 0, 0, 0);
  viewOf(fixed).setUint32(4, index, true);
  return encodeBody(fixed, [
    addressed(IFA_LOCAL, address),
    addressed(IFA_ADDRESS, address),
    numbered(IFA_FLAGS, IFA_F_NODAD),
  ]);
}

/** The body that asks for a list of one family: every fixed part begins with it. */
export function encodeFamily(family: 4 | 6 | "bridge"): Uint8Array {
  const fixed = new Uint8Array(12);
  fixed[0] = family === "bridge" ? AF_BRIDGE : familyOf({ family });
  return fixed;
}

/** What the body of an address tells. */
export function decodeAddress(body: Uint8Array, names: Names): Address {
  const view = viewOf(body);
  const attributes = decodeAttributes(body.subarray(8));
  const address = addressIn(attributes, IFA_LOCAL) ?? addressIn(attributes, IFA_ADDRESS);
  return {
    link: names.get(view.getUint32(4, true)) ?? "",
    address: address === undefined ? "" : formatAddress(address),
    prefixLength: view.getUint8(1),
    scope: scopeName(view.getUint8(3)),
  };
}

function scopeName(scope: number): string {
  const names: Readonly<Record<number, string>> = {
    [RT_SCOPE_UNIVERSE]: "global",
    [RT_SCOPE_LINK]: "link",
    [RT_SCOPE_HOST]: "host",
  };
  return names[scope] ?? String(scope);
}

/** A route as bytes take it. */
export interface RawRoute {
  readonly destination: IpNetwork;
  readonly gateway: IpAddress | undefined;
  readonly index: number | undefined;
}

/** The body that adds or deletes a route of the main table: `struct rtmsg`. */
export function encodeRoute(route: RawRoute, how: "add" | "delete"): Uint8Array {
  const { destination, gateway, index } = route;
  const scope = gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  const fixed = new Uint8Array(12);
  fixed[0] = familyOf(destination);
  fixed[1] = destination.prefixLength;
  fixed[4] = RT_TABLE_MAIN;
  fixed[5] = how === "add" ? RTPROT_BOOT : 0;
  fixed[6] = how === "add" ? scope : RT_SCOPE_NOWHERE;
  fixed[7] = how === "add" ? RTN_UNICAST : 0;
  return encodeBody(fixed, [
    ...(destination.prefixLength === 0 ? [] : [addressed(RTA_DST, destination)]),
    ...(gateway === undefined ? [] : [addressed(RTA_GATEWAY, gateway)]),
    ...(index === undefined ? [] : [numbered(RTA_OIF, index)]),
  ]);
}

/** What the body of a route tells, if it is one of the main table that leads to a neighbour. */
export function decodeRoute(body: Uint8Array, names: Names): Route | undefined {
  const [family, prefixLength = 0, , , table, protocol = 0, , type] = body;
  const attributes = decodeAttributes(body.subarray(12));
  const link = names.get(numberOf(attributes, RTA_OIF) ?? 0);
  if (table !== RT_TABLE_MAIN || type !== RTN_UNICAST || link === undefined) return undefined;
  const gateway = addressIn(attributes, RTA_GATEWAY);
  return {
    destination: formatNetwork({ ...destinationIn(attributes, family), prefixLength }),
    ...(gateway === undefined ? {} : { gateway: formatAddress(gateway) }),
    link,
    protocol: PROTOCOLS[protocol] ?? String(protocol),
    metric: numberOf(attributes, RTA_PRIORITY) ?? 0,
  };
}

/** Of a default route nothing is told. */
function destinationIn(
  attributes: readonly NetlinkAttribute[],
  family: number | undefined,
): IpAddress {
  return addressIn(attributes, RTA_DST) ?? { family: family === AF_INET ? 4 : 6, value: 0n };
}

function addressIn(attributes: readonly NetlinkAttribute[], type: number): IpAddress | undefined {
  const value = valueOf(attributes, type);
  return value === undefined ? undefined : addressOf(value);
}

/** The body that adds or deletes a neighbour: `struct ndmsg`. */
export function encodeNeighbour(index: number, address: IpAddress, mac?: string): Uint8Array {
  const fixed = new Uint8Array(12);
  const view = viewOf(fixed);
  view.setUint8(0, familyOf(address));
  view.setInt32(4, index, true);
  view.setUint16(8, NUD_PERMANENT, true);
  const hardware = mac === undefined ? [] : [{ type: NDA_LLADDR, value: encodeMac(mac) }];
  return encodeBody(fixed, [addressed(NDA_DST, address), ...hardware]);
}

/** What the body of a neighbour tells, if somebody added it. */
export function decodeNeighbour(body: Uint8Array, names: Names): Neighbour | undefined {
  const view = viewOf(body);
  const attributes = decodeAttributes(body.subarray(12));
  const address = addressIn(attributes, NDA_DST);
  const isPermanent = (view.getUint16(8, true) & NUD_PERMANENT) !== 0;
  if (!isPermanent || address === undefined) return undefined;
  return {
    link: names.get(view.getInt32(4, true)) ?? "",
    address: formatAddress(address),
    mac: macOf(attributes, NDA_LLADDR),
  };
}

/** What the body of an entry of a bridge tells; a port's own list is not the bridge's. */
export function decodeForwarding(body: Uint8Array, names: Names): ForwardingEntry | undefined {
  const view = viewOf(body);
  const attributes = decodeAttributes(body.subarray(12));
  const bridge = names.get(numberOf(attributes, NDA_MASTER) ?? 0);
  if (bridge === undefined) return undefined;
  return {
    bridge,
    link: names.get(view.getInt32(4, true)) ?? "",
    mac: macOf(attributes, NDA_LLADDR),
    isPermanent: (view.getUint16(8, true) & NUD_PERMANENT) !== 0,
  };
}
