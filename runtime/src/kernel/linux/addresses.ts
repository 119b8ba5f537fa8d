/**
 * Addresses, routes and neighbours: what the kernel knows of where to send, through a netlink
 * socket.
 *
 * Kernel interface: rtnetlink(7), arp(7), bridge(8).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { parseAddress, parseNetwork, type IpAddress, type IpNetwork } from "../ip-address.ts";
import {
  KernelError,
  type Addresses,
  type ForwardingEntry,
  type Link,
  type Neighbours,
  type NewAddress,
  type NewRoute,
  type Routes,
} from "../port.ts";
import { linkIndex } from "./links.ts";
import { NLM_F_CREATE_NEW } from "./netlink.ts";
import {
  ADDRESS,
  decodeAddress,
  decodeForwarding,
  decodeNeighbour,
  decodeRoute,
  encodeAddress,
  encodeFamily,
  encodeNeighbour,
  encodeRoute,
  NEIGHBOUR,
  ROUTE,
} from "./netlink-addresses.ts";
import type { Channel } from "./netlink-socket.ts";

/** The calls about addresses on Linux. @param listLinks tells the names of indexes */
export function linuxAddresses(channel: Channel, listLinks: () => readonly Link[]): Addresses {
  const change = (type: number, flags: number, given: NewAddress): void => {
    const { link, address, prefixLength } = given;
    const parsed = network(`${address}/${prefixLength}`);
    const body = encodeAddress(linkIndex(channel, link), parsed);
    channel.change({ type, flags, body }, `${address}/${prefixLength} ${link}`);
  };
  return {
    addAddress: (address) => change(ADDRESS.new, NLM_F_CREATE_NEW, address),
    deleteAddress: (address) => change(ADDRESS.delete, 0, address),
    listAddresses: () => {
      const names = namesOf(listLinks());
      const all = bodies(channel, ADDRESS).map((body) => decodeAddress(body, names));
      const order = [...names.values()];
      return all.toSorted((a, b) => order.indexOf(a.link) - order.indexOf(b.link));
    },
  };
}

/** The calls about routes on Linux. */
export function linuxRoutes(channel: Channel, listLinks: () => readonly Link[]): Routes {
  const encode = (route: NewRoute, how: "add" | "delete"): Uint8Array => {
    const { destination, gateway, link } = route;
    const to = network(destination);
    const over = gateway === undefined ? undefined : ip(gateway);
    if (over !== undefined && over.family !== to.family) {
      throw new KernelError("rtnetlink", "EINVAL", `${destination} via ${gateway}`);
    }
    const index = link === undefined ? undefined : linkIndex(channel, link);
    return encodeRoute({ destination: to, gateway: over, index }, how);
  };
  return {
    addRoute: (route) => {
      const request = { type: ROUTE.new, flags: NLM_F_CREATE_NEW, body: encode(route, "add") };
      channel.change(request, route.destination);
    },
    deleteRoute: (route) => {
      channel.change({ type: ROUTE.delete, body: encode(route, "delete") }, route.destination);
    },
    listRoutes: () => {
      const names = namesOf(listLinks());
      return bodies(channel, ROUTE).flatMap((body) => decodeRoute(body, names) ?? []);
    },
  };
}

/** The calls about neighbours on Linux. */
export function linuxNeighbours(channel: Channel, listLinks: () => readonly Link[]): Neighbours {
  return {
    addNeighbour: ({ link, address, mac }) => {
      const body = encodeNeighbour(linkIndex(channel, link), ip(address), mac);
      channel.change({ type: NEIGHBOUR.new, flags: NLM_F_CREATE_NEW, body }, address);
    },
    deleteNeighbour: ({ link, address }) => {
      const body = encodeNeighbour(linkIndex(channel, link), ip(address));
      channel.change({ type: NEIGHBOUR.delete, body }, address);
    },
    listNeighbours: () => {
      const names = namesOf(listLinks());
      return bodies(channel, NEIGHBOUR).flatMap((body) => decodeNeighbour(body, names) ?? []);
    },
    listForwarding: () => {
      const names = namesOf(listLinks());
      const { get, new: wanted } = NEIGHBOUR;
      const told = channel.list({ type: get, body: encodeFamily("bridge"), wanted });
      const entries = told.flatMap((body) => decodeForwarding(body, names) ?? []);
      // Where bridges know VLANs, an entry is told for each.
      const keyOf = ({ link, mac }: ForwardingEntry): string => `${link} ${mac}`;
      return [...new Map(entries.map((entry) => [keyOf(entry), entry])).values()];
    },
  };
}

function bodies(
  channel: Channel,
  types: { readonly new: number; readonly get: number },
): readonly Uint8Array[] {
  return ([4, 6] as const).flatMap((family) =>
    channel.list({ type: types.get, body: encodeFamily(family), wanted: types.new }),
  );
}

function namesOf(links: readonly Link[]): ReadonlyMap<number, string> {
  return new Map(links.map(({ index, name }) => [index, name]));
}

/** @throws KernelError EINVAL for what is no address */
function ip(text: string): IpAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new KernelError("rtnetlink", "EINVAL", text);
  return address;
}

/** @throws KernelError EINVAL for what is no network */
function network(text: string): IpNetwork {
  const parsed = parseNetwork(text);
  if (parsed === undefined) throw new KernelError("rtnetlink", "EINVAL", text);
  return parsed;
}
