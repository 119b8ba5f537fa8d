/**
 * Conformance of the packet filter: tables, chains and rules.
 *
 * Kernel interface: nft(8).
 * Invariants: none.
 * Left out: numbers of rules, which every kernel gives in its own way.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { BaseChain, Inside, ListedTable, Rule, RulesetChange, Verdict } from "../port.ts";
import { equal, errnoOf, ordered, type Case } from "./case.ts";
import { inNetwork } from "./links.ts";

const table = { family: "ip", name: "t" } as const;
const base = (type: BaseChain["type"], hook: BaseChain["hook"]): BaseChain => ({
  type,
  hook,
  priority: 0,
  policy: "accept",
});
const chain = (name: string, where?: BaseChain): RulesetChange => ({
  change: "create-chain",
  table,
  chain: name,
  ...(where === undefined ? {} : { base: where }),
});
const rule = (name: string, made: Rule): RulesetChange => ({
  change: "add-rule",
  table,
  chain: name,
  rule: made,
});
const always = (verdict: Verdict): Rule => ({ matches: [], verdict });
const inChain = (change: "flush-chain" | "delete-chain", name: string): RulesetChange => ({
  change,
  table,
  chain: name,
});

/** What Docker does for a network: its addresses leave as the host's, a port leads inside. */
const DOCKER: readonly RulesetChange[] = [
  { change: "create-table", table },
  chain("prerouting", { ...base("nat", "prerouting"), priority: -100 }),
  chain("postrouting", { ...base("nat", "postrouting"), priority: 100 }),
  chain("forward", { ...base("filter", "forward"), policy: "drop" }),
  chain("isolation"),
  rule("prerouting", {
    matches: [
      { field: "daddr-type", operator: "==", value: "local" },
      { field: "l4proto", operator: "==", value: "tcp" },
      { field: "dport", operator: "==", value: "8080" },
    ],
    verdict: { verdict: "dnat", address: "172.17.0.2", port: 80 },
  }),
  rule("postrouting", {
    matches: [
      { field: "saddr", operator: "==", value: "172.17.0.0/16" },
      { field: "oifname", operator: "!=", value: "docker0" },
    ],
    verdict: { verdict: "masquerade" },
  }),
  rule("forward", {
    matches: [{ field: "ct-state", operator: "==", value: "established,related" }],
    verdict: { verdict: "accept" },
  }),
  rule("forward", always({ verdict: "jump", chain: "isolation" })),
  rule("forward", {
    matches: [{ field: "iifname", operator: "==", value: "docker0" }],
    verdict: { verdict: "accept" },
  }),
  rule("isolation", {
    matches: [
      { field: "saddr", operator: "==", value: "172.16.0.0/12" },
      { field: "daddr", operator: "!=", value: "172.17.0.2" },
    ],
    verdict: { verdict: "drop" },
  }),
  rule("isolation", always({ verdict: "return" })),
];

/** The tables without numbers, as the changes that would make them. */
function asChanges(tables: readonly ListedTable[]): readonly RulesetChange[] {
  return tables.flatMap(({ family, name, chains }) => {
    const own = { family, name };
    const made = chains.map((each): RulesetChange => ({
      change: "create-chain",
      table: own,
      chain: each.name,
      ...(each.base === undefined ? {} : { base: each.base }),
    }));
    const rules = chains.flatMap((each) =>
      each.rules.flatMap((listed): readonly RulesetChange[] =>
        listed.rule === undefined
          ? []
          : [{ change: "add-rule", table: own, chain: each.name, rule: listed.rule }],
      ),
    );
    return [{ change: "create-table", table: own } as const, ...made, ...rules];
  });
}

/** Tries one change after the other, each alone. */
const tryEach = (own: Inside["kernel"], changes: readonly RulesetChange[]): readonly string[] =>
  changes.map((change) => errnoOf(() => own.changeRuleset([change])));

/** The packet filter: what every implementation must do. */
export const packetFilterCases: readonly Case[] = [
  {
    name: "listRuleset() tells what changeRuleset() was told",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        own.changeRuleset(DOCKER);
        return asChanges(own.listRuleset());
      });
      equal(ordered(seen), ordered(DOCKER), "rules");
    },
  },
  {
    name: "changeRuleset() does all of it or nothing",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        const said = errnoOf(() => own.changeRuleset([...DOCKER, chain("forward")]));
        return [said, own.listRuleset()];
      });
      equal(seen, ["EEXIST", []], "errno and tables");
    },
  },
  {
    name: "changeRuleset() says EEXIST, ENOENT and EBUSY of tables, chains and rules",
    need: "root",
    run: async ({ kernel }) => {
      const other = { family: "ip6", name: "t" } as const;
      const seen = await inNetwork(kernel, (own) => {
        own.changeRuleset(DOCKER);
        return tryEach(own, [
          { change: "create-table", table },
          { change: "delete-table", table: other },
          { change: "create-table", table: other },
          chain("isolation"),
          inChain("delete-chain", "none"),
          inChain("flush-chain", "none"),
          inChain("delete-chain", "isolation"),
          { change: "delete-rule", table, chain: "forward", handle: 9999 },
          rule("forward", always({ verdict: "jump", chain: "none" })),
          inChain("flush-chain", "forward"),
          inChain("delete-chain", "isolation"),
          inChain("delete-chain", "prerouting"),
          { change: "delete-table", table },
          { change: "delete-table", table },
        ]);
      });
      const first = ["EEXIST", "ENOENT", "OK", "EEXIST", "ENOENT", "ENOENT", "EBUSY"];
      equal(
        seen,
        [...first, "ENOENT", "ENOENT", "OK", "OK", "OK", "OK", "ENOENT"],
        "errnos in order",
      );
    },
  },
  {
    name: "changeRuleset() refuses rules that make no sense where they stand",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        own.changeRuleset(DOCKER);
        return tryEach(own, [
          rule("isolation", always({ verdict: "jump", chain: "isolation" })),
          rule("isolation", always({ verdict: "jump", chain: "forward" })),
          rule("forward", always({ verdict: "masquerade" })),
          rule("prerouting", always({ verdict: "masquerade" })),
          rule("isolation", always({ verdict: "masquerade" })),
          rule("postrouting", always({ verdict: "dnat", address: "10.0.0.1" })),
          rule("prerouting", always({ verdict: "dnat", address: "fd00::1" })),
          chain("x", base("nat", "forward")),
          chain("x", { ...base("nat", "output"), priority: -200 }),
          rule("forward", {
            matches: [{ field: "dport", operator: "==", value: "65536" }],
            verdict: { verdict: "drop" },
          }),
        ]);
      });
      const places = ["EMLINK", "EOPNOTSUPP", "EOPNOTSUPP", "EOPNOTSUPP", "EOPNOTSUPP"];
      equal(
        seen,
        [...places, "EOPNOTSUPP", "EINVAL", "EOPNOTSUPP", "EOPNOTSUPP", "EINVAL"],
        "errnos in order",
      );
    },
  },
  {
    name: "changeRuleset() deletes a rule by its number",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        own.changeRuleset(DOCKER);
        const listed = () => own.listRuleset()[0]?.chains.find(({ name }) => name === "forward");
        const [, second] = listed()?.rules ?? [];
        const handle = second?.handle ?? 0;
        own.changeRuleset([{ change: "delete-rule", table, chain: "forward", handle }]);
        return listed()?.rules.map((each) => each.rule?.verdict.verdict);
      });
      equal(seen, ["accept", "accept"], "verdicts left");
    },
  },
];
