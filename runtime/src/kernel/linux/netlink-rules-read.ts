/**
 * Netlink of rules, read back: from the program that the kernel keeps to the rule that it was.
 *
 * A program of another shape than `netlink-rules.ts` writes is somebody else's, and has no words
 * here.
 *
 * Kernel interface: nft(8).
 * Invariants: none.
 * Left out: other programs of the same meaning.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { addressOf, formatAddress, formatShort } from "../ip-address.ts";
import { PROTOCOLS, STATES } from "../packet-rule.ts";
import type { PacketMatch, Rule, Verdict } from "../port.ts";
import {
  decodeAttributes,
  decodeName,
  listOf,
  nameOf,
  valueOf,
  viewOf,
  type NetlinkAttribute,
} from "./netlink.ts";
import {
  ADDRESS_TYPES,
  bigOf,
  BITWISE,
  COMPARE,
  CONNECTION,
  DATA,
  DPORT_OFFSET,
  EQUAL,
  EXPRESSION,
  FIB,
  IMMEDIATE,
  META,
  META_KEYS,
  NAT,
  NETWORK_HEADER,
  NFT_CT_STATE,
  NFT_FIB_RESULT_ADDRTYPE,
  NFT_JUMP,
  NFT_NAT_DNAT,
  NFTA_FIB_F_DADDR,
  OFFSETS,
  PAYLOAD,
  REGISTER,
  SECOND_REGISTER,
  TRANSPORT_HEADER,
  VERDICT,
  VERDICT_REGISTER,
  VERDICTS,
  type Expression,
  type Family,
} from "./netlink-rule-words.ts";

/** The rule of a program, or undefined for one that there are no words for. */
export function decodeRule(family: Family, list: readonly NetlinkAttribute[]): Rule | undefined {
  let steps: readonly Expression[] = list.map(({ value }) => {
    const parts = decodeAttributes(value);
    return { name: nameOf(parts, EXPRESSION.name) ?? "", data: listOf(parts, EXPRESSION.data) };
  });
  const matches: PacketMatch[] = [];
  while (steps.length > 0) {
    const verdict = decodeVerdict(steps);
    if (verdict !== undefined) return { matches, verdict };
    const [loaded, ...rest] = steps;
    const mask = rest[0]?.name === "bitwise" ? rest[0] : undefined;
    const compared = rest[mask === undefined ? 0 : 1];
    const match = decodeMatch(family, { loaded, mask, compared });
    if (match === undefined) return undefined;
    matches.push(match);
    steps = rest.slice(mask === undefined ? 1 : 2);
  }
  return undefined;
}

/** What one condition consists of. */
interface Condition {
  readonly loaded: Expression | undefined;
  readonly mask: Expression | undefined;
  readonly compared: Expression | undefined;
}

type Read = Pick<PacketMatch, "field" | "value">;

function decodeMatch(
  family: Family,
  { loaded, mask, compared }: Condition,
): PacketMatch | undefined {
  if (loaded === undefined || compared?.name !== "cmp") return undefined;
  const bytes = valueIn(compared, COMPARE.data) ?? new Uint8Array();
  const cut = mask && valueIn(mask, BITWISE.mask);
  const isEqual = bigOf(compared.data, COMPARE.operator) === EQUAL;
  const isState = loaded.name === "ct";
  const read = isState ? readState(loaded, cut, bytes) : readLoaded(family, loaded, { bytes, cut });
  // What is compared with zero of a state is whether nothing of the named is left.
  return read && { ...read, operator: isEqual === isState ? "!=" : "==" };
}

/** The bytes in an attribute of an expression. */
function valueIn({ data }: Expression, type: number): Uint8Array | undefined {
  return valueOf(listOf(data, type), DATA.value);
}

function readLoaded(
  family: Family,
  loaded: Expression,
  { bytes, cut }: { readonly bytes: Uint8Array; readonly cut: Uint8Array | undefined },
): Read | undefined {
  if (loaded.name === "payload") return readPayload(family, loaded, { bytes, cut });
  if (cut !== undefined) return undefined;
  if (loaded.name === "meta") return readMeta(loaded, bytes);
  const isType =
    loaded.name === "fib" &&
    bigOf(loaded.data, FIB.result) === NFT_FIB_RESULT_ADDRTYPE &&
    bigOf(loaded.data, FIB.flags) === NFTA_FIB_F_DADDR;
  if (!isType || bytes.length !== 4) return undefined;
  return named("daddr-type", ADDRESS_TYPES, viewOf(bytes).getUint32(0, true));
}

function readMeta({ data }: Expression, bytes: Uint8Array): Read | undefined {
  const key = bigOf(data, META.key);
  if (key === META_KEYS.l4proto) return named("l4proto", PROTOCOLS, bytes[0] ?? 0);
  if (key === META_KEYS.iifname) return { field: "iifname", value: decodeName(bytes) };
  return key === META_KEYS.oifname ? { field: "oifname", value: decodeName(bytes) } : undefined;
}

function named(
  field: Read["field"],
  names: Readonly<Record<string, number>>,
  number: number,
): Read | undefined {
  const found = Object.entries(names).find(([, each]) => each === number);
  return found === undefined ? undefined : { field, value: found[0] };
}

function readState(
  loaded: Expression,
  cut: Uint8Array | undefined,
  bytes: Uint8Array,
): Read | undefined {
  const isState = bigOf(loaded.data, CONNECTION.key) === NFT_CT_STATE;
  if (!isState || cut?.length !== 4 || bytes.some((byte) => byte !== 0)) return undefined;
  const bits = viewOf(cut).getUint32(0, true);
  const names = Object.entries(STATES).filter(([, bit]) => (bits & bit) !== 0);
  return { field: "ct-state", value: names.map(([name]) => name).join(",") };
}

function readPayload(
  family: Family,
  { data }: Expression,
  { bytes, cut }: { readonly bytes: Uint8Array; readonly cut: Uint8Array | undefined },
): Read | undefined {
  const [base, offset] = [bigOf(data, PAYLOAD.base), bigOf(data, PAYLOAD.offset)];
  if (base === TRANSPORT_HEADER && offset === DPORT_OFFSET && bytes.length === 2) {
    return { field: "dport", value: String(viewOf(bytes).getUint16(0, false)) };
  }
  const places = OFFSETS[family];
  const field = (["saddr", "daddr"] as const).find((each) => places[each] === offset);
  if (base !== NETWORK_HEADER || field === undefined || bytes.length > places.bytes) {
    return undefined;
  }
  const whole = new Uint8Array(places.bytes);
  whole.set(bytes);
  const address = addressOf(whole);
  if (address === undefined) return undefined;
  const prefixLength = cut === undefined ? bytes.length * 8 : onesOf(cut);
  return { field, value: formatShort({ ...address, prefixLength }) };
}

function onesOf(mask: Uint8Array): number {
  return mask.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
}

/** The verdict that the steps left are. */
function decodeVerdict(steps: readonly Expression[]): Verdict | undefined {
  const [first] = steps;
  if (first?.name === "masq" && steps.length === 1) return { verdict: "masquerade" };
  if (first?.name !== "immediate") return undefined;
  if (bigOf(first.data, IMMEDIATE.dreg) !== VERDICT_REGISTER) return decodeNat(steps);
  const parts = listOf(listOf(first.data, IMMEDIATE.data), DATA.verdict);
  const code = bigOf(parts, VERDICT.code);
  if (code === NFT_JUMP) return { verdict: "jump", chain: nameOf(parts, VERDICT.chain) ?? "" };
  const verdict = SIMPLE.find((name) => VERDICTS[name] === code);
  return verdict && { verdict };
}

const SIMPLE = ["accept", "drop", "return"] as const;

function decodeNat(steps: readonly Expression[]): Verdict | undefined {
  const nat = steps.at(-1);
  const isNat = nat?.name === "nat" && bigOf(nat.data, NAT.type) === NFT_NAT_DNAT;
  if (!isNat || steps.length > 3) return undefined;
  const held = (register: number): Uint8Array | undefined => {
    const set = steps.find(
      ({ name, data }) => name === "immediate" && bigOf(data, IMMEDIATE.dreg) === register,
    );
    return set && valueIn(set, IMMEDIATE.data);
  };
  const address = addressOf(held(REGISTER) ?? new Uint8Array());
  if (address === undefined) return undefined;
  const port = held(SECOND_REGISTER);
  const to = { verdict: "dnat", address: formatAddress(address) } as const;
  return port?.length === 2 ? { ...to, port: viewOf(port).getUint16(0, false) } : to;
}
