/**
 * Netlink of rules, its words: the numbers of linux/netfilter/nf_tables.h.
 *
 * Kernel interface: nft(8).
 * Invariants: none.
 * Left out: expressions that `netlink-rules.ts` does not use.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { AddressType } from "../packet-rule.ts";
import type { TableName } from "../port.ts";
import { valueOf, viewOf, type NetlinkAttribute } from "./netlink.ts";

/** Whose packets a table is about. */
export type Family = TableName["family"];

/** One step of a rule's program. */
export interface Expression {
  readonly name: string;
  readonly data: readonly NetlinkAttribute[];
}

/** An attribute: one of a list. */
export const LIST_ELEMENT = 1;
/** Attributes of an expression. */
export const EXPRESSION = { name: 1, data: 2 } as const;
/** Attributes of `payload`. */
export const PAYLOAD = { dreg: 1, base: 2, offset: 3, length: 4 } as const;
/** Attributes of `bitwise`. */
export const BITWISE = { sreg: 1, dreg: 2, length: 3, mask: 4, xor: 5, operation: 6 } as const;
/** Attributes of `cmp`. */
export const COMPARE = { sreg: 1, operator: 2, data: 3 } as const;
/** Attributes of `meta`. */
export const META = { dreg: 1, key: 2 } as const;
/** Attributes of `ct`. */
export const CONNECTION = { dreg: 1, key: 2 } as const;
/** Attributes of `fib`. */
export const FIB = { dreg: 1, result: 2, flags: 3 } as const;
/** Attributes of `immediate`. */
export const IMMEDIATE = { dreg: 1, data: 2 } as const;
/** Attributes of `nat`. */
export const NAT = {
  type: 1,
  family: 2,
  addressMin: 3,
  addressMax: 4,
  portMin: 5,
  portMax: 6,
} as const;
/** Attributes of a value. */
export const DATA = { value: 1, verdict: 2 } as const;
/** Attributes of a verdict. */
export const VERDICT = { code: 1, chain: 2 } as const;

/** The register that conditions use. */
export const REGISTER = 1;
/** The register for a port, beside the one for its address. */
export const SECOND_REGISTER = 2;
/** The register that decides. */
export const VERDICT_REGISTER = 0;
/** A base of `payload`. */
export const NETWORK_HEADER = 1;
/** A base of `payload`. */
export const TRANSPORT_HEADER = 2;
/** Where a destination port is. */
export const DPORT_OFFSET = 2;
/** An operator of `cmp`. */
export const EQUAL = 0;
/** An operator of `cmp`. */
export const NOT_EQUAL = 1;
/** A type of `nat`. */
export const NFT_NAT_DNAT = 1;
/** A key of `ct`. */
export const NFT_CT_STATE = 0;
/** A result of `fib`. */
export const NFT_FIB_RESULT_ADDRTYPE = 3;
/** A flag of `fib`: ask for the destination. */
export const NFTA_FIB_F_DADDR = 2;
/** How long the name of a link is in a register. */
export const NAMES_BYTES = 16;
/** Families by number. */
export const NF_FAMILY = { ip: 2, ip6: 10 } as const;
/** Keys of `meta`. */
export const META_KEYS = { iifname: 6, oifname: 7, l4proto: 16 } as const;
/** What `fib` says of an address. */
export const ADDRESS_TYPES: Readonly<Record<AddressType, number>> = { unicast: 1, local: 2 };
/** Verdicts by number. */
export const VERDICTS: Readonly<Record<string, number>> = { drop: 0, accept: 1, return: -5 };
/** The verdict that leads to another chain. */
export const NFT_JUMP = -3;
/** Where the two addresses of a packet are in its header. */
export const OFFSETS = {
  ip: { saddr: 12, daddr: 16, bytes: 4 },
  ip6: { saddr: 8, daddr: 24, bytes: 16 },
} as const;

/** A number of 32 bits, in the order of the network. */
export function big(type: number, number: number): NetlinkAttribute {
  const value = new Uint8Array(4);
  viewOf(value).setInt32(0, number, false);
  return { type, value };
}

/** The number of 32 bits in the order of the network that is the value of an attribute. */
export function bigOf(attributes: readonly NetlinkAttribute[], type: number): number | undefined {
  const value = valueOf(attributes, type);
  return value === undefined || value.length < 4 ? undefined : viewOf(value).getInt32(0, false);
}
