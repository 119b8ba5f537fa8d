/**
 * Netlink of rules: what nf_tables makes of a rule, and what a rule makes of that.
 *
 * A rule is a short program on registers. A condition loads something of the packet into register 1
 * and compares it, which ends the rule when it does not fit; the verdict is what comes last:
 *
 * ```
 * ip saddr 10.0.0.0/24 oifname != "br0" masquerade
 *
 * [ payload load 3b @ network header + 12 => reg 1 ]
 * [ cmp eq reg 1 0x0a0000 ]
 * [ meta load oifname => reg 1 ]
 * [ cmp neq reg 1 "br0" ]
 * [ masq ]
 * ```
 *
 * The kernel keeps the program and nothing else, so a listed rule is read back from it. A program
 * of another shape is somebody else's: it has no words here.
 *
 * Kernel interface: nft(8), whose --debug=netlink prints such programs.
 * Invariants: none.
 * Left out: all other expressions: sets, maps, counters, limits, logs.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { addressBytes, parseAddress, type IpNetwork } from "../ip-address.ts";
import type { PacketMatch, Rule, Verdict } from "../port.ts";
import { readCondition, readRule, STATES } from "../packet-rule.ts";
import { encodeName, named, nested, viewOf, type NetlinkAttribute } from "./netlink.ts";
import {
  ADDRESS_TYPES,
  big,
  BITWISE,
  COMPARE,
  CONNECTION,
  DATA,
  DPORT_OFFSET,
  EQUAL,
  EXPRESSION,
  FIB,
  IMMEDIATE,
  LIST_ELEMENT,
  META,
  META_KEYS,
  NAMES_BYTES,
  NAT,
  NETWORK_HEADER,
  NF_FAMILY,
  NFT_CT_STATE,
  NFT_FIB_RESULT_ADDRTYPE,
  NFT_JUMP,
  NFT_NAT_DNAT,
  NFTA_FIB_F_DADDR,
  NOT_EQUAL,
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

/** The program of a rule, as the value of its attribute; undefined for a rule that cannot be. */
export function encodeRule(family: Family, rule: Rule): readonly NetlinkAttribute[] | undefined {
  const read = readRule(family, rule);
  if (read === undefined) return undefined;
  const conditions = read.matches.flatMap((match) => encodeMatch(family, match) ?? []);
  return [...conditions, ...encodeVerdict(family, read.verdict)].map(({ name, data }) =>
    nested(LIST_ELEMENT, [named(EXPRESSION.name, name), nested(EXPRESSION.data, data)]),
  );
}

const value = (bytes: Uint8Array): NetlinkAttribute => ({ type: DATA.value, value: bytes });
const load = (name: string, data: readonly NetlinkAttribute[]): Expression => ({
  name,
  data: [big(1, REGISTER), ...data],
});
const compare = (operator: PacketMatch["operator"], bytes: Uint8Array): Expression => ({
  name: "cmp",
  data: [
    big(COMPARE.sreg, REGISTER),
    big(COMPARE.operator, operator === "==" ? EQUAL : NOT_EQUAL),
    nested(COMPARE.data, [value(bytes)]),
  ],
});
const machineNumber = (number: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, number, true);
  return bytes;
};

function encodeMatch(family: Family, match: PacketMatch): readonly Expression[] | undefined {
  const condition = readCondition(family, match);
  const { operator } = match;
  switch (condition?.on) {
    case undefined:
      return undefined;
    case "saddr":
    case "daddr":
      return encodeAddressMatch(OFFSETS[family][condition.on], operator, condition.network);
    case "iifname":
    case "oifname": {
      const bytes = new Uint8Array(NAMES_BYTES);
      bytes.set(encodeName(condition.link).subarray(0, NAMES_BYTES));
      return [load("meta", [big(META.key, META_KEYS[condition.on])]), compare(operator, bytes)];
    }
    case "l4proto": {
      const loaded = load("meta", [big(META.key, META_KEYS.l4proto)]);
      return [loaded, compare(operator, Uint8Array.of(condition.number))];
    }
    case "dport": {
      const bytes = Uint8Array.of(condition.port >> 8, condition.port & 255);
      return [payload(TRANSPORT_HEADER, DPORT_OFFSET, 2), compare(operator, bytes)];
    }
    case "ct-state":
      return encodeStateMatch(operator, condition.states);
    case "daddr-type": {
      const asked = [big(FIB.result, NFT_FIB_RESULT_ADDRTYPE), big(FIB.flags, NFTA_FIB_F_DADDR)];
      return [load("fib", asked), compare(operator, machineNumber(ADDRESS_TYPES[condition.type]))];
    }
  }
}

const payload = (base: number, offset: number, length: number): Expression =>
  load("payload", [
    big(PAYLOAD.base, base),
    big(PAYLOAD.offset, offset),
    big(PAYLOAD.length, length),
  ]);

/** A whole number of bytes is loaded alone; another prefix is cut out of the whole address. */
function encodeAddressMatch(
  offset: number,
  operator: PacketMatch["operator"],
  network: IpNetwork,
): readonly Expression[] {
  const address = addressBytes(network);
  const { prefixLength } = network;
  if (prefixLength % 8 === 0) {
    const count = prefixLength / 8;
    return [payload(NETWORK_HEADER, offset, count), compare(operator, address.subarray(0, count))];
  }
  const mask = maskBytes(address.length, prefixLength);
  const loaded = payload(NETWORK_HEADER, offset, address.length);
  return [loaded, bitwise(mask), compare(operator, address)];
}

function maskBytes(length: number, prefixLength: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => {
    const bits = Math.min(8, Math.max(0, prefixLength - at * 8));
    return (0xff00 >> bits) & 0xff;
  });
}

const bitwise = (mask: Uint8Array): Expression => ({
  name: "bitwise",
  data: [
    big(BITWISE.sreg, REGISTER),
    big(BITWISE.dreg, REGISTER),
    big(BITWISE.length, mask.length),
    big(BITWISE.operation, 0),
    nested(BITWISE.mask, [value(mask)]),
    nested(BITWISE.xor, [value(new Uint8Array(mask.length))]),
  ],
});

/** The state is one of the named: the bits of the others are cut away, and something is left. */
function encodeStateMatch(
  operator: PacketMatch["operator"],
  states: readonly string[],
): readonly Expression[] {
  const bits = states.reduce((sum, state) => sum | (STATES[state] ?? 0), 0);
  const none = operator === "==" ? "!=" : "==";
  return [
    load("ct", [big(CONNECTION.key, NFT_CT_STATE)]),
    bitwise(machineNumber(bits)),
    compare(none, machineNumber(0)),
  ];
}

function encodeVerdict(family: Family, verdict: Verdict): readonly Expression[] {
  if (verdict.verdict === "masquerade") return [{ name: "masq", data: [] }];
  if (verdict.verdict !== "dnat") {
    const isJump = verdict.verdict === "jump";
    const code = isJump ? NFT_JUMP : (VERDICTS[verdict.verdict] ?? 0);
    const chain = isJump ? [named(VERDICT.chain, verdict.chain)] : [];
    const data = nested(DATA.verdict, [big(VERDICT.code, code), ...chain]);
    return [immediate(VERDICT_REGISTER, data)];
  }
  const address = parseAddress(verdict.address);
  const bytes = address === undefined ? new Uint8Array() : addressBytes(address);
  const port = verdict.port === undefined ? [] : [verdict.port];
  return [
    immediate(REGISTER, value(bytes)),
    ...port.map((each) => immediate(SECOND_REGISTER, value(Uint8Array.of(each >> 8, each & 255)))),
    {
      name: "nat",
      data: [
        big(NAT.type, NFT_NAT_DNAT),
        big(NAT.family, NF_FAMILY[family]),
        big(NAT.addressMin, REGISTER),
        ...port.map(() => big(NAT.portMin, SECOND_REGISTER)),
      ],
    },
  ];
}

const immediate = (register: number, data: NetlinkAttribute): Expression => ({
  name: "immediate",
  data: [big(IMMEDIATE.dreg, register), nested(IMMEDIATE.data, [data])],
});
