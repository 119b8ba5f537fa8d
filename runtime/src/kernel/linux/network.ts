/**
 * Network: the calls of the port about links, addresses, routes, neighbours and packets.
 *
 * Kernel interface: rtnetlink(7), netlink(7).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Link, Network } from "../port.ts";
import { linuxAddresses, linuxNeighbours, linuxRoutes } from "./addresses.ts";
import type { Libc } from "./libc.ts";
import { linuxLinks } from "./links.ts";
import { netlinkChannel, NETLINK_NETFILTER, NETLINK_ROUTE } from "./netlink-socket.ts";
import { linuxPacketFilter } from "./packet-filter.ts";

/** The calls about the network on Linux. */
export function linuxNetwork(libc: Libc): Network {
  const channel = netlinkChannel(libc, "rtnetlink", NETLINK_ROUTE);
  const links = linuxLinks(channel);
  const listLinks = (): readonly Link[] => links.listLinks();
  return {
    ...links,
    ...linuxAddresses(channel, listLinks),
    ...linuxRoutes(channel, listLinks),
    ...linuxNeighbours(channel, listLinks),
    ...linuxPacketFilter(netlinkChannel(libc, "nf_tables", NETLINK_NETFILTER)),
  };
}
