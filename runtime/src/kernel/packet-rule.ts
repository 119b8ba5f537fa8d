/**
 * Packet rules: what the words of a rule mean.
 *
 * Both kernels read a rule with this: Linux to make a program of it, the model to try it on a
 * packet. A rule that cannot be is EINVAL on both.
 *
 * Kernel interface: nft(8).
 * Invariants: none.
 * Left out: everything that `PacketMatch` has no words for.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import {
  formatAddress,
  formatShort,
  networkOf,
  parseAddress,
  parseNetwork,
  type IpNetwork,
} from "./ip-address.ts";
import type { PacketMatch, Rule, TableName, Verdict } from "./port.ts";

/** What a condition compares with. */
export type Condition =
  | { readonly on: "saddr" | "daddr"; readonly network: IpNetwork }
  | { readonly on: "iifname" | "oifname"; readonly link: string }
  | { readonly on: "l4proto"; readonly number: number }
  | { readonly on: "dport"; readonly port: number }
  | { readonly on: "ct-state"; readonly states: readonly string[] }
  | { readonly on: "daddr-type"; readonly type: AddressType };

/** What an address is to a network namespace. */
export type AddressType = "unicast" | "local";

/** Protocols by number. */
export const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17 };
/** States of a connection: each is a bit. */
export const STATES: Readonly<Record<string, number>> = {
  invalid: 1,
  established: 2,
  related: 4,
  new: 8,
};

const LINK_NAME = /^[^\s/:]{1,15}$/;
const PORT_MAX = 65_535;
const TYPES: readonly AddressType[] = ["unicast", "local"];

/** What a match means; undefined when it means nothing. */
export function readCondition(
  family: TableName["family"],
  { field: on, value }: PacketMatch,
): Condition | undefined {
  switch (on) {
    case "saddr":
    case "daddr": {
      const network = networkIn(family, value);
      return network && { on, network };
    }
    case "iifname":
    case "oifname":
      return LINK_NAME.test(value) ? { on, link: value } : undefined;
    case "l4proto": {
      const number = Object.hasOwn(PROTOCOLS, value) ? PROTOCOLS[value] : undefined;
      return number === undefined ? undefined : { on, number };
    }
    case "dport": {
      const port = portIn(value);
      return port === undefined ? undefined : { on, port };
    }
    case "ct-state": {
      const wanted = value.split(",");
      const states = Object.keys(STATES).filter((state) => wanted.includes(state));
      return states.length === wanted.length ? { on, states } : undefined;
    }
    case "daddr-type": {
      const type = TYPES.find((each) => each === value);
      return type && { on, type };
    }
  }
}

function portIn(text: string): number | undefined {
  const isPort = /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= PORT_MAX;
  return isPort ? Number(text) : undefined;
}

/** A prefix of nothing would be no condition. */
function networkIn(family: TableName["family"], text: string): IpNetwork | undefined {
  const network = parseNetwork(text);
  if (network?.family !== (family === "ip" ? 4 : 6)) return undefined;
  return network.prefixLength === 0 ? undefined : networkOf(network);
}

/** The words of a condition in their one form. */
function valueOf(condition: Condition): string {
  switch (condition.on) {
    case "saddr":
    case "daddr":
      return formatShort(condition.network);
    case "iifname":
    case "oifname":
      return condition.link;
    case "l4proto":
      return Object.keys(PROTOCOLS).find((name) => PROTOCOLS[name] === condition.number) ?? "";
    case "dport":
      return String(condition.port);
    case "ct-state":
      return condition.states.join(",");
    case "daddr-type":
      return condition.type;
  }
}

/** A rule with its words in their one form; undefined for a rule that cannot be. */
export function readRule(family: TableName["family"], rule: Rule): Rule | undefined {
  const matches: PacketMatch[] = [];
  for (const match of rule.matches) {
    const condition = readCondition(family, match);
    if (condition === undefined) return undefined;
    matches.push({ field: match.field, value: valueOf(condition), operator: match.operator });
  }
  const verdict = readVerdict(family, rule.verdict);
  return verdict === undefined ? undefined : { matches, verdict };
}

function readVerdict(family: TableName["family"], verdict: Verdict): Verdict | undefined {
  if (verdict.verdict !== "dnat") return verdict;
  const address = parseAddress(verdict.address);
  if (address?.family !== (family === "ip" ? 4 : 6)) return undefined;
  const { port } = verdict;
  if (port !== undefined && (!Number.isInteger(port) || port < 0 || port > PORT_MAX)) {
    return undefined;
  }
  return { ...verdict, address: formatAddress(address) };
}
