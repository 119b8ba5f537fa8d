/**
 * Reach: where a connection comes to, from a namespace to an address and a port.
 *
 * The first packet is walked through routes, chains, links and bridges, from one namespace to the
 * next, until it is with somebody; then the answer is walked back, for a connection is there only
 * when that arrives. Nothing of the state is changed: what namespaces remember of the connection
 * lives as long as the walk.
 *
 * ```
 * output ─▶ postrouting ─▶ link ─▶ prerouting ─▶ for us? ─▶ input ─▶ a listener
 *                           ▲                       │
 *                           └───── postrouting ◀─ forward
 * ```
 *
 * Kernel interface: tcp(7), ip(7), nft(8).
 * Invariants:
 *   reachability-agrees   whether and whom a connection reaches is what it is on Linux, through
 *                         random routes, bridges and rules
 * Left out: bytes, time, and loss; route_localnet, reverse path filters, br_netfilter; redirects.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import {
  formatAddress,
  isLoopback,
  isSameAddress,
  isWithin,
  type IpAddress,
} from "../../ip-address.ts";
import type { Device, HeldRoute, Listener, NetNamespace } from "../state.ts";
import { passChains, type Place } from "./filter.ts";
import {
  formatEnd,
  inverse,
  isSameTuple,
  type Endpoint,
  type Packet,
  type Tracking,
  type Tuple,
} from "./packet.ts";
import { bestOf, holderOf } from "./routes.ts";
import { hasAddress, receiverOf } from "./segment.ts";
import { sourceFor } from "./source-address.ts";

/** A step of the way, for people: where, what happens, and with which two ends. */
export interface Hop {
  /** The network namespace, by its inode number. */
  readonly namespace: number;
  readonly does: string;
  readonly link?: string;
  readonly from: string;
  readonly to: string;
}

/** What a try to connect comes to. */
export interface Reach {
  /** Who took the connection, and with which ends both sides see it. */
  readonly reached?: {
    readonly listener: Listener;
    readonly namespace: NetNamespace;
    readonly sent: Tuple;
    readonly received: Tuple;
  };
  /** Why not: ETIMEDOUT when nothing comes back. */
  readonly errno?: string;
  readonly hops: readonly Hop[];
}

/** What a try to connect comes to, as plain data. */
export interface Way {
  /** Whom it reaches: the namespace by its inode number, and where that one waits. */
  readonly reached?: {
    readonly namespace: number;
    readonly address: string;
    readonly port: number;
    /** From which address the connection seems to come, there. */
    readonly from: string;
  };
  readonly errno?: string;
  readonly hops: readonly Hop[];
}

/** Where a connection comes to, as plain data. */
export function wayTo(net: NetNamespace, destination: Endpoint): Way {
  const { reached, errno, hops } = reach(net, destination);
  if (reached === undefined) return { ...(errno === undefined ? {} : { errno }), hops };
  const { listener, namespace, received } = reached;
  const address = listener.address === undefined ? "*" : formatAddress(listener.address);
  const from = formatAddress(received.source.address);
  return { reached: { namespace: namespace.inode, address, port: listener.port, from }, hops };
}

const HOPS_MAX = 64;
const CLIENT_PORT = 40_000;

/** What is the same for all packets of one try. */
interface Walk {
  readonly tracking: Tracking;
  readonly hops: Hop[];
}

/** Where a packet has come to. */
type Arrival =
  | { readonly at: NetNamespace; readonly packet: Packet }
  /** A router says that it goes no further. */
  | { readonly refusedBy: NetNamespace; readonly packet: Packet; readonly errno: string }
  | undefined;

/** Tries to connect from a namespace to an address and a port. */
export function reach(net: NetNamespace, destination: Endpoint): Reach {
  const walk: Walk = { tracking: new Map(), hops: [] };
  const { hops } = walk;
  const source = sourceOf(net, destination.address);
  if (source === undefined) return { errno: whyNoSource(net, destination.address), hops };
  const sent: Tuple = { source: { address: source, port: CLIENT_PORT }, destination };
  const arrival = emit(walk, net, { kind: "syn", tuple: sent, hopsLeft: HOPS_MAX });
  if (arrival === undefined) return { errno: "ETIMEDOUT", hops };
  const received = arrival.packet.tuple;
  if ("errno" in arrival) return refuse(walk, { net, sent }, arrival);
  const listener = listenerAt(arrival.at, received.destination);
  const kind = listener === undefined ? "rst" : "syn-ack";
  const answer = emit(walk, arrival.at, { kind, tuple: inverse(received), hopsLeft: HOPS_MAX });
  if (!isBack(answer, net, sent)) return { errno: "ETIMEDOUT", hops };
  if (listener === undefined) return { errno: "ECONNREFUSED", hops };
  // Whoever waits is told by the third packet only. Who connected believes to be connected, until
  // what it says is never acknowledged.
  const last = emit(walk, net, { kind: "ack", tuple: sent, hopsLeft: HOPS_MAX });
  const isThere = last !== undefined && !("errno" in last) && last.at === arrival.at;
  if (!isThere) return { errno: "ETIMEDOUT", hops };
  return { reached: { listener, namespace: arrival.at, sent, received }, hops };
}

/** IPv6 looks first as whom it could speak: even a loopback would do. */
function whyNoSource(net: NetNamespace, { family }: IpAddress): string {
  const held = [...net.devices.values()].flatMap(({ addresses }) => addresses);
  const isMute = family === 6 && held.every((each) => each.family === 4);
  return isMute ? "EADDRNOTAVAIL" : "ENETUNREACH";
}

interface Sender {
  readonly net: NetNamespace;
  readonly sent: Tuple;
}

/** A refusal has to come back, too: even our own comes by way of the loopback. */
function refuse(
  walk: Walk,
  { net, sent }: Sender,
  { refusedBy, packet, errno }: Extract<Arrival, { errno: string }>,
): Reach {
  const { hops } = walk;
  const known = packet.known && { entry: packet.known.entry, isReply: true };
  const tuple = inverse(packet.tuple);
  const teller = sourceOf(refusedBy, tuple.destination.address);
  const made = { kind: "unreachable", tuple, teller, hopsLeft: HOPS_MAX, known } as const;
  const said = emit(walk, refusedBy, made);
  return { errno: isBack(said, net, sent) ? errno : "ETIMEDOUT", hops };
}

/** Whether a packet has come back to the socket that sent the first one. */
function isBack(arrival: Arrival, net: NetNamespace, sent: Tuple): boolean {
  if (arrival === undefined || "errno" in arrival) return false;
  return arrival.at === net && isSameTuple(arrival.packet.tuple, inverse(sent));
}

/** Who waits at an address: one who named it before one who waits at every address. */
export function listenerAt(net: NetNamespace, { address, port }: Endpoint): Listener | undefined {
  const here = [...net.listeners].filter((each) => each.port === port);
  const named = here.find((each) => each.address && isSameAddress(each.address, address));
  return named ?? here.find((each) => each.address === undefined);
}

/** As whom a namespace connects to an address; undefined when it knows no way. */
function sourceOf(net: NetNamespace, to: IpAddress): IpAddress | undefined {
  const own = holderOf(net, to);
  if (own !== undefined) {
    const held = own.addresses.find((each) => !each.isSecondary && isWithin(to, each)) ?? to;
    return to.family === 6 ? to : { family: held.family, value: held.value };
  }
  const route = bestOf(net.routes, to);
  return route && (sourceFor(route, to) ?? { family: to.family, value: 0n });
}

/** Sends a packet that was made here. */
function emit(walk: Walk, net: NetNamespace, made: Packet): Arrival {
  const first = exitOf(net, made.tuple.destination.address);
  if (first === undefined) return undefined;
  const place = { net, input: undefined, output: first.device };
  const packet = ask(walk, { ...place, hook: "output" }, made);
  const way = packet && exitOf(net, packet.tuple.destination.address);
  if (packet === undefined || way === undefined) return undefined;
  const isMoved = !isSameAddress(packet.tuple.destination.address, made.tuple.destination.address);
  // What came from 127.0.0.1 does not leave; ::1 does, but nobody takes it.
  const { address: from } = packet.tuple.source;
  const isLocal = from.family === 4 && isLoopback(from);
  if (isMoved && isLocal && way.device.kind !== "loopback") return undefined;
  return leave(walk, { ...place, output: way.device }, { packet, route: way.route });
}

interface Exit {
  readonly device: Device;
  /** Undefined for what is ours. */
  readonly route: HeldRoute | undefined;
}

function exitOf(net: NetNamespace, to: IpAddress): Exit | undefined {
  const loopback = [...net.devices.values()].find(({ kind }) => kind === "loopback");
  if (holderOf(net, to) !== undefined) return loopback && { device: loopback, route: undefined };
  const route = bestOf(net.routes, to);
  return route && { device: route.device, route };
}

/** Asks the chains of a place, and writes down what they change. */
function ask(walk: Walk, place: Place, packet: Packet): Packet | undefined {
  const passed = passChains(place, packet, walk.tracking);
  if (passed === undefined) note(walk, place, packet, "drop");
  else if (!isSameTuple(passed.tuple, packet.tuple)) note(walk, place, passed, "translate");
  return passed;
}

function note(
  { hops }: Walk,
  { net, hook, input, output }: Place,
  { kind, tuple }: Packet,
  what: "drop" | "translate" | "send" | "receive" | "refuse",
): void {
  const link = what === "receive" ? input?.name : (output ?? input)?.name;
  hops.push({
    namespace: net.inode,
    does: `${what} ${kind} (${hook})`,
    ...(link === undefined ? {} : { link }),
    from: formatEnd(tuple.source),
    to: formatEnd(tuple.destination),
  });
}

interface Leaving {
  readonly packet: Packet;
  readonly route: HeldRoute | undefined;
}

/** A packet leaves by a device, and arrives with the next namespace. */
function leave(walk: Walk, place: Omit<Place, "hook">, { packet: made, route }: Leaving): Arrival {
  const here: Place = { ...place, hook: "postrouting" };
  const { output, net } = here;
  const packet = ask(walk, here, made);
  if (packet === undefined || output === undefined) return undefined;
  note(walk, here, packet, "send");
  if (route === undefined) return output.up ? arrive(walk, output, packet) : undefined;
  const { source, destination } = packet.tuple;
  const from = hasAddress(output, source.address) ? source.address : undefined;
  const to = route.gateway ?? destination.address;
  const receiver = receiverOf({ sender: output, to, from });
  if (receiver === "nobody") return undefined;
  if (receiver !== undefined) return arrive(walk, receiver, { ...packet, known: undefined });
  return { refusedBy: net, packet: made, errno: "EHOSTUNREACH" };
}

/** A packet arrives by a device. */
function arrive(walk: Walk, input: Device, made: Packet): Arrival {
  const { namespace: net } = input;
  const here: Place = { net, input, output: undefined, hook: "prerouting" };
  note(walk, here, made, "receive");
  const packet = ask(walk, here, made);
  if (packet === undefined || isStrange(input, packet.tuple)) return undefined;
  if (holderOf(net, packet.tuple.destination.address) === undefined) {
    return passOn(walk, input, packet);
  }
  const taken = ask(walk, { ...here, hook: "input" }, packet);
  return taken && { at: net, packet: taken };
}

/** What cannot come from outside: from ourselves, from nobody, from or to a loopback. */
function isStrange(input: Device, { source, destination }: Tuple): boolean {
  if (input.kind === "loopback") return false;
  const isInner = isLoopback(source.address) || isLoopback(destination.address);
  const isNobody = source.address.value === 0n;
  const isOurs = source.address.family === 4 && hasAddress(input, source.address);
  return isInner || isNobody || isOurs;
}

/** A packet for others is passed on, where that is allowed. */
function passOn(walk: Walk, input: Device, packet: Packet): Arrival {
  const { namespace: net } = input;
  const { address } = packet.tuple.destination;
  if (!net.forwards[address.family]) return undefined;
  const route = bestOf(net.routes, address);
  const isError = packet.kind === "unreachable";
  if (route === undefined) {
    return isError ? undefined : { refusedBy: net, packet, errno: "ENETUNREACH" };
  }
  if (packet.hopsLeft <= 1) {
    return isError ? undefined : { refusedBy: net, packet, errno: "EHOSTUNREACH" };
  }
  const place = { net, input, output: route.device };
  const passed = ask(walk, { ...place, hook: "forward" }, packet);
  if (passed === undefined) return undefined;
  return leave(walk, place, { packet: { ...passed, hopsLeft: packet.hopsLeft - 1 }, route });
}
