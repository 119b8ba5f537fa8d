/**
 * Rules as bytes: against what nft(8) 1.0.6 sent, as strace shows it, and against the kernel.
 */
import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PacketMatch, Rule, Verdict } from "../port.ts";
import { readRule } from "../packet-rule.ts";
import { createLinuxKernel } from "./index.ts";
import { decodeAttributes, encodeAttributes } from "./netlink.ts";
import { encodeRule } from "./netlink-rules.ts";
import { decodeRule } from "./netlink-rules-read.ts";

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/[\da-f]{2}/g) ?? [], (byte) => Number.parseInt(byte, 16));

/** `fib daddr type local tcp dport 8080 dnat to 172.17.0.2:80` */
const PUBLISH = `
2800018008000100666962001c0002800800030000000002080002000000000308000100000000012c00018008000100
636d700020000280080001000000000108000200000000000c000380080001000200000024000180090001006d657461
0000000014000280080002000000001008000100000000012c00018008000100636d7000200002800800010000000001
08000200000000000c0003800500010006000000340001800c0001007061796c6f616400240002800800010000000001
0800020000000002080003000000000208000400000000022c00018008000100636d7000200002800800010000000001
08000200000000000c000380060001001f9000002c0001800e000100696d6d6564696174650000001800028008000100
000000010c00028008000100ac1100022c0001800e000100696d6d656469617465000000180002800800010000000002
0c000280060001000050000038000180080001006e6174002c0002800800010000000001080002000000000208000300
0000000108000500000000020800070000000002`;

/** `ip saddr 172.16.0.0/12 oifname != "docker0" masquerade` */
const MASQUERADE = `
340001800c0001007061796c6f6164002400028008000100000000010800020000000001080003000000000c08000400
00000004440001800c000100626974776973650034000280080001000000000108000200000000010800030000000004
0c00048008000100fff000000c00058008000100000000002c00018008000100636d7000200002800800010000000001
08000200000000000c00038008000100ac10000024000180090001006d65746100000000140002800800020000000007
08000100000000013800018008000100636d70002c000280080001000000000108000200000000011800038014000100
646f636b65723000000000000000000014000180090001006d6173710000000004000280`;

/** `ct state established,related counter accept`: it counts, which we have no word for. */
const COUNTER = `
2000018007000100637400001400028008000200000000000800010000000001440001800c0001006269747769736500
340002800800010000000001080002000000000108000300000000040c00048008000100060000000c00058008000100
000000002c00018008000100636d700020000280080001000000000108000200000000010c0003800800010000000000
140001800c000100636f756e7465720004000280300001800e000100696d6d6564696174650000001c00028008000100
00000000100002800c0002800800010000000001`;

const published: Rule = {
  matches: [
    { field: "daddr-type", value: "local", operator: "==" },
    { field: "l4proto", value: "tcp", operator: "==" },
    { field: "dport", value: "8080", operator: "==" },
  ],
  verdict: { verdict: "dnat", address: "172.17.0.2", port: 80 },
};
const masquerading: Rule = {
  matches: [
    { field: "saddr", value: "172.16.0.0/12", operator: "==" },
    { field: "oifname", value: "docker0", operator: "!=" },
  ],
  verdict: { verdict: "masquerade" },
};

describe("decodeRule()", () => {
  test("decodeRule() reads what nft wrote", () => {
    expect(decodeRule("ip", decodeAttributes(bytesOf(PUBLISH)))).toEqual(published);
    expect(decodeRule("ip", decodeAttributes(bytesOf(MASQUERADE)))).toEqual(masquerading);
  });

  test("decodeRule() has no words for a rule with something else in it", () => {
    expect(decodeRule("ip", decodeAttributes(bytesOf(COUNTER)))).toBeUndefined();
  });

  test("decodeRule() ends on any bytes, with a RangeError or without", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
        try {
          decodeRule("ip", decodeAttributes(any));
          return true;
        } catch (error) {
          return error instanceof RangeError;
        }
      }),
    );
  });

  test("decodeRule() takes apart what encodeRule() put together", () => {
    fc.assert(
      fc.property(fc.constantFrom("ip" as const, "ip6" as const), rules, (family, rule) => {
        const said = readRule(family, rule);
        const program = encodeRule(family, rule);
        expect(program === undefined).toBe(said === undefined);
        if (program === undefined) return;
        const told = decodeAttributes(encodeAttributes(program));
        expect(decodeRule(family, told)).toEqual(said);
      }),
    );
  });
});

const four = fc.ipV4();
const six = fc.ipV6().filter((text) => !text.includes("."));
const address = fc.oneof(four, six);
const network = fc
  .tuple(address, fc.nat({ max: 128 }))
  .map(([text, length]) => `${text}/${length}`);
const link = fc.stringMatching(/^[a-z][a-z0-9]{0,14}$/);
const matching = <F extends PacketMatch["field"]>(field: F, values: fc.Arbitrary<string>) =>
  fc.record({
    field: fc.constant(field),
    value: values,
    operator: fc.constantFrom("==" as const, "!="),
  });
const rules: fc.Arbitrary<Rule> = fc.record({
  matches: fc.array(
    fc.oneof(
      matching("saddr", fc.oneof(address, network)),
      matching("daddr", fc.oneof(address, network)),
      matching("iifname", link),
      matching("oifname", link),
      matching("l4proto", fc.constantFrom("tcp", "udp", "no")),
      matching("dport", fc.nat({ max: 66_000 }).map(String)),
      matching("ct-state", fc.constantFrom("new", "related,established", "no", "new,invalid")),
      matching("daddr-type", fc.constantFrom("local", "unicast", "no")),
    ),
    { maxLength: 3 },
  ),
  verdict: fc.oneof(
    fc.constantFrom<Verdict>(
      { verdict: "accept" },
      { verdict: "drop" },
      { verdict: "return" },
      { verdict: "masquerade" },
    ),
    fc.record({ verdict: fc.constant("jump" as const), chain: link }),
    fc.record({ verdict: fc.constant("dnat" as const), address }),
    fc.record({ verdict: fc.constant("dnat" as const), address, port: fc.nat({ max: 65_535 }) }),
  ),
});

const nft = "/usr/sbin/nft";
const canList = process.geteuid?.() === 0 && spawnSync(nft, ["--version"]).status === 0;
if (!canList) console.info("Skipped: reading our rules with nft(8) needs root and nft");

/** What `nft list ruleset` makes of it. */
const LISTED = `table ip drydock {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local tcp dport 8080 dnat to 172.17.0.2:80
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 172.16.0.0/12 oifname != "docker0" masquerade
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "br0" ip daddr 10.0.0.1 udp dport 53 jump more
	}

	chain more {
		fib daddr type != local return
		drop
	}
}
`;

test.runIf(canList)("nft list ruleset says of our rules what we meant", async () => {
  const kernel = createLinuxKernel();
  const table = { family: "ip", name: "drydock" } as const;
  const base = (type: "nat" | "filter", hook: "prerouting" | "postrouting" | "forward") => {
    const priority = { prerouting: -100, postrouting: 100, forward: 0 }[hook];
    return { type, hook, priority, policy: type === "nat" ? "accept" : "drop" } as const;
  };
  const add = (chain: string, rule: Rule) => ({ change: "add-rule", table, chain, rule }) as const;
  const create = (chain: string) => ({ change: "create-chain", table, chain }) as const;
  const options = { pidNamespace: "inherit", stdio: "pipes", stdin: false } as const;
  const child = kernel.spawn(options, ({ kernel: own }) => {
    own.unshare(["CLONE_NEWNET"]);
    own.changeRuleset([
      { change: "create-table", table },
      { ...create("prerouting"), base: base("nat", "prerouting") },
      { ...create("postrouting"), base: base("nat", "postrouting") },
      { ...create("forward"), base: base("filter", "forward") },
      create("more"),
      add("prerouting", published),
      add("postrouting", masquerading),
      add("forward", {
        matches: [{ field: "ct-state", value: "related,established", operator: "==" }],
        verdict: { verdict: "accept" },
      }),
      add("forward", {
        matches: [
          { field: "iifname", value: "br0", operator: "==" },
          { field: "daddr", value: "10.0.0.1", operator: "==" },
          { field: "l4proto", value: "udp", operator: "==" },
          { field: "dport", value: "53", operator: "==" },
        ],
        verdict: { verdict: "jump", chain: "more" },
      }),
      add("more", {
        matches: [{ field: "daddr-type", value: "local", operator: "!=" }],
        verdict: { verdict: "return" },
      }),
      add("more", { matches: [], verdict: { verdict: "drop" } }),
    ]);
    return own.execve(nft, ["nft", "list", "ruleset"], []);
  });
  let listed = "";
  await new Promise<void>((resolve) => {
    child.stdout?.listen((bytes) => (listed += new TextDecoder().decode(bytes)), resolve);
  });
  await child.exited;
  expect(listed).toBe(LISTED);
});
