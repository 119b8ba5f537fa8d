/**
 * Hardware addresses: from text to bytes and back.
 *
 * Kernel interface: netdevice(7), rtnetlink(7).
 * Invariants: none.
 * Left out: addresses of other lengths, which other networks than Ethernet have.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */

/** The six bytes that a text as `02:42:ac:11:00:02` says. @returns undefined when it says none */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[\da-f]{2}(:[\da-f]{2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16));
}

/** The text of a hardware address. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
