/**
 * Properties of who reaches whom: random small networks of a host with bridges, containers and an
 * outside, on the model and on Linux, where every connection is really tried.
 */
import { fc } from "@fast-check/vitest";
import { closeSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type {
  BaseChain,
  Kernel,
  PacketMatch,
  Rule,
  RulesetChange,
  Self,
  Verdict,
} from "../runtime/src/kernel/index.ts";
import {
  createModel,
  type ProgramContext,
  programFile,
} from "../runtime/src/kernel/model/index.ts";
import { PLAIN } from "../runtime/src/kernel/conformance/case.ts";
import { holdNetwork } from "../runtime/src/kernel/conformance/links.ts";
import { answer, runs } from "./model.fixture.ts";
import { openRealKernel, skipReal } from "./real-kernel.fixture.ts";
import { connectAll, listenIn } from "../runtime/src/kernel/linux/sockets.fixture.ts";

const skip = skipReal("comparing who reaches whom");

type Own = Kernel & Self;

/** The host, three containers and a machine outside. */
const PLACES = ["host", "a", "b", "c", "outside"] as const;
type Place = (typeof PLACES)[number];

interface Container {
  readonly bridge: "br0" | "br1";
  /** On which network its address is: not always that of its bridge. */
  readonly network: 0 | 1;
  readonly route: "bridge" | "nobody" | "none";
  readonly isUp: boolean;
  readonly hasLoopback: boolean;
  readonly waitsAt: "everywhere" | "address" | "loopback" | "nowhere";
  /** Whether the host says by hand where it is. */
  readonly said: "no" | "right" | "wrong";
}

interface Topology {
  readonly family: 4 | 6;
  readonly containers: readonly [Container, Container, Container];
  readonly forwards: boolean;
  readonly outsideKnows: boolean;
  readonly upBridges: readonly boolean[];
  readonly filter: readonly { readonly chain: string; readonly rule: Rule }[];
  readonly policy: "accept" | "drop";
  readonly nat: readonly { readonly chain: string; readonly rule: Rule }[];
}

const PORTS = [80, 8080];

/** An address: host 1 of a network, or another; network 2 is the one outside. */
function address(family: 4 | 6, network: number, host: number): string {
  if (family === 4) return network === 2 ? `192.0.2.${host}` : `10.0.${network}.${host}`;
  return network === 2 ? `fd02::${host}` : `fd00:0:0:${network + 1}::${host}`;
}
const prefixOf = (family: 4 | 6): number => (family === 4 ? 24 : 64);
const everywhere = (family: 4 | 6): string => (family === 4 ? "0.0.0.0" : "::");
const loopback = (family: 4 | 6): string => (family === 4 ? "127.0.0.1" : "::1");
const wide = (family: 4 | 6): string => (family === 4 ? "10.0.0.0/16" : "fd00::/48");
const defaultRoute = (family: 4 | 6): string => (family === 4 ? "0.0.0.0/0" : "::/0");

const container: fc.Arbitrary<Container> = fc.record({
  bridge: fc.constantFrom("br0" as const, "br0", "br1"),
  network: fc.constantFrom<0 | 1>(0, 0, 1),
  route: fc.constantFrom("bridge" as const, "bridge", "bridge", "nobody", "none"),
  isUp: fc.constantFrom(true, true, true, true, true, false),
  hasLoopback: fc.constantFrom(true, true, true, false),
  waitsAt: fc.constantFrom("everywhere" as const, "everywhere", "address", "loopback", "nowhere"),
  said: fc.constantFrom("no" as const, "no", "no", "no", "right", "wrong"),
});

const match: fc.Arbitrary<PacketMatch> = fc
  .record({
    one: fc.constantFrom<Pick<PacketMatch, "field" | "value">>(
      { field: "saddr", value: "0/24" },
      { field: "saddr", value: "1/24" },
      { field: "saddr", value: "2.2" },
      { field: "daddr", value: "0/24" },
      { field: "daddr", value: "1.4" },
      { field: "iifname", value: "br0" },
      { field: "oifname", value: "br0" },
      { field: "oifname", value: "up" },
      { field: "iifname", value: "up" },
      { field: "iifname", value: "lo" },
      { field: "dport", value: "80" },
      { field: "dport", value: "8080" },
      { field: "ct-state", value: "established,related" },
      { field: "ct-state", value: "new" },
      { field: "daddr-type", value: "local" },
    ),
    operator: fc.constantFrom("==" as const, "==", "!="),
  })
  .map(({ one, operator }) => ({ ...one, operator }));

const matches = fc.array(match, { maxLength: 2 });
const verdict = fc.constantFrom<Verdict>(
  { verdict: "accept" },
  { verdict: "accept" },
  { verdict: "drop" },
  { verdict: "return" },
  { verdict: "jump", chain: "more" },
);
const filtering = fc.record({
  chain: fc.constantFrom("input", "forward", "forward", "forward", "output", "more", "early"),
  rule: fc.record({ matches, verdict }),
});
const translating = fc.oneof(
  fc.record({
    chain: fc.constantFrom("prerouting", "prerouting", "localout"),
    rule: fc.record({
      matches,
      verdict: fc.constantFrom<Verdict>(
        { verdict: "dnat", address: "0.2", port: 80 },
        { verdict: "dnat", address: "0.3" },
        { verdict: "dnat", address: "1.4", port: 80 },
        { verdict: "dnat", address: "2.2", port: 80 },
        { verdict: "accept" },
      ),
    }),
  }),
  fc.record({
    chain: fc.constant("postrouting"),
    rule: fc.record({ matches, verdict: fc.constant<Verdict>({ verdict: "masquerade" }) }),
  }),
);

const topology: fc.Arbitrary<Topology> = fc.record({
  family: fc.constantFrom<4 | 6>(4, 4, 6),
  containers: fc.tuple(container, container, container),
  forwards: fc.constantFrom(true, true, true, true, false),
  outsideKnows: fc.boolean(),
  upBridges: fc.tuple(
    fc.constantFrom(true, true, true, true, false),
    fc.constantFrom(true, true, true, true, false),
  ),
  policy: fc.constantFrom("accept" as const, "accept", "drop"),
  filter: fc.array(filtering, { maxLength: 5 }),
  nat: fc.array(translating, { maxLength: 4 }),
});

/** `0.2` and `0/24` as addresses of a family. */
function concrete(family: 4 | 6, text: string): string {
  const [, network = "0", host] = /^(\d)(?:\.(\d)|\/24)$/.exec(text) ?? [];
  if (host !== undefined) return address(family, Number(network), Number(host));
  return `${address(family, Number(network), 0)}/${prefixOf(family)}`;
}

function concreteRule(family: 4 | 6, { matches, verdict }: Rule): Rule {
  const isAddress = ({ field }: PacketMatch): boolean => field === "saddr" || field === "daddr";
  const isDnat = verdict.verdict === "dnat";
  // IPv6 finds its neighbours by packets, which rules for all packets would drop.
  const isForTcp = isDnat || family === 6;
  const tcp = { field: "l4proto", operator: "==", value: "tcp" } as const;
  return {
    matches: [
      ...matches.map((each) =>
        isAddress(each) ? { ...each, value: concrete(family, each.value) } : each,
      ),
      ...(isForTcp ? [tcp] : []),
    ],
    verdict: isDnat ? { ...verdict, address: concrete(family, verdict.address) } : verdict,
  };
}

function ruleset({ family, filter, nat, policy }: Topology): readonly RulesetChange[] {
  const table = { family: family === 4 ? "ip" : "ip6", name: "t" } as const;
  const chain = (
    name: string,
    type: BaseChain["type"],
    hook: BaseChain["hook"],
    priority: number,
  ): RulesetChange => ({
    change: "create-chain",
    table,
    chain: name,
    base: { type, hook, priority, policy: name === "forward" ? policy : "accept" },
  });
  const chains = [
    ...(filter.length === 0
      ? []
      : [
          { change: "create-chain", table, chain: "more" } as const,
          chain("early", "filter", "prerouting", -150),
          ...(["input", "forward", "output"] as const).map((each) =>
            chain(each, "filter", each, 0),
          ),
        ]),
    ...(nat.length === 0
      ? []
      : [
          chain("prerouting", "nat", "prerouting", -100),
          chain("localout", "nat", "output", -100),
          chain("postrouting", "nat", "postrouting", 100),
        ]),
  ];
  if (chains.length === 0) return [];
  const rules = [...filter, ...nat]
    .filter(({ chain, rule }) => chain !== "more" || rule.verdict.verdict !== "jump")
    .map(({ chain, rule }) => {
      const made = concreteRule(family, rule);
      return { change: "add-rule", table, chain, rule: made } as const;
    });
  return [{ change: "create-table", table }, ...chains, ...rules];
}

/** Settings of the machine that the model has for good. */
function settle(own: Own, names: readonly string[], family: 4 | 6): void {
  const write = (path: string, text: string): void =>
    void answer(() => (own.writeFile(path, text, "existing"), "ok"));
  write("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
  write("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
  // Routers say of each packet that it goes no further.
  write("/proc/sys/net/ipv4/icmp_ratelimit", "0");
  write("/proc/sys/net/ipv4/icmp_msgs_burst", "10000");
  write("/proc/sys/net/ipv6/icmp/ratelimit", "0");
  // Who is not there is known after a tenth of a second.
  for (const name of names) write(`/proc/sys/net/ipv${family}/neigh/${name}/retrans_time_ms`, "30");
}

interface Networks {
  readonly paths: Readonly<Record<Place, string>>;
  readonly within: (place: Place, act: (own: Own) => void) => void;
}

function build({ paths, within }: Networks, made: Topology): void {
  const { family, containers } = made;
  const prefixLength = prefixOf(family);
  within("host", (own) => {
    const names = ["br0", "br1", "up"];
    const [macs, forwarding] = [["02:00:00:00:01:00", "02:00:00:00:01:01"], forwardingFile(family)];
    for (const [number, name] of ["br0", "br1"].entries()) {
      own.createLink({ kind: "bridge", name, mac: macs[number] ?? "" });
      own.addAddress({ link: name, address: address(family, number, 1), prefixLength });
      own.changeLink(name, { up: made.upBridges[number] ?? true });
    }
    for (const [number, each] of containers.entries()) {
      const name = `c${number}`;
      const peer = {
        name: "eth0",
        mac: macOf(number),
        namespacePath: paths[PLACES[number + 1] ?? "a"],
      };
      own.createLink({ kind: "veth", name, mac: `02:00:00:00:03:0${number}`, peer });
      own.changeLink(name, { master: each.bridge });
      own.changeLink(name, { up: true });
      names.push(name);
    }
    const peer = { name: "eth0", mac: "02:00:00:00:04:02", namespacePath: paths.outside };
    own.createLink({ kind: "veth", name: "up", mac: "02:00:00:00:04:01", peer });
    own.addAddress({ link: "up", address: address(family, 2, 1), prefixLength });
    own.changeLink("up", { up: true });
    own.changeLink("lo", { up: true });
    own.writeFile(forwarding, made.forwards ? "1" : "0", "existing");
    settle(own, names, family);
    own.changeRuleset(ruleset(made));
    for (const [number, each] of containers.entries()) {
      if (each.said === "no") continue;
      const mac = each.said === "right" ? macOf(number) : "02:00:00:00:09:09";
      const neighbour = address(family, each.network, number + 2);
      own.addNeighbour({ link: each.bridge, address: neighbour, mac });
    }
  });
  for (const [number, each] of containers.entries()) {
    within(PLACES[number + 1] ?? "a", (own) => furnish(own, made, { each, number }));
  }
  within("outside", (own) => {
    own.addAddress({ link: "eth0", address: address(family, 2, 2), prefixLength });
    own.changeLink("eth0", { up: true });
    own.changeLink("lo", { up: true });
    settle(own, ["eth0"], family);
    const gateway = address(family, 2, 1);
    if (made.outsideKnows) own.addRoute({ destination: wide(family), gateway });
  });
}

const macOf = (number: number): string => `02:00:00:00:02:0${number}`;
const forwardingFile = (family: 4 | 6): string =>
  family === 4 ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding";

function furnish(
  own: Own,
  { family }: Topology,
  { each, number }: { readonly each: Container; readonly number: number },
): void {
  const { network } = each;
  const prefixLength = prefixOf(family);
  own.changeLink("eth0", { up: true });
  own.addAddress({ link: "eth0", address: address(family, network, number + 2), prefixLength });
  const gateway = address(family, network, each.route === "bridge" ? 1 : 9);
  if (each.route !== "none") own.addRoute({ destination: defaultRoute(family), gateway });
  if (!each.isUp) own.changeLink("eth0", { up: false });
  own.changeLink("lo", { up: each.hasLoopback });
  settle(own, ["eth0"], family);
}

interface Waits {
  readonly place: Place;
  readonly address: string;
  readonly port: number;
}

/** Who waits where, as far as that is possible. */
function waiting({ family, containers }: Topology): readonly Waits[] {
  const inside = containers.flatMap((each, number): readonly Waits[] => {
    const place = PLACES[number + 1] ?? "a";
    const own = address(family, each.network, number + 2);
    const where = { everywhere: everywhere(family), address: own, loopback: loopback(family) };
    if (each.waitsAt === "nowhere") return [];
    return [{ place, address: where[each.waitsAt], port: 80 }];
  });
  const all = everywhere(family);
  const host = { place: "host", address: all, port: 8080 } as const;
  return [...inside, host, { place: "outside", address: all, port: 80 }];
}

/** From everywhere to everything. */
function probes({ family, containers }: Topology): readonly Waits[] {
  const targets = [
    address(family, 0, 1),
    address(family, 2, 1),
    address(family, 2, 2),
    loopback(family),
    address(family, 7, 7).replace("10.0.7", "203.0.113"),
    ...containers.map(({ network }, number) => address(family, network, number + 2)),
  ];
  return PLACES.flatMap((place) =>
    targets.flatMap((target) => PORTS.map((port) => ({ place, address: target, port }))),
  );
}

interface Held {
  readonly networks: Networks;
  readonly pids: Readonly<Record<Place, number>>;
  readonly release: () => Promise<void>;
}

/** A process that waits in each place. */
function holdAll(kernel: Kernel): Held {
  const held = PLACES.map((place) => ({ place, ...holdNetwork(kernel) }));
  const byPlace = <T>(valueOf: (one: (typeof held)[number]) => T): Readonly<Record<Place, T>> =>
    // One for each place.
    Object.fromEntries(held.map((one) => [one.place, valueOf(one)])) as Record<Place, T>;
  const paths = byPlace(({ path }) => path);
  return {
    pids: byPlace(({ child }) => child.hostPid),
    networks: {
      paths,
      within: (place, act) => {
        kernel.spawn(PLAIN, ({ kernel: own }) => {
          own.joinNamespacePath(paths[place], "CLONE_NEWNET");
          act(own);
          return undefined;
        });
      },
    },
    release: async () => {
      for (const { child } of held) kernel.kill(child.hostPid, "SIGKILL");
      await Promise.all(held.map(({ child }) => child.exited));
    },
  };
}

const nameOf = ({ place, port }: Waits): string => `${place}:${port}`;
/** What Linux says to each try; twice asked where that is not what is expected. */
async function onLinux(
  kernel: Kernel,
  made: Topology,
  expected: readonly string[],
): Promise<readonly string[]> {
  const { networks, release } = holdAll(kernel);
  const listeners: { readonly fd: number; readonly name: string }[] = [];
  try {
    build(networks, made);
    for (const each of waiting(made)) {
      const path = networks.paths[each.place];
      const listener = listenIn({ ...each, path }, nameOf(each));
      if (listener !== undefined) listeners.push(listener);
    }
    // Links come up in their own time.
    await new Promise((resolve) => setTimeout(resolve, 60));
    const tries = probes(made).map((each) => ({ ...each, path: networks.paths[each.place] }));
    type How = Parameters<typeof connectAll>[2];
    const connect = (some: typeof tries, how: How): readonly string[] =>
      // Who is connected to nobody learns that when what it says is never acknowledged.
      connectAll(some, listeners, how).map((each) => (each === "nobody" ? "ETIMEDOUT" : each));
    const said = connect(tries, { patienceMs: 400, firstPort: 20_000 });
    // What a router says to the first packet may come too early; a second one is sent later.
    const wrong = tries.filter((_, at) => said[at] !== expected[at]);
    if (wrong.length === 0) return said;
    const again = [...connect(wrong, { patienceMs: 2500, firstPort: 21_000 })];
    return said.map((each, at) => (each === expected[at] ? each : (again.shift() ?? each)));
  } finally {
    for (const { fd } of listeners) closeSync(fd);
    await release();
  }
}

async function onModel(made: Topology): Promise<readonly string[]> {
  const programs = {
    sleep: () => new Promise<never>(() => undefined),
    wait: (context: ProgramContext) => {
      const [, address = "", port] = context.argv;
      context.listen(address, Number(port));
      return new Promise<never>(() => undefined);
    },
  };
  const model = createModel({ clock: openRealKernel(), programs });
  const { kernel } = model;
  for (const name of Object.keys(programs)) {
    kernel.writeFile(`/bin/${name}`, programFile(name), "create", 0o755);
  }
  const { networks, pids } = holdAll(kernel);
  build(networks, made);
  const inodes = new Map(PLACES.map((place) => [kernel.readlink(networks.paths[place]), place]));
  for (const { place, address, port } of waiting(made)) {
    kernel.spawn(PLAIN, ({ kernel: own }) => {
      own.joinNamespacePath(networks.paths[place], "CLONE_NEWNET");
      return own.execve("/bin/wait", ["wait", address, String(port)], []);
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 0));
  return probes(made).map(({ place, address, port }) => {
    const { reached, errno = "" } = model.reach(pids[place], address, port);
    if (reached === undefined) return errno;
    return `${inodes.get(`net:[${reached.namespace}]`)}:${reached.port} from ${reached.from}`;
  });
}

const ordinary: Container = {
  bridge: "br0",
  network: 0,
  route: "bridge",
  isUp: true,
  hasLoopback: true,
  waitsAt: "everywhere",
  said: "no",
};

/** As Docker has it: out with the host's address, back what belongs to it, in by a port. */
const DOCKER: Topology = {
  family: 4,
  containers: [ordinary, ordinary, { ...ordinary, bridge: "br1", network: 1 }],
  forwards: true,
  outsideKnows: false,
  upBridges: [true, true],
  policy: "drop",
  filter: [
    {
      chain: "forward",
      rule: {
        matches: [{ field: "ct-state", operator: "==", value: "established,related" }],
        verdict: { verdict: "accept" },
      },
    },
    {
      chain: "forward",
      rule: {
        matches: [
          { field: "iifname", operator: "==", value: "br0" },
          { field: "oifname", operator: "==", value: "up" },
        ],
        verdict: { verdict: "accept" },
      },
    },
  ],
  nat: [
    {
      chain: "postrouting",
      rule: {
        matches: [{ field: "saddr", operator: "==", value: "0/24" }],
        verdict: { verdict: "masquerade" },
      },
    },
    {
      chain: "prerouting",
      rule: {
        matches: [
          { field: "daddr-type", operator: "==", value: "local" },
          { field: "dport", operator: "==", value: "8080" },
        ],
        verdict: { verdict: "dnat", address: "0.2", port: 80 },
      },
    },
  ],
};

/** A router's refusal comes from its own address, and goes through its own chains. */
const SILENCED: Topology = {
  ...DOCKER,
  policy: "accept",
  filter: [
    {
      chain: "output",
      rule: {
        matches: [{ field: "saddr", operator: "==", value: "0/24" }],
        verdict: { verdict: "drop" },
      },
    },
  ],
  nat: [],
};

/** So often a router tells one address that there is no way; then once a second. */
const TOLD_AT_ONCE = 4;

describe.skipIf(skip)("the model and Linux", () => {
  test("reachability-agrees, and the address that connections seem to come from", async () => {
    const real = openRealKernel();
    const property = fc.asyncProperty(topology, async (made) => {
      const model = await onModel(made);
      const linux = await onLinux(real, made, model);
      const isTold = (place: Place): boolean =>
        probes(made).filter((each, at) => each.place === place && linux[at] === "ENETUNREACH")
          .length >= TOLD_AT_ONCE;
      const isSilenced = (place: Place, at: number): boolean =>
        model[at] === "ENETUNREACH" && linux[at] === "ETIMEDOUT" && isTold(place);
      const places = probes(made).map(({ place }) => place);
      const tried = probes(made).map(({ place, address, port }) => `${place} → ${address}:${port}`);
      const differing = tried.flatMap((each, at) =>
        model[at] === linux[at] || isSilenced(places[at] ?? "host", at)
          ? []
          : [`${each}: the model says ${model[at]}, Linux ${linux[at]}`],
      );
      expect(differing).toEqual([]);
    });
    await fc.assert(property, { numRuns: runs(15), examples: [[DOCKER], [SILENCED]] });
  });
});
