/**
 * IP addresses: from text to numbers and back.
 *
 * An address is a number of 32 or 128 bits, whose text has one form to print and several to read. A
 * prefix says how many of its leading bits name the network.
 *
 * Kernel interface: ip(7), ipv6(7).
 * Specification: RFC 4291 section 2.2 (text of IPv6), RFC 5952 (its one form to print).
 * Invariants: none.
 * Left out: zones (`fe80::1%eth0`) and IPv4 in other forms than four decimal numbers.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */

/** An address as a number. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** A network: an address with the length of its prefix. */
export interface IpNetwork extends IpAddress {
  readonly prefixLength: number;
}

const BITS = { 4: 32, 6: 128 } as const;
const GROUPS = 8;

/** How many bits an address has. */
export function bitsOf({ family }: Pick<IpAddress, "family">): number {
  return BITS[family];
}

/** The address that a text says. @returns undefined when it says none */
export function parseAddress(text: string): IpAddress | undefined {
  return text.includes(":") ? parseSix(text) : parseFour(text);
}

function parseFour(text: string): IpAddress | undefined {
  const parts = text.split(".");
  const isRight = parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  if (parts.length !== 4 || !isRight) return undefined;
  return { family: 4, value: parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) };
}

function parseSix(text: string): IpAddress | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = GROUPS - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const zeros = Array.from({ length: missing }, () => "0");
  const groups = [...head, ...zeros, ...(tail ?? [])];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return { family: 6, value: groups.reduce((sum, each) => (sum << 16n) | BigInt(`0x${each}`), 0n) };
}

/** The text of an address, in its one form. */
export function formatAddress({ family, value }: IpAddress): string {
  if (family === 4) return groupsOf(value, 4, 8).join(".");
  const groups = groupsOf(value, GROUPS, 16).map((group) => group.toString(16));
  const whole = groups.join(":");
  // The longest run of at least two zeros, the first of those, is left out.
  const runs = whole.match(/\b0(?::0)+\b/g) ?? [];
  const [longest] = runs.toSorted((a, b) => b.length - a.length);
  if (longest === undefined) return whole;
  const at = whole.search(new RegExp(`(?<![^:])${longest}(?![^:])`));
  const before = whole.slice(0, at).replace(/:$/, "");
  const after = whole.slice(at + longest.length).replace(/^:/, "");
  return `${before}::${after}`;
}

function groupsOf(value: bigint, count: number, bits: number): readonly bigint[] {
  const mask = (1n << BigInt(bits)) - 1n;
  return Array.from(
    { length: count },
    (_, at) => (value >> BigInt((count - 1 - at) * bits)) & mask,
  );
}

/** The network that a text says, `10.0.0.0/24`; an address alone is a network of one. */
export function parseNetwork(text: string): IpNetwork | undefined {
  const [address = "", length, ...rest] = text.split("/");
  const parsed = parseAddress(address);
  if (parsed === undefined || rest.length > 0) return undefined;
  const prefixLength = length === undefined ? bitsOf(parsed) : Number(length);
  const isRight = length === undefined || /^\d{1,3}$/.test(length);
  return isRight && prefixLength <= bitsOf(parsed) ? { ...parsed, prefixLength } : undefined;
}

/** The text of a network. */
export function formatNetwork(network: IpNetwork): string {
  return `${formatAddress(network)}/${network.prefixLength}`;
}

/** The text of a network as nft(8) has it: of a network of one, the address alone. */
export function formatShort(network: IpNetwork): string {
  const isOne = network.prefixLength === bitsOf(network);
  return isOne ? formatAddress(network) : formatNetwork(network);
}

/** The network that an address with a prefix is in: its other bits are zero. */
export function networkOf(network: IpNetwork): IpNetwork {
  const rest = BigInt(bitsOf(network) - network.prefixLength);
  return { ...network, value: (network.value >> rest) << rest };
}

/** Whether two addresses are one; of networks the prefixes do not count. */
export function isSameAddress(one: IpAddress, other: IpAddress): boolean {
  return one.family === other.family && one.value === other.value;
}

/** Whether two networks are one. */
export function isSameNetwork(one: IpNetwork, other: IpNetwork): boolean {
  return isSameAddress(one, other) && one.prefixLength === other.prefixLength;
}

/** Whether an address leads nowhere but to oneself: of 127.0.0.0/8, or ::1. */
export function isLoopback({ family, value }: IpAddress): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}

/** Whether an address is in a network. */
export function isWithin(address: IpAddress, network: IpNetwork): boolean {
  const { family, prefixLength } = network;
  return (
    family === address.family &&
    networkOf({ ...address, prefixLength }).value === networkOf(network).value
  );
}

/** The bytes of an address, in the order of the network. */
export function addressBytes({ family, value }: IpAddress): Uint8Array {
  return Uint8Array.from(groupsOf(value, BITS[family] / 8, 8), Number);
}

/** The address of 4 or 16 bytes. @returns undefined for other bytes */
export function addressOf(bytes: Uint8Array): IpAddress | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family: bytes.length === 4 ? 4 : 6, value };
}
