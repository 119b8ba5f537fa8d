/**
 * Network: the calls of a process about its network, and the state of a network as plain data.
 *
 * Kernel interface: rtnetlink(7), netlink(7).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { formatAddress } from "../../ip-address.ts";
import type {
  Address,
  ForwardingEntry,
  Link,
  ListedTable,
  Neighbour,
  Network,
  Route,
} from "../../port.ts";
import type { NetNamespace, Process } from "../state.ts";
import { describeAddresses, modelAddresses } from "./addresses.ts";
import { describe, devicesOf, modelLinks } from "./links.ts";
import { forwardingOf, listNeighbours, modelNeighbours } from "./neighbours.ts";
import { listRoutes, modelRoutes } from "./routes.ts";
import { describeTables, modelPacketFilter } from "./tables.ts";

/** The calls of the port about the network, made by a process. */
export function modelNetwork(process: Process): Network {
  return {
    ...modelLinks(process),
    ...modelAddresses(process),
    ...modelRoutes(process),
    ...modelNeighbours(process),
    ...modelPacketFilter(process),
  };
}

/** The part of a snapshot that is about one network namespace. */
export interface NetworkSnapshot {
  /** Of a veth whose other end is elsewhere: where, by the inode number of the namespace. */
  readonly links: readonly (Link & { readonly peerNamespace?: number })[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  readonly neighbours: readonly Neighbour[];
  readonly forwarding: readonly ForwardingEntry[];
  readonly tables: readonly ListedTable[];
  /** Which families it passes on. */
  readonly forwards: { readonly 4: boolean; readonly 6: boolean };
  readonly listeners: readonly { readonly address: string | null; readonly port: number }[];
}

/** A network as plain data. */
export function networkSnapshot(net: NetNamespace): NetworkSnapshot {
  const devices = devicesOf(net);
  return {
    links: devices.map((device) => {
      const { peer } = device;
      const isHere = peer === undefined || peer.namespace === net;
      return { ...describe(device), ...(isHere ? {} : { peerNamespace: peer.namespace.inode }) };
    }),
    addresses: devices.flatMap(describeAddresses),
    routes: listRoutes(net),
    neighbours: listNeighbours(net),
    forwarding: devices.flatMap(forwardingOf),
    tables: describeTables(net),
    forwards: { ...net.forwards },
    listeners: [...net.listeners].map(({ address, port }) => ({
      address: address === undefined ? null : formatAddress(address),
      port,
    })),
  };
}
