/**
 * Netlink of nf_tables: tables, chains and rules as messages of nfnetlink.
 *
 * All changes of one transaction are one batch: a message that begins it, one for each change, and
 * one that ends it. The kernel takes all of it or nothing.
 *
 * Kernel interface: netlink(7), nft(8); linux/netfilter/nfnetlink.h, nf_tables.h.
 * Invariants: none.
 * Left out: families but ip and ip6, sets, objects, the generation number of the ruleset.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type {
  BaseChain,
  ListedChain,
  ListedRule,
  ListedTable,
  RulesetChange,
  TableName,
} from "../port.ts";
import {
  decodeAttributes,
  encodeBody,
  listOf,
  named,
  nameOf,
  nested,
  NLM_F_APPEND,
  NLM_F_CREATE_NEW,
  valueOf,
  viewOf,
  type NetlinkAttribute,
} from "./netlink.ts";
import { big, bigOf, NF_FAMILY } from "./netlink-rule-words.ts";
import { encodeRule } from "./netlink-rules.ts";
import { decodeRule } from "./netlink-rules-read.ts";
import type { Request } from "./netlink-socket.ts";

const SUBSYSTEM = 10;
const message = (number: number): number => (SUBSYSTEM << 8) | number;

/** Message types of tables. */
export const TABLE = { new: message(0), get: message(1), delete: message(2) } as const;
/** Message types of chains. */
export const CHAIN = { new: message(3), get: message(4), delete: message(5) } as const;
/** Message types of rules. */
export const RULE = { new: message(6), get: message(7), delete: message(8) } as const;

const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const TABLE_NAME = 1;
const CHAIN_ATTRIBUTE = { table: 1, handle: 2, name: 3, hook: 4, policy: 5, type: 7 } as const;
const HOOK = { number: 1, priority: 2 } as const;
const RULE_ATTRIBUTE = { table: 1, chain: 2, handle: 3, expressions: 4 } as const;
const HOOKS = ["prerouting", "input", "forward", "output", "postrouting"] as const;
const POLICIES = ["drop", "accept"] as const;

/** `struct nfgenmsg`: the family, a version, and in whose name a batch is. */
function fixed(family: number, subsystem = 0): Uint8Array {
  return Uint8Array.of(family, 0, subsystem >> 8, subsystem & 255);
}

/** The body that asks for everything of one kind in a family. */
export function encodeFilterQuestion(family: TableName["family"]): Uint8Array {
  return fixed(NF_FAMILY[family]);
}

/**
 * The messages of one transaction.
 *
 * @returns undefined when one of the rules cannot be
 */
export function encodeRuleset(changes: readonly RulesetChange[]): readonly Request[] | undefined {
  const requests: Request[] = [];
  for (const change of changes) {
    const request = encodeChange(change);
    if (request === undefined) return undefined;
    requests.push(request);
  }
  const border = fixed(0, SUBSYSTEM);
  return [
    { type: NFNL_MSG_BATCH_BEGIN, body: border },
    ...requests,
    { type: NFNL_MSG_BATCH_END, body: border },
  ];
}

function encodeChange(change: RulesetChange): Request | undefined {
  const { family, name } = change.table;
  const body = (attributes: readonly NetlinkAttribute[]): Uint8Array =>
    encodeBody(fixed(NF_FAMILY[family]), attributes);
  const place = "chain" in change ? placeOf(change) : [named(TABLE_NAME, name)];
  switch (change.change) {
    case "create-table":
      return { type: TABLE.new, flags: NLM_F_CREATE_NEW, body: body(place) };
    case "delete-table":
      return { type: TABLE.delete, body: body(place) };
    case "create-chain": {
      const base = change.base === undefined ? [] : baseAttributes(change.base);
      return { type: CHAIN.new, flags: NLM_F_CREATE_NEW, body: body([...place, ...base]) };
    }
    case "delete-chain":
      return { type: CHAIN.delete, body: body(place) };
    case "flush-chain":
      return { type: RULE.delete, body: body(place) };
    case "delete-rule": {
      const handle = wide(RULE_ATTRIBUTE.handle, change.handle);
      return { type: RULE.delete, body: body([...place, handle]) };
    }
    case "add-rule": {
      const program = encodeRule(family, change.rule);
      if (program === undefined) return undefined;
      const attributes = [...place, nested(RULE_ATTRIBUTE.expressions, program)];
      return { type: RULE.new, flags: NLM_F_APPEND, body: body(attributes) };
    }
  }
}

/** Which chain: in messages about chains and in those about rules. */
function placeOf(
  change: Extract<RulesetChange, { readonly chain: string }>,
): readonly NetlinkAttribute[] {
  const isChain = change.change === "create-chain" || change.change === "delete-chain";
  const { table, name } = CHAIN_ATTRIBUTE;
  const chain = isChain ? name : RULE_ATTRIBUTE.chain;
  return [named(table, change.table.name), named(chain, change.chain)];
}

/** A number of 64 bits, in the order of the network. */
function wide(type: number, number: number): NetlinkAttribute {
  const value = new Uint8Array(8);
  viewOf(value).setBigUint64(0, BigInt(number), false);
  return { type, value };
}

function baseAttributes({ type, hook, priority, policy }: BaseChain): readonly NetlinkAttribute[] {
  return [
    nested(CHAIN_ATTRIBUTE.hook, [
      big(HOOK.number, HOOKS.indexOf(hook)),
      big(HOOK.priority, priority),
    ]),
    big(CHAIN_ATTRIBUTE.policy, POLICIES.indexOf(policy)),
    named(CHAIN_ATTRIBUTE.type, type),
  ];
}

/** The bodies of one family's tables, chains and rules, as the kernel told them. */
export interface FilterBodies {
  readonly family: TableName["family"];
  readonly tables: readonly Uint8Array[];
  readonly chains: readonly Uint8Array[];
  readonly rules: readonly Uint8Array[];
}

/** The tables of a family, put together. */
export function decodeRuleset({ family, ...bodies }: FilterBodies): readonly ListedTable[] {
  const attributesOf = (list: readonly Uint8Array[]): readonly (readonly NetlinkAttribute[])[] =>
    list.map((body) => decodeAttributes(body.subarray(4)));
  const chains = attributesOf(bodies.chains);
  const rules = attributesOf(bodies.rules);
  return attributesOf(bodies.tables).map((table) => {
    const name = nameOf(table, TABLE_NAME) ?? "";
    const own = chains.filter((chain) => nameOf(chain, CHAIN_ATTRIBUTE.table) === name);
    const within = rules.filter((rule) => nameOf(rule, RULE_ATTRIBUTE.table) === name);
    return { family, name, chains: own.map((chain) => decodeChain(family, chain, within)) };
  });
}

function decodeChain(
  family: TableName["family"],
  chain: readonly NetlinkAttribute[],
  rules: readonly (readonly NetlinkAttribute[])[],
): ListedChain {
  const name = nameOf(chain, CHAIN_ATTRIBUTE.name) ?? "";
  const base = decodeBase(chain);
  const own = rules.filter((rule) => nameOf(rule, RULE_ATTRIBUTE.chain) === name);
  return {
    name,
    ...(base === undefined ? {} : { base }),
    rules: own.map((rule) => decodeListedRule(family, rule)),
  };
}

function decodeListedRule(
  family: TableName["family"],
  rule: readonly NetlinkAttribute[],
): ListedRule {
  const handle = valueOf(rule, RULE_ATTRIBUTE.handle);
  return {
    handle: handle?.length === 8 ? Number(viewOf(handle).getBigUint64(0, false)) : 0,
    rule: decodeRule(family, listOf(rule, RULE_ATTRIBUTE.expressions)),
  };
}

/** What a chain is asked for; undefined for one that only other chains lead to. */
function decodeBase(chain: readonly NetlinkAttribute[]): BaseChain | undefined {
  const place = listOf(chain, CHAIN_ATTRIBUTE.hook);
  const hook = HOOKS[bigOf(place, HOOK.number) ?? HOOKS.length];
  const type = nameOf(chain, CHAIN_ATTRIBUTE.type);
  if (hook === undefined || (type !== "filter" && type !== "nat")) return undefined;
  return {
    type,
    hook,
    priority: bigOf(place, HOOK.priority) ?? 0,
    policy: POLICIES[bigOf(chain, CHAIN_ATTRIBUTE.policy) ?? 1] ?? "accept",
  };
}
