/**
 * Port of the network: the part of the one door that concerns links, addresses, routes, neighbours
 * and what is done to packets.
 *
 * Every call is about the network namespace of the process that makes it. Links are called by their
 * names. Addresses are texts: `10.0.0.1`, `fd00::1`; networks have a prefix: `10.0.0.0/24`.
 *
 * Kernel interface: rtnetlink(7), network_namespaces(7), veth(4), nft(8).
 * Invariants: none; `kernel/conformance/` says what every implementation must do.
 * Left out: tables of routes but the main one, rules of policy routing, routes over several
 *   gateways, queueing; sets and maps of nft.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */

/** A network device. */
export interface Link {
  readonly name: string;
  /** Its number in its network namespace. */
  readonly index: number;
  /** `loopback`, `veth`, `bridge`, or what ip-link(8) calls it; empty for hardware. */
  readonly kind: string;
  readonly up: boolean;
  readonly mtuBytes: number;
  /** As `02:42:ac:11:00:02`; empty where a device has none. */
  readonly mac: string;
  /** The bridge whose port it is. */
  readonly master?: string;
  /** The other end of a veth: its index, in this network namespace or in another. */
  readonly peer?: { readonly index: number; readonly isElsewhere: boolean };
}

/** A link to make. Without `mac` the kernel takes a random one. */
export type NewLink =
  | { readonly kind: "bridge"; readonly name: string; readonly mac?: string }
  | {
      readonly kind: "veth";
      readonly name: string;
      readonly mac?: string;
      readonly peer: {
        readonly name: string;
        readonly mac?: string;
        /** Where the other end is born, as `/proc/1/ns/net`; here, unless given. */
        readonly namespacePath?: string;
      };
    };

/** One change of a link. */
export type LinkChange =
  | { readonly up: boolean }
  | { readonly name: string }
  | { readonly mtuBytes: number }
  | { readonly mac: string }
  /** The bridge to be a port of; `null` to be nobody's. */
  | { readonly master: string | null }
  /** The network namespace to move to, as `/proc/1/ns/net`. */
  | { readonly namespacePath: string };

/** Network links: rtnetlink(7). */
export interface Links {
  /**
   * @syscall rtnetlink(7) CAP_NET_ADMIN "make a bridge, or a veth with its other end; EEXIST when
   * one of the names is taken"
   */
  createLink(link: NewLink): void;
  /**
   * @syscall rtnetlink(7) CAP_NET_ADMIN "set a link up or down, rename it, give it another MTU, MAC
   * or master, or move it to another network namespace"
   */
  changeLink(name: string, change: LinkChange): void;
  /** @syscall rtnetlink(7) CAP_NET_ADMIN "delete a link; the other end of a veth goes with it" */
  deleteLink(name: string): void;
  /** @syscall rtnetlink(7) - "the links of the caller's network namespace, by index" */
  listLinks(): readonly Link[];
}

/** An address of a link. */
export interface Address {
  readonly link: string;
  /** `10.0.0.1`, or `fd00::1`. */
  readonly address: string;
  readonly prefixLength: number;
  /** How far it is known: `host` for 127.0.0.1, `link` for fe80::1, else `global`. */
  readonly scope: string;
}

/** An address to give to a link or to take away. */
export type NewAddress = Omit<Address, "scope">;

/** Addresses of links: rtnetlink(7). */
export interface Addresses {
  /**
   * @syscall rtnetlink(7) CAP_NET_ADMIN "give a link an address, at once (IFA_F_NODAD); EEXIST when
   * it has it"
   */
  addAddress(address: NewAddress): void;
  /**
   * @syscall rtnetlink(7) CAP_NET_ADMIN "take an address away; EADDRNOTAVAIL when it is not there"
   */
  deleteAddress(address: NewAddress): void;
  /** @syscall rtnetlink(7) - "the addresses of all links, by link and in the kernel's order" */
  listAddresses(): readonly Address[];
}

/** An entry of the main routing table. */
export interface Route {
  /** `10.0.0.0/24`; `0.0.0.0/0` and `::/0` are the default routes. */
  readonly destination: string;
  /** Over which neighbour; without one the destination is on the link itself. */
  readonly gateway?: string;
  readonly link: string;
  /** `kernel`: it came with an address; `boot`: somebody added it; or as ip-route(8) says. */
  readonly protocol: string;
  /** The lowest is taken. */
  readonly metric: number;
}

/** A route to add or to delete: what is not said, the kernel finds, or does not compare. */
export interface NewRoute {
  readonly destination: string;
  readonly gateway?: string;
  readonly link?: string;
}

/** Routes: rtnetlink(7). */
export interface Routes {
  /**
   * @syscall rtnetlink(7) CAP_NET_ADMIN "add a route to the main table; ENETUNREACH when its
   * gateway is on no link, EEXIST when there is one with that destination"
   */
  addRoute(route: NewRoute): void;
  /** @syscall rtnetlink(7) CAP_NET_ADMIN "delete the first route that fits; ESRCH for none" */
  deleteRoute(route: NewRoute): void;
  /** @syscall rtnetlink(7) - "the unicast routes of the main table" */
  listRoutes(): readonly Route[];
}

/** The hardware address of an address on a link, said once and for all. */
export interface Neighbour {
  readonly link: string;
  readonly address: string;
  readonly mac: string;
}

/** A hardware address that a bridge has behind one of its ports: bridge(8), "fdb". */
export interface ForwardingEntry {
  readonly bridge: string;
  /** The port; or the bridge itself. */
  readonly link: string;
  readonly mac: string;
  /** Of a port itself, or said by somebody; what the bridge learned is not. */
  readonly isPermanent: boolean;
}

/** Neighbours: rtnetlink(7), arp(7). */
export interface Neighbours {
  /** @syscall rtnetlink(7) CAP_NET_ADMIN "say where an address is; EEXIST when it is known" */
  addNeighbour(neighbour: Neighbour): void;
  /** @syscall rtnetlink(7) CAP_NET_ADMIN "forget a neighbour; ENOENT when it is not known" */
  deleteNeighbour(neighbour: Omit<Neighbour, "mac">): void;
  /** @syscall rtnetlink(7) - "the neighbours that somebody added; not those that were found" */
  listNeighbours(): readonly Neighbour[];
  /** @syscall rtnetlink(7) - "what the bridges know of their ports" */
  listForwarding(): readonly ForwardingEntry[];
}

/** A table of rules: `ip` for IPv4, `ip6` for IPv6. */
export interface TableName {
  readonly family: "ip" | "ip6";
  readonly name: string;
}

/** Where in a packet's way a chain is asked, and what holds when no rule decides. */
export interface BaseChain {
  readonly type: "filter" | "nat";
  readonly hook: "prerouting" | "input" | "forward" | "output" | "postrouting";
  /** Chains with lower numbers are asked first. */
  readonly priority: number;
  readonly policy: "accept" | "drop";
}

/**
 * A condition on a packet, in the words of nft(8).
 *
 * `saddr` and `daddr` take `10.0.0.1` or `10.0.0.0/24`; `iifname` and `oifname` a link; `l4proto`
 * `tcp` or `udp`; `dport` a port, behind an `l4proto`; `ct-state` a list as `established,related`;
 * `daddr-type` `local` or `unicast`: whether the address is one of ours (fib daddr type).
 */
export interface PacketMatch {
  readonly field:
    "saddr" | "daddr" | "iifname" | "oifname" | "l4proto" | "dport" | "ct-state" | "daddr-type";
  readonly operator: "==" | "!=";
  readonly value: string;
}

/** What is done with a packet that fits. */
export type Verdict =
  | { readonly verdict: "accept" | "drop" | "return" }
  | { readonly verdict: "jump"; readonly chain: string }
  /** Its source becomes the address of the link that it leaves by. */
  | { readonly verdict: "masquerade" }
  /** Its destination becomes another; without `port` that stays. */
  | { readonly verdict: "dnat"; readonly address: string; readonly port?: number };

/** A rule: when all of it fits, this is done. */
export interface Rule {
  readonly matches: readonly PacketMatch[];
  readonly verdict: Verdict;
}

/** One change of the rules. */
export type RulesetChange =
  | { readonly change: "create-table" | "delete-table"; readonly table: TableName }
  | {
      readonly change: "create-chain";
      readonly table: TableName;
      readonly chain: string;
      /** Without it only other chains lead there. */
      readonly base?: BaseChain;
    }
  | {
      readonly change: "flush-chain" | "delete-chain";
      readonly table: TableName;
      readonly chain: string;
    }
  | {
      readonly change: "add-rule";
      readonly table: TableName;
      readonly chain: string;
      readonly rule: Rule;
    }
  | {
      readonly change: "delete-rule";
      readonly table: TableName;
      readonly chain: string;
      readonly handle: number;
    };

/** A rule as it stands: with the number by which it is deleted. */
export interface ListedRule {
  readonly handle: number;
  /** Undefined for a rule that this port has no words for. */
  readonly rule: Rule | undefined;
}

/** A chain as it stands. */
export interface ListedChain {
  readonly name: string;
  readonly base?: BaseChain;
  readonly rules: readonly ListedRule[];
}

/** A table as it stands. */
export interface ListedTable extends TableName {
  readonly chains: readonly ListedChain[];
}

/** What is done to packets: nft(8). */
export interface PacketFilter {
  /**
   * @syscall netlink(7) CAP_NET_ADMIN "change the rules of nftables, all at once or not at all;
   * EEXIST for what is there, ENOENT for what is not, EBUSY for a chain that others lead to"
   */
  changeRuleset(changes: readonly RulesetChange[]): void;
  /** @syscall netlink(7) CAP_NET_ADMIN "the tables of ip and ip6, with their chains and rules" */
  listRuleset(): readonly ListedTable[];
}

/** All of it. */
export type Network = Links & Addresses & Routes & Neighbours & PacketFilter;
