/**
 * Netlink messages: how rtnetlink(7) is spoken, as bytes in and bytes out.
 *
 * A message is a header of 16 bytes, a fixed part that depends on its type, and attributes, each of
 * which is a length, a type and a value, padded to four bytes:
 *
 * ```
 * | length 4 | type 2 | flags 2 | sequence 4 | port 4 | fixed part | attribute | attribute | …
 *                                                                    | length 2 | type 2 | value |
 * ```
 *
 * Numbers are in the order of the machine, which is little endian on x86_64 and arm64. An answer is
 * a list of messages; a request with NLM_F_ACK is answered by NLMSG_ERROR, whose error zero means
 * success.
 *
 * Kernel interface: netlink(7), rtnetlink(7).
 * Invariants: none.
 * Left out: nested attributes, generic netlink, multicast groups.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
/** A message type: the answer to a request, with an errno or zero. */
export const NLMSG_ERROR = 2;
/** A message type: the end of a list. */
export const NLMSG_DONE = 3;
/** A message type: one link. */
export const RTM_NEWLINK = 16;
/** A message type: tell about links. */
export const RTM_GETLINK = 18;
/** A message type: change a link. */
export const RTM_SETLINK = 19;
/** A flag: every request has it. */
export const NLM_F_REQUEST = 1;
/** A flag: answer also when all went well. */
export const NLM_F_ACK = 4;
/** A flag: answer with the whole list. */
export const NLM_F_DUMP = 0x300;
/** An attribute of a link: its name. */
export const IFLA_IFNAME = 3;
/** A flag of a link: it is up. */
export const IFF_UP = 1;

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const IFINFO_BYTES = 16;

/** One netlink message: `body` is the fixed part, with the attributes behind it. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** One attribute of a message. */
export interface NetlinkAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** The fixed part of a link message, `struct ifinfomsg`. */
export interface LinkInfo {
  /** 0 to find the link by its IFLA_IFNAME. */
  readonly index: number;
  readonly flags: number;
  /** Which of the flags a request changes. */
  readonly change: number;
}

const align4 = (length: number): number => (length + 3) & ~3;
const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The bytes of one message. */
export function encodeMessage(message: NetlinkMessage): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + message.body.length);
  const view = viewOf(bytes);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags, true);
  view.setUint32(8, message.sequence, true);
  bytes.set(message.body, HEADER_BYTES);
  return bytes;
}

/**
 * The messages in what recv(2) returned.
 *
 * @throws RangeError when a length leads outside of the bytes
 */
export function decodeMessages(bytes: Uint8Array): readonly NetlinkMessage[] {
  const view = viewOf(bytes);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER_BYTES || at + length > bytes.length) {
      throw new RangeError(`Netlink message of ${length} bytes at ${at} of ${bytes.length}`);
    }
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: bytes.slice(at + HEADER_BYTES, at + length),
    });
    at += align4(length);
  }
  return messages;
}

/** The body of a link message: the fixed part and its attributes. */
export function encodeLink(link: LinkInfo, attributes: readonly NetlinkAttribute[]): Uint8Array {
  const sizes = attributes.map((each) => align4(ATTRIBUTE_HEADER_BYTES + each.value.length));
  const bytes = new Uint8Array(IFINFO_BYTES + sizes.reduce((sum, size) => sum + size, 0));
  const view = viewOf(bytes);
  view.setInt32(4, link.index, true);
  view.setUint32(8, link.flags, true);
  view.setUint32(12, link.change, true);
  let at = IFINFO_BYTES;
  for (const [number, attribute] of attributes.entries()) {
    view.setUint16(at, ATTRIBUTE_HEADER_BYTES + attribute.value.length, true);
    view.setUint16(at + 2, attribute.type, true);
    bytes.set(attribute.value, at + ATTRIBUTE_HEADER_BYTES);
    at += sizes[number] ?? 0;
  }
  return bytes;
}

/**
 * The fixed part and the attributes of a link message's body. @throws RangeError when a length
 * leads outside
 */
export function decodeLink(body: Uint8Array): LinkInfo & {
  readonly attributes: readonly NetlinkAttribute[];
} {
  const view = viewOf(body);
  const attributes: NetlinkAttribute[] = [];
  for (let at = IFINFO_BYTES; at + ATTRIBUTE_HEADER_BYTES <= body.length;) {
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > body.length) {
      throw new RangeError(`Netlink attribute of ${length} bytes at ${at} of ${body.length}`);
    }
    const value = body.slice(at + ATTRIBUTE_HEADER_BYTES, at + length);
    attributes.push({ type: view.getUint16(at + 2, true), value });
    at += align4(length);
  }
  return {
    index: view.getInt32(4, true),
    flags: view.getUint32(8, true),
    change: view.getUint32(12, true),
    attributes,
  };
}

/** The errno of an NLMSG_ERROR, zero for an acknowledgement. */
export function decodeError(body: Uint8Array): number {
  return 0 - viewOf(body).getInt32(0, true);
}

/** Text as an attribute value: UTF-8, ended by a NUL. */
export function encodeName(name: string): Uint8Array {
  return new TextEncoder().encode(`${name}\0`);
}

/** The text of an attribute value. */
export function decodeName(value: Uint8Array): string {
  const text = new TextDecoder().decode(value);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
