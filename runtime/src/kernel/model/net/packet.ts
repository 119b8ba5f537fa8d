/**
 * Packets: what is sent, and what a namespace remembers of it.
 *
 * A connection is known by four numbers: two addresses and two ports. The first packet makes an
 * entry of them; when its destination or its source is changed on the way (NAT), the entry keeps
 * both forms, so that what comes back is changed back.
 *
 * ```
 *               original                          reply
 * in     10.0.0.2:40000 → 192.0.2.1:80     192.0.2.1:80 → 198.51.100.7:40000
 * out 198.51.100.7:40000 → 192.0.2.1:80    192.0.2.1:80 →     10.0.0.2:40000
 * ```
 *
 * Kernel interface: nft(8), conntrack(8).
 * Invariants: none.
 * Left out: ports that are changed because others use them; everything but TCP's first exchange.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { formatAddress, isSameAddress, type IpAddress } from "../../ip-address.ts";
import type { NetNamespace } from "../state.ts";

/** One end of a connection. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** Where a packet comes from and where it goes. */
export interface Tuple {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/** What is said until a connection is there or refused, and what a router says. */
export type PacketKind = "syn" | "syn-ack" | "ack" | "rst" | "unreachable";

/** A packet on its way. */
export interface Packet {
  readonly kind: PacketKind;
  readonly tuple: Tuple;
  /** Of one that says "unreachable": the router that says so. Its tuple is that of the lost one. */
  readonly teller?: IpAddress | undefined;
  /** How often it may still be passed on. */
  readonly hopsLeft: number;
  /** What the namespace knows of it that it is in: it does not take that along. */
  readonly known?: Known | undefined;
}

/** What a namespace knows of a connection. */
export interface Tracked {
  /** As its first packet came. */
  original: Tuple;
  /** As its first packet left. */
  translated: Tuple;
  /** Whether the chains for the destination, and for the source, have been asked. */
  hasDestination: boolean;
  hasSource: boolean;
}

/** What all namespaces know. */
export type Tracking = Map<NetNamespace, Tracked[]>;

/** The same two ends, the other way round. */
export const inverse = ({ source, destination }: Tuple): Tuple => ({
  source: destination,
  destination: source,
});

const isSameEnd = (one: Endpoint, other: Endpoint): boolean =>
  one.port === other.port && isSameAddress(one.address, other.address);

/** Whether two tuples are one. */
export const isSameTuple = (one: Tuple, other: Tuple): boolean =>
  isSameEnd(one.source, other.source) && isSameEnd(one.destination, other.destination);

/** What a namespace knows of a packet: the entry, and whether it goes back. */
export interface Known {
  readonly entry: Tracked;
  readonly isReply: boolean;
}

/** Finds what is known of a packet, or remembers it as the first of its connection. */
export function track(tracking: Tracking, net: NetNamespace, tuple: Tuple): Known {
  const entries = tracking.get(net) ?? [];
  tracking.set(net, entries);
  for (const entry of entries) {
    if (isSameTuple(entry.original, tuple)) return { entry, isReply: false };
    if (isSameTuple(inverse(entry.translated), tuple)) return { entry, isReply: true };
  }
  const entry = { original: tuple, translated: tuple, hasDestination: false, hasSource: false };
  entries.push(entry);
  return { entry, isReply: false };
}

/** A packet as it is behind the place where destinations are changed. */
export function withDestination({ entry, isReply }: Known, tuple: Tuple): Tuple {
  const to = isReply ? entry.original.source : entry.translated.destination;
  return { ...tuple, destination: to };
}

/** A packet as it is behind the place where sources are changed. */
export function withSource({ entry, isReply }: Known, tuple: Tuple): Tuple {
  const from = isReply ? entry.original.destination : entry.translated.source;
  return { ...tuple, source: from };
}

/** An end as people write it. */
export function formatEnd({ address, port }: Endpoint): string {
  const text = formatAddress(address);
  return address.family === 4 ? `${text}:${port}` : `[${text}]:${port}`;
}
