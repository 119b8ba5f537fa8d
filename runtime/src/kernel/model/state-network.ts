/**
 * State of a network: devices, their addresses, routes, and what is done to packets.
 *
 * A device belongs to one network namespace. What belongs to the link, its addresses and
 * neighbours, hangs on the device, and goes when that goes or moves.
 *
 * Kernel interface: network_namespaces(7), rtnetlink(7), nft(8).
 * Invariants: none.
 * Left out: queues, counters, multicast groups; what a bridge learns; connections, which live only
 *   as long as a walk of `net/reach.ts`.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { IpAddress, IpNetwork } from "../ip-address.ts";
import type { ListedChain, TableName } from "../port.ts";
import type { UserNamespace } from "./state-identity.ts";
import type { Connection } from "./state-program.ts";

/** A network device. */
export interface Device {
  name: string;
  index: number;
  readonly kind: "loopback" | "veth" | "bridge";
  namespace: NetNamespace;
  up: boolean;
  mtuBytes: number;
  mac: string;
  /** Of a bridge: whether somebody gave it, or it follows the ports. */
  hasOwnMac: boolean;
  hasOwnMtu: boolean;
  /** The bridge whose port it is. */
  master: Device | undefined;
  /** The other end of a veth. */
  peer: Device | undefined;
  /** In the order of the kernel's list: those of IPv4, then those of IPv6. */
  addresses: readonly HeldAddress[];
  /** Hardware addresses, by the text of the address. */
  readonly neighbours: Map<string, string>;
}

/** An address of a device. */
export interface HeldAddress extends IpNetwork {
  readonly scope: "global" | "link" | "host";
  /** Another one of the same network was first: it goes with that one. */
  readonly isSecondary: boolean;
}

/** An entry of the main table. */
export interface HeldRoute {
  readonly destination: IpNetwork;
  readonly gateway: IpAddress | undefined;
  readonly device: Device;
  readonly protocol: "kernel" | "boot";
  readonly metric: number;
  /** Of a route that came with an address: that address. */
  readonly source: IpAddress | undefined;
}

/** A socket that waits for connections. */
export interface Listener {
  /** Undefined for every address. */
  readonly address: IpAddress | undefined;
  readonly port: number;
  /** Takes a connection. */
  readonly give: (connection: Connection) => void;
}

/** A table of rules as the state keeps it: never changed, only replaced. */
export interface FilterTable extends TableName {
  readonly chains: readonly ListedChain[];
  /** The last number that a chain or a rule of it got. */
  readonly lastHandle: number;
}

/** A network of its own. */
export interface NetNamespace {
  readonly kind: "net";
  readonly inode: number;
  readonly owner: UserNamespace;
  readonly devices: Map<number, Device>;
  /** Where the search for a free index begins. */
  nextIndex: number;
  /** Those with the same destination and metric in the order in which they came. */
  routes: readonly HeldRoute[];
  tables: readonly FilterTable[];
  /** Whether packets that are for others are passed on: ip_forward, and its like of IPv6. */
  readonly forwards: { 4: boolean; 6: boolean };
  readonly listeners: Set<Listener>;
}
