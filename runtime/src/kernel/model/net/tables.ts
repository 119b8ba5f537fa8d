/**
 * Tables: the calls of a process about the rules for packets.
 *
 * The state is never changed, only replaced, so a transaction that fails half-way leaves nothing.
 * At its end every table must make sense: no way through the chains leads in a circle, and every
 * verdict stands where its chain is asked.
 *
 * Kernel interface: nft(8), netlink(7).
 * Invariants:
 *   rules-agree   what programs of transactions leave of tables, chains and rules is what they
 *                 leave on Linux, and so are the refusals
 * Left out: sets and maps; numbers that Linux gives out for rules of transactions that failed.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { readRule } from "../../packet-rule.ts";
import type {
  BaseChain,
  Errno,
  ListedChain,
  ListedTable,
  PacketFilter,
  RulesetChange,
  TableName,
  Verdict,
} from "../../port.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import type { FilterTable, NetNamespace, Process } from "../state.ts";
import { requireNetAdmin } from "./links.ts";

/** The priority at which a packet's connection is found; NAT comes behind it. */
const CONNECTION_PRIORITY = -200;
/** How deep chains may lead into each other. */
const DEPTH_MAX = 16;

type Tables = readonly FilterTable[];
type ChainChange = Extract<RulesetChange, { readonly chain: string }>;

/** The calls of the port about packets, made by a process. */
export function modelPacketFilter(process: Process): PacketFilter {
  return {
    changeRuleset: (changes) =>
      call("nf_tables", changes.map(({ table }) => table.name).join(", "), () => {
        const read = changes.map(readChange);
        const here = process.namespaces.net;
        requireNetAdmin(process, here);
        here.tables = transact(here.tables, read);
      }),
    listRuleset: () =>
      call("nf_tables", "list", () => {
        requireNetAdmin(process, process.namespaces.net);
        return describeTables(process.namespaces.net);
      }),
  };
}

/** The tables of a namespace as the port tells them: those of ip, then those of ip6. */
export function describeTables({ tables }: NetNamespace): readonly ListedTable[] {
  return (["ip", "ip6"] as const).flatMap((wanted) =>
    tables
      .filter(({ family }) => family === wanted)
      .map(({ family, name, chains }) => ({ family, name, chains })),
  );
}

/** A change, its rule with its words in their one form. @throws Refusal EINVAL for no such rule */
function readChange(change: RulesetChange): RulesetChange {
  if (change.change !== "add-rule") return change;
  const rule = readRule(change.table.family, change.rule) ?? refuse("EINVAL");
  return { ...change, rule };
}

/** What does not make sense at the end is looked for from the beginning. */
function transact(before: Tables, changes: readonly RulesetChange[]): Tables {
  const after = changes.reduce(applyChange, before);
  const isRight = after.every((table) => faultOf(table) === undefined);
  if (isRight) return after;
  return changes.reduce((tables, change) => {
    const next = applyChange(tables, change);
    if (change.change !== "add-rule") return next;
    const changed = next.find((table) => isNamed(table, change.table));
    const errno = changed && faultOf(changed);
    return errno === undefined ? next : refuse(errno);
  }, before);
}

/** Why a table makes no sense. */
function faultOf(table: FilterTable): Errno | undefined {
  const faults = table.chains.map((chain) =>
    chain.base === undefined ? undefined : faultOnWay(table, chain, []),
  );
  return faults.find((errno) => errno !== undefined);
}

const isNamed = (one: TableName, other: TableName): boolean =>
  one.family === other.family && one.name === other.name;

function applyChange(tables: Tables, change: RulesetChange): Tables {
  const found = tables.find((table) => isNamed(table, change.table));
  if (change.change === "create-table") {
    refuseIf(found !== undefined, "EEXIST");
    return [...tables, { ...change.table, chains: [], lastHandle: 0 }];
  }
  if (found === undefined) return refuse("ENOENT");
  if (!("chain" in change)) return tables.filter((table) => table !== found);
  const changed = changeTable(found, change);
  return tables.map((table) => (table === found ? changed : table));
}

function changeTable(table: FilterTable, change: ChainChange): FilterTable {
  const chain = table.chains.find(({ name }) => name === change.chain);
  const handle = table.lastHandle + 1;
  if (change.change === "create-chain") {
    // A policy for a chain that is there, and cannot have one, is the first thing to be seen.
    refuseIf(
      chain !== undefined && chain.base === undefined && change.base !== undefined,
      "EOPNOTSUPP",
    );
    refuseIf(chain !== undefined, "EEXIST");
    if (change.base !== undefined) checkBase(change.base);
    const { chain: name, base } = change;
    const made: ListedChain = { name, ...(base === undefined ? {} : { base }), rules: [] };
    return { ...table, chains: [...table.chains, made], lastHandle: handle };
  }
  if (chain === undefined) return refuse("ENOENT");
  const { rules } = chain;
  switch (change.change) {
    case "delete-chain":
      refuseIf(isUsed(table, chain), "EBUSY");
      return { ...table, chains: table.chains.filter((each) => each !== chain) };
    case "flush-chain":
      return withChain(table, { ...chain, rules: [] });
    case "delete-rule": {
      const left = rules.filter((rule) => rule.handle !== change.handle);
      refuseIf(left.length === rules.length, "ENOENT");
      return withChain(table, { ...chain, rules: left });
    }
    case "add-rule": {
      const { rule } = change;
      checkJump(table, rule.verdict);
      const changed = withChain(table, { ...chain, rules: [...rules, { handle, rule }] });
      return { ...changed, lastHandle: handle };
    }
  }
}

function withChain(table: FilterTable, chain: ListedChain): FilterTable {
  const chains = table.chains.map((each) => (each.name === chain.name ? chain : each));
  return { ...table, chains };
}

function checkBase({ type, hook, priority }: BaseChain): void {
  if (type !== "nat") return;
  refuseIf(hook === "forward" || priority <= CONNECTION_PRIORITY, "EOPNOTSUPP");
}

function checkJump(table: FilterTable, verdict: Verdict): void {
  if (verdict.verdict !== "jump") return;
  const to = table.chains.find(({ name }) => name === verdict.chain) ?? refuse("ENOENT");
  refuseIf(to.base !== undefined, "EOPNOTSUPP");
}

const verdictsOf = ({ rules }: ListedChain): readonly Verdict[] =>
  rules.flatMap(({ rule }) => (rule === undefined ? [] : [rule.verdict]));

function isUsed(table: FilterTable, chain: ListedChain): boolean {
  const leadsThere = (verdict: Verdict): boolean =>
    verdict.verdict === "jump" && verdict.chain === chain.name;
  // A chain that leads to itself is in its own way.
  return table.chains.some((each) => verdictsOf(each).some(leadsThere));
}

/** Follows a chain from where packets enter: EMLINK for a circle, EOPNOTSUPP for a verdict. */
function faultOnWay(
  table: FilterTable,
  chain: ListedChain,
  above: readonly ListedChain[],
): Errno | undefined {
  if (above.length >= DEPTH_MAX) return "EMLINK";
  const base = (above[0] ?? chain).base;
  for (const verdict of verdictsOf(chain)) {
    const isWrong = base !== undefined && !mayStand(base, verdict);
    if (isWrong) return "EOPNOTSUPP";
    if (verdict.verdict !== "jump") continue;
    const to = table.chains.find(({ name }) => name === verdict.chain);
    const fault = to && faultOnWay(table, to, [...above, chain]);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** NAT of a destination comes before a route is chosen, that of a source when it is known. */
function mayStand({ type, hook }: BaseChain, { verdict }: Verdict): boolean {
  if (verdict === "masquerade") return type === "nat" && hook === "postrouting";
  return verdict !== "dnat" || (type === "nat" && (hook === "prerouting" || hook === "output"));
}
