/**
 * Filter: what the chains of a namespace do to a packet at one place of its way.
 *
 * Chains of all tables are asked in the order of their priorities. One that drops has the last
 * word; one that accepts lets the next one be asked. Those of type nat are asked about the first
 * packet of a connection only, at a priority of their own; what they decide is remembered.
 *
 * Kernel interface: nft(8).
 * Invariants: none.
 * Left out: rules for packets of other protocols than TCP: those by which IPv6 finds neighbours are
 *   never dropped.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { isWithin, parseAddress, type IpAddress } from "../../ip-address.ts";
import { PROTOCOLS, readCondition, type Condition } from "../../packet-rule.ts";
import type { BaseChain, ListedChain, PacketMatch, Rule, Verdict } from "../../port.ts";
import type { Device, FilterTable, NetNamespace } from "../state.ts";
import { addressBy } from "./source-address.ts";
import {
  track,
  withDestination,
  withSource,
  type Known,
  type Packet,
  type Tracking,
  type Tuple,
} from "./packet.ts";
import { holderOf } from "./routes.ts";

/** Where the kernel itself changes destinations, and where sources. */
const NAT_PRIORITY = { destination: -100, source: 100 } as const;

/** A place on a packet's way through a namespace. */
export interface Place {
  readonly net: NetNamespace;
  readonly hook: BaseChain["hook"];
  readonly input: Device | undefined;
  readonly output: Device | undefined;
}

interface Asking extends Place {
  readonly packet: Packet;
  readonly known: Known;
  /** What the packet says at the moment. */
  tuple: Tuple;
}

interface Asked {
  readonly table: FilterTable;
  readonly chain: ListedChain;
  readonly base: BaseChain;
}

/**
 * What becomes of a packet at one place.
 *
 * @returns undefined when it is dropped, otherwise how it goes on
 */
export function passChains(place: Place, packet: Packet, tracking: Tracking): Packet | undefined {
  const { net, hook } = place;
  const known = packet.known ?? track(tracking, net, packet.tuple);
  const asking: Asking = { ...place, packet, known, tuple: packet.tuple };
  const chains = chainsAt(net, hook, packet.tuple.source.address);
  const filters = chains.filter(({ base }) => base.type === "filter");
  const nat = chains.filter(({ base }) => base.type === "nat");
  const side = hook === "prerouting" || hook === "output" ? "destination" : "source";
  const at = hook === "forward" ? Number.POSITIVE_INFINITY : NAT_PRIORITY[side];
  const before = filters.filter(({ base }) => base.priority < at);
  const after = filters.filter(({ base }) => base.priority >= at);
  if (before.some((each) => decide(each, asking).verdict === "drop")) return undefined;
  if (hook !== "forward" && !translate(nat, asking, side)) return undefined;
  if (after.some((each) => decide(each, asking).verdict === "drop")) return undefined;
  return { ...packet, tuple: asking.tuple, known };
}

function chainsAt(net: NetNamespace, hook: string, { family }: IpAddress): readonly Asked[] {
  const wanted = family === 4 ? "ip" : "ip6";
  return net.tables
    .filter((table) => table.family === wanted)
    .flatMap((table) =>
      table.chains.flatMap((chain) =>
        chain.base?.hook === hook ? [{ table, chain, base: chain.base }] : [],
      ),
    )
    .toSorted((a, b) => a.base.priority - b.base.priority);
}

/** Changes one side of a packet as its connection has it. @returns false when a chain drops it */
function translate(
  chains: readonly Asked[],
  asking: Asking,
  side: "destination" | "source",
): boolean {
  const asked = side === "destination" ? "hasDestination" : "hasSource";
  const { known, packet, net } = asking;
  const isFirst = packet.kind === "syn" && !known.isReply && !known.entry[asked];
  if (isFirst && !askNat(chains, asking)) return false;
  if (isFirst) known.entry[asked] = true;
  if (net.tables.length === 0) return true;
  const change = side === "destination" ? withDestination : withSource;
  asking.tuple = change(known, asking.tuple);
  return true;
}

/** Asks the chains of type nat: the first that translates, or drops, has the last word. */
function askNat(chains: readonly Asked[], asking: Asking): boolean {
  for (const each of chains) {
    const verdict = decide(each, asking);
    if (verdict.verdict === "drop") return false;
    if (!isTranslation(verdict)) continue;
    applyTranslation(asking, verdict);
    return true;
  }
  return true;
}

type Translation = Extract<Verdict, { verdict: "masquerade" } | { verdict: "dnat" }>;

const isTranslation = (verdict: Verdict): verdict is Translation =>
  verdict.verdict === "masquerade" || verdict.verdict === "dnat";

function applyTranslation({ known, net, output, tuple }: Asking, verdict: Translation): void {
  const { entry } = known;
  if (verdict.verdict === "dnat") {
    const address = parseAddress(verdict.address) ?? tuple.destination.address;
    const destination = { address, port: verdict.port ?? tuple.destination.port };
    entry.translated = { ...entry.translated, destination };
    return;
  }
  const to = tuple.destination.address;
  // With IPv6 the nearest to an address of ours is that address.
  const isOwn = to.family === 6 && holderOf(net, to) !== undefined;
  const address = isOwn ? to : output && addressBy(output, to);
  if (address === undefined) return;
  const source = { address, port: entry.translated.source.port };
  entry.translated = { ...entry.translated, source };
}

/** What a base chain says of a packet; its policy when no rule decides. */
function decide({ table, chain, base }: Asked, asking: Asking): Verdict {
  return askChain(table, chain, asking) ?? { verdict: base.policy };
}

/** What a chain says, with those that it leads to; undefined when it says nothing. */
function askChain(table: FilterTable, chain: ListedChain, asking: Asking): Verdict | undefined {
  for (const { rule } of chain.rules) {
    if (rule === undefined || !isFor(table, rule, asking)) continue;
    const { verdict } = rule;
    if (verdict.verdict === "return") return undefined;
    if (verdict.verdict !== "jump") return verdict;
    const to = table.chains.find(({ name }) => name === verdict.chain);
    const said = to && askChain(table, to, asking);
    if (said !== undefined) return said;
  }
  return undefined;
}

function isFor({ family }: FilterTable, { matches }: Rule, asking: Asking): boolean {
  return matches.every((match: PacketMatch) => {
    const condition = readCondition(family, match);
    return condition !== undefined && holds(condition, asking) === (match.operator === "==");
  });
}

function holds(condition: Condition, asking: Asking): boolean {
  const { tuple, packet, net, input, output } = asking;
  const { source, destination } = tuple;
  switch (condition.on) {
    case "saddr":
      return isWithin(packet.teller ?? source.address, condition.network);
    case "daddr":
      return isWithin(destination.address, condition.network);
    case "iifname":
      return input?.name === condition.link;
    case "oifname":
      return output?.name === condition.link;
    case "l4proto":
      return condition.number === PROTOCOLS["tcp"] && packet.kind !== "unreachable";
    case "dport":
      return destination.port === condition.port && packet.kind !== "unreachable";
    case "ct-state":
      return condition.states.includes(stateOf(packet));
    case "daddr-type": {
      const isLocal = holderOf(net, destination.address) !== undefined;
      return isLocal === (condition.type === "local");
    }
  }
}

function stateOf({ kind }: Packet): string {
  if (kind === "unreachable") return "related";
  return kind === "syn" ? "new" : "established";
}
