/**
 * Properties of the model's networks: random programs of network calls in three network namespaces,
 * on the model and on Linux, compared answer for answer, and all three namespaces after each step.
 */
import { fc } from "@fast-check/vitest";
import { describe, test } from "vitest";
import type {
  Kernel,
  LinkChange,
  NewLink,
  PacketMatch,
  RulesetChange,
  Self,
  TableName,
  Verdict,
} from "../runtime/src/kernel/index.ts";
import { ordered, PLAIN } from "../runtime/src/kernel/conformance/case.ts";
import { holdNetwork } from "../runtime/src/kernel/conformance/links.ts";
import { answer, createModel, runs, sameLines } from "./model.fixture.ts";
import { openRealKernel, skipReal } from "./real-kernel.fixture.ts";

const skip = skipReal("comparing the model's networks");

type Own = Kernel & Self;

/** One of the three namespaces; paths in calls name them by number, too. */
type Where = 0 | 1 | 2;

const ALL: readonly Where[] = [0, 1, 2];

type Step =
  | { readonly do: "create"; readonly link: NewLink; readonly peerIn?: Where }
  | { readonly do: "change"; readonly name: string; readonly change: LinkChange }
  | { readonly do: "move"; readonly name: string; readonly to: Where }
  | { readonly do: "delete"; readonly name: string }
  | {
      readonly do: "addAddress" | "deleteAddress";
      readonly link: string;
      readonly address: string;
      readonly prefixLength: number;
    }
  | {
      readonly do: "addRoute" | "deleteRoute";
      readonly destination: string;
      readonly gateway?: string;
      readonly link?: string;
    }
  | {
      readonly do: "addNeighbour" | "deleteNeighbour";
      readonly link: string;
      readonly address: string;
      readonly mac: string;
    };

interface Placed {
  readonly where: Where;
  readonly step: Step;
}

const where = fc.constantFrom<Where>(0, 0, 1, 2);
const name = fc.constantFrom("a", "a", "b", "b", "c", "d", "lo");
const newName = fc.constantFrom("a", "b", "c", "d", "lo", "a/b", "x".repeat(16));
const mac = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.integer({ min: 1, max: 6 }).map((last) => `02:00:00:00:00:0${last}`),
  },
  fc.constantFrom("03:00:00:00:00:01", "00:00:00:00:00:00", "x"),
);
const prefixLength = fc.constantFrom(24, 24, 24, 16, 32, 33);
const four = fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.9", "10.0.1.1", "10.1.0.1");
const six = fc.constantFrom("fd00::1", "fd00::2", "fd00:0:0:1::1");
const network = fc.constantFrom(
  "0.0.0.0/0",
  "10.0.0.0/24",
  "10.0.0.0/16",
  "10.9.0.0/16",
  "10.0.0.1/32",
  "10.0.0.1/24",
  "::/0",
  "fd00::/64",
  "fd09::/64",
  "fd09::1/64",
);

const creating: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .record({ kind: fc.constant("bridge" as const), name: newName, mac })
      .map((link) => ({ do: "create" as const, link })),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        link: fc.record({
          kind: fc.constant("veth" as const),
          name: newName,
          mac,
          peer: fc.record({ name: newName, mac }),
        }),
        peerIn: fc.option(where, { nil: undefined }),
      })
      .map(({ link, peerIn }) => ({
        do: "create" as const,
        link,
        ...(peerIn === undefined ? {} : { peerIn }),
      })),
  },
);

const changing: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("change" as const),
      name,
      change: fc.record({ up: fc.constantFrom(true, true, true, false) }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("change" as const),
      name,
      change: fc.record({ master: fc.constantFrom("a", "b", "c", "d", null) }),
    }),
  },
  fc
    .record({
      do: fc.constant("change" as const),
      name,
      change: fc.oneof(
        fc.record({ name: newName }),
        fc.record({ mac }),
        fc.record({ mtuBytes: fc.constantFrom(1280, 1400, 1500, 9000, 65_536, 10) }),
      ),
    })
    .filter(({ name, change }) => !(name === "lo" && "mtuBytes" in change)),
  { weight: 2, arbitrary: fc.record({ do: fc.constant("move" as const), name, to: where }) },
  fc.record({ do: fc.constant("delete" as const), name }),
);

const addressing: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("addAddress" as const, "addAddress", "deleteAddress"),
      link: name,
      address: four,
      prefixLength,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("addAddress" as const, "addAddress", "deleteAddress"),
      link: name,
      address: six,
      prefixLength: fc.constantFrom(64, 64, 48, 128),
    }),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({
        do: fc.constantFrom("addRoute" as const, "addRoute", "deleteRoute"),
        destination: network,
        gateway: fc.option(fc.oneof(four, four, six), { nil: undefined }),
        link: fc.option(name, { nil: undefined }),
      })
      .map(({ gateway, link, ...route }) => ({
        ...route,
        ...(gateway === undefined ? {} : { gateway }),
        ...(link === undefined ? {} : { link }),
      })),
  },
  fc.record({
    do: fc.constantFrom("addNeighbour" as const, "deleteNeighbour"),
    link: fc.constantFrom("a", "b", "c"),
    address: fc.oneof(four, six),
    mac,
  }),
);

const program = fc.array(
  fc.record({
    where,
    step: fc.oneof(
      { weight: 2, arbitrary: creating },
      { weight: 5, arbitrary: changing },
      { weight: 4, arbitrary: addressing },
    ),
  }),
  { minLength: 1, maxLength: 24 },
);

function perform(own: Own, paths: readonly string[], step: Step): string {
  switch (step.do) {
    case "create": {
      const { link, peerIn } = step;
      const namespacePath = peerIn === undefined ? undefined : paths[peerIn];
      if (link.kind === "veth" && namespacePath !== undefined) {
        own.createLink({ ...link, peer: { ...link.peer, namespacePath } });
      } else own.createLink(link);
      break;
    }
    case "change":
      own.changeLink(step.name, step.change);
      break;
    case "move":
      own.changeLink(step.name, { namespacePath: paths[step.to] ?? "" });
      break;
    case "delete":
      own.deleteLink(step.name);
      break;
    default: {
      const { do: call, ...given } = step;
      // Each of these methods takes what the steps of its name hold.
      (own[call] as (one: typeof given) => void)(given);
    }
  }
  return "ok";
}

/** Everything about the network that a process is in; indexes are the kernel's own affair. */
function look(own: Own): string {
  const links = own.listLinks();
  const nameAt = (index: number) => links.find((link) => link.index === index)?.name;
  const shown = links.map(({ peer, ...link }) => ({
    ...link,
    index: 0,
    ...(peer === undefined ? {} : { peer: peer.isElsewhere ? "elsewhere" : nameAt(peer.index) }),
  }));
  // What IPv6 gives itself comes in its own time, and is left out of the model.
  const isOwn = (text: string): boolean => !text.startsWith("fe80:");
  return [
    ...lines("link", shown),
    ...own.listAddresses().flatMap((each) => (isOwn(each.address) ? [JSON.stringify(each)] : [])),
    ...lines(
      "route",
      own.listRoutes().filter(({ destination }) => isOwn(destination)),
    ),
    ...lines("neighbour", own.listNeighbours()),
    // What a bridge learns depends on who speaks, and when.
    ...lines(
      "entry",
      own.listForwarding().filter(({ isPermanent }) => isPermanent),
    ),
  ]
    .join("; ")
    .replaceAll(RANDOM_MAC, "random");
}

/** A hardware address that no step gave. */
const RANDOM_MAC = /\b(?!(?:00|02):00:00:00:00)[\da-f]{2}(?::[\da-f]{2}){5}/g;

function lines(what: string, list: readonly object[]): readonly string[] {
  return list.map((each) => `${what} ${JSON.stringify(ordered(each))}`).toSorted();
}

interface Networks {
  readonly own: Own;
  readonly paths: readonly string[];
  /** Acts in one of them. */
  readonly within: <T>(where: Where, act: () => T) => T;
}

/** Acts in a child that goes from one network to another. @returns its lines */
async function inNetworks(
  kernel: Kernel,
  act: (networks: Networks) => readonly string[],
): Promise<readonly string[]> {
  const held = ALL.map(() => holdNetwork(kernel));
  const paths = held.map(({ path }) => path);
  let lines: readonly string[] = [];
  try {
    kernel.spawn(PLAIN, ({ kernel: own }) => {
      const within: Networks["within"] = (where, body) => {
        own.joinNamespacePath(paths[where] ?? "", "CLONE_NEWNET");
        return body();
      };
      lines = act({ own, paths, within });
      return undefined;
    });
  } finally {
    for (const { child } of held) kernel.kill(child.hostPid, "SIGKILL");
    await Promise.all(held.map(({ child }) => child.exited));
  }
  return lines;
}

/** A change of rules; rules to delete are named by their place in the chain. */
type FilterStep =
  | Exclude<RulesetChange, { readonly change: "delete-rule" }>
  | {
      readonly change: "delete-rule";
      readonly table: TableName;
      readonly chain: string;
      readonly place: number;
    };

const table = fc.constantFrom<TableName>(
  { family: "ip", name: "t" },
  { family: "ip", name: "t" },
  { family: "ip6", name: "t" },
  { family: "ip", name: "u" },
);
const chain = fc.constantFrom("pre", "post", "fwd", "a", "b", "c");

const verdict = fc.constantFrom<Verdict>(
  { verdict: "accept" },
  { verdict: "drop" },
  { verdict: "return" },
  { verdict: "masquerade" },
  { verdict: "dnat", address: "10.0.0.1", port: 80 },
  { verdict: "dnat", address: "fd00::1" },
  { verdict: "jump", chain: "a" },
  { verdict: "jump", chain: "b" },
  { verdict: "jump", chain: "c" },
  { verdict: "jump", chain: "pre" },
);

const match = fc
  .record({
    one: fc.constantFrom<Pick<PacketMatch, "field" | "value">>(
      { field: "saddr", value: "10.0.0.0/20" },
      { field: "saddr", value: "fd00::/48" },
      { field: "daddr", value: "10.0.0.9/24" },
      { field: "daddr", value: "10.0.0.1/32" },
      { field: "iifname", value: "eth0" },
      { field: "oifname", value: "x".repeat(15) },
      { field: "l4proto", value: "udp" },
      { field: "dport", value: "65535" },
      { field: "dport", value: "http" },
      { field: "ct-state", value: "related,established,new" },
      { field: "daddr-type", value: "unicast" },
    ),
    operator: fc.constantFrom("==" as const, "!="),
  })
  .map(({ one, operator }): PacketMatch => ({ ...one, operator }));

const base = fc.record({
  type: fc.constantFrom("filter" as const, "nat"),
  hook: fc.constantFrom("prerouting" as const, "input", "forward", "output", "postrouting"),
  priority: fc.constantFrom(-300, -100, 0, 100),
  policy: fc.constantFrom("accept" as const, "drop"),
});

const filterStep: fc.Arbitrary<FilterStep> = fc.oneof(
  fc.record({ change: fc.constant("create-table" as const), table }),
  { weight: 1, arbitrary: fc.record({ change: fc.constant("delete-table" as const), table }) },
  {
    weight: 4,
    arbitrary: fc
      .record({ table, chain, base: fc.option(base, { nil: undefined }) })
      .map(({ base, ...where }) => ({
        change: "create-chain" as const,
        ...where,
        ...(base === undefined ? {} : { base }),
      })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      change: fc.constantFrom("delete-chain" as const, "flush-chain"),
      table,
      chain,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      change: fc.constant("add-rule" as const),
      table,
      chain,
      rule: fc.record({ matches: fc.array(match, { maxLength: 3 }), verdict }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      change: fc.constant("delete-rule" as const),
      table,
      chain,
      place: fc.nat({ max: 2 }),
    }),
  },
);

const transactions = fc.array(fc.array(filterStep, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 12,
});

const TABLE: TableName = { family: "ip", name: "t" };
const NAT = { type: "nat", priority: 0, policy: "accept" } as const;

/** What a program of rules finds. */
const RULES: readonly FilterStep[] = [
  { change: "create-table", table: TABLE },
  { change: "create-chain", table: TABLE, chain: "a" },
  { change: "create-chain", table: TABLE, chain: "b" },
  { change: "create-chain", table: TABLE, chain: "pre", base: { ...NAT, hook: "prerouting" } },
  { change: "create-chain", table: TABLE, chain: "post", base: { ...NAT, hook: "postrouting" } },
  {
    change: "create-chain",
    table: TABLE,
    chain: "fwd",
    base: { type: "filter", hook: "forward", priority: 0, policy: "drop" },
  },
];

/** The number of a rule, which every kernel gives in its own way; 9999 for none. */
function withHandle(own: Own, step: FilterStep): RulesetChange {
  if (step.change !== "delete-rule") return step;
  const { place, ...change } = step;
  const found = own
    .listRuleset()
    .find(({ family, name }) => family === change.table.family && name === change.table.name)
    ?.chains.find(({ name }) => name === change.chain);
  return { ...change, handle: found?.rules[place]?.handle ?? 9999 };
}

/** All rules, without their numbers. */
function rulesText(own: Own): string {
  const tables = own.listRuleset().map(({ chains, ...table }) => ({
    ...table,
    chains: chains.map(({ rules, ...chain }) => ({
      ...chain,
      rules: rules.map(({ rule }) => rule),
    })),
  }));
  return lines("table", tables).join("; ");
}

/** The answer to each transaction, and what the rules are after it. */
const ruling =
  (program: readonly (readonly FilterStep[])[]) =>
  ({ own, within }: Networks): readonly string[] =>
    within(0, () =>
      [RULES, ...program].flatMap((transaction) => {
        const change = (): string => {
          own.changeRuleset(transaction.map((step) => withHandle(own, step)));
          return "ok";
        };
        return [`${JSON.stringify(transaction)}: ${answer(change)}`, `  ${rulesText(own)}`];
      }),
    );

/** What a program finds: a bridge with a network, and links to two neighbours. */
const FURNITURE: readonly Placed[] = [
  { where: 0, step: { do: "create", link: { kind: "bridge", name: "c" } } },
  {
    where: 0,
    step: {
      do: "create",
      link: {
        kind: "veth",
        name: "a",
        mac: "02:00:00:00:00:a0",
        peer: { name: "a", mac: "02:00:00:00:00:a1" },
      },
      peerIn: 1,
    },
  },
  {
    where: 0,
    step: {
      do: "create",
      link: {
        kind: "veth",
        name: "b",
        mac: "02:00:00:00:00:b0",
        peer: { name: "b", mac: "02:00:00:00:00:b2" },
      },
      peerIn: 2,
    },
  },
  { where: 0, step: { do: "change", name: "c", change: { master: null } } },
  { where: 0, step: { do: "change", name: "a", change: { master: "c" } } },
  { where: 0, step: { do: "change", name: "a", change: { up: true } } },
  { where: 0, step: { do: "change", name: "b", change: { up: true } } },
  { where: 0, step: { do: "change", name: "c", change: { up: true } } },
  { where: 1, step: { do: "change", name: "a", change: { up: true } } },
];

const transcript =
  (program: readonly Placed[]) =>
  ({ own, paths, within }: Networks): readonly string[] =>
    [...FURNITURE, ...program].flatMap(({ where, step }) => [
      `${where} ${JSON.stringify(step)}: ${within(where, () => answer(() => perform(own, paths, step)))}`,
      ...ALL.map((each) => `  ${each}: ${within(each, () => look(own))}`),
    ]);

const at0 = (step: Step): Placed => ({ where: 0, step });
const ADDRESS = { link: "b", address: "10.0.0.1", prefixLength: 24 };

/** What chance finds late. */
const NETWORK_EXAMPLES: [Placed[]][] = [
  [[at0({ do: "delete", name: "c" })]],
  [
    [
      at0({ do: "addAddress", link: "b", address: "fd00::1", prefixLength: 64 }),
      at0({ do: "change", name: "b", change: { up: false } }),
    ],
  ],
  [
    [
      at0({ do: "addAddress", ...ADDRESS }),
      at0({ do: "addRoute", destination: "10.9.0.0/16", link: "b" }),
      at0({ do: "deleteAddress", ...ADDRESS }),
    ],
  ],
  [
    ["fd00::1", "fd00::2"].map((address) =>
      at0({ do: "addAddress", link: "b", address, prefixLength: 64 }),
    ),
  ],
];

const jump = (chain: string, to: string): FilterStep => ({
  change: "add-rule",
  table: TABLE,
  chain,
  rule: { matches: [], verdict: { verdict: "jump", chain: to } },
});

/** What chance finds late. */
const RULE_EXAMPLES: [FilterStep[][]][] = [
  [[[jump("fwd", "a")], [{ change: "delete-chain", table: TABLE, chain: "a" }]]],
  [[[jump("a", "b")], [jump("b", "a")], [jump("fwd", "a")]]],
  [[[jump("a", "a")], [{ change: "delete-chain", table: TABLE, chain: "a" }]]],
];

describe.skipIf(skip)("the model and Linux", () => {
  test("network-agrees after every program of calls in three namespaces", async () => {
    const real = openRealKernel();
    const property = fc.asyncProperty(program, async (steps) => {
      const model = await inNetworks(createModel("/tmp"), transcript(steps));
      sameLines(await inNetworks(real, transcript(steps)), model);
    });
    await fc.assert(property, { numRuns: runs(60), examples: NETWORK_EXAMPLES });
  });

  test("rules-agree after every program of transactions", async () => {
    const real = openRealKernel();
    const property = fc.asyncProperty(transactions, async (program) => {
      const model = await inNetworks(createModel("/tmp"), ruling(program));
      sameLines(await inNetworks(real, ruling(program)), model);
    });
    await fc.assert(property, { numRuns: runs(60), examples: RULE_EXAMPLES });
  });
});
