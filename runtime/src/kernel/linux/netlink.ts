/**
 * Netlink messages: how rtnetlink(7) and nfnetlink are spoken, as bytes in and bytes out.
 *
 * A message is a header of 16 bytes, a fixed part that depends on its type, and attributes, each of
 * which is a length, a type and a value, padded to four bytes:
 *
 * ```
 * | length 4 | type 2 | flags 2 | sequence 4 | port 4 | fixed part | attribute | attribute | …
 *                                                                    | length 2 | type 2 | value |
 * ```
 *
 * The value of an attribute may be a list of attributes again. Numbers are in the order of the
 * machine, which is little endian on x86_64 and arm64; nf_tables alone wants the order of the
 * network. An answer is a list of messages; a request with NLM_F_ACK is answered by NLMSG_ERROR,
 * whose error zero means success.
 *
 * Kernel interface: netlink(7), rtnetlink(7).
 * Invariants: none.
 * Left out: generic netlink, multicast groups.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
/** A message type: the answer to a request, with an errno or zero. */
export const NLMSG_ERROR = 2;
/** A message type: the end of a list. */
export const NLMSG_DONE = 3;
/** A flag: every request has it. */
export const NLM_F_REQUEST = 1;
/** A flag: answer also when all went well. */
export const NLM_F_ACK = 4;
/** A flag: answer with the whole list. */
export const NLM_F_DUMP = 0x300;
/** A flag: make it, do not change one that is there. */
export const NLM_F_CREATE_NEW = 0x600;
/** A flag: make it behind those that are there. */
export const NLM_F_APPEND = 0xc00;

const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
/** The two highest bits say that a value is a list, and in which order its bytes are. */
const NLA_TYPE_MASK = 0x3fff;
const NLA_F_NESTED = 0x8000;

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

const align4 = (length: number): number => (length + 3) & ~3;

/** A view of some bytes, to read and write numbers. */
export const viewOf = (bytes: Uint8Array): DataView =>
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

/** The bytes of several messages, each of which begins at a multiple of four. */
export function encodeMessages(messages: readonly NetlinkMessage[]): Uint8Array {
  const parts = messages.map(encodeMessage);
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + align4(length), 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += align4(part.length);
  }
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

/** A body: the fixed part and the attributes behind it. */
export function encodeBody(fixed: Uint8Array, attributes: readonly NetlinkAttribute[]): Uint8Array {
  const list = encodeAttributes(attributes);
  const body = new Uint8Array(fixed.length + list.length);
  body.set(fixed);
  body.set(list, fixed.length);
  return body;
}

/** The bytes of a list of attributes. */
export function encodeAttributes(attributes: readonly NetlinkAttribute[]): Uint8Array {
  const sizes = attributes.map((each) => align4(ATTRIBUTE_HEADER_BYTES + each.value.length));
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  const view = viewOf(bytes);
  let at = 0;
  for (const [number, attribute] of attributes.entries()) {
    view.setUint16(at, ATTRIBUTE_HEADER_BYTES + attribute.value.length, true);
    view.setUint16(at + 2, attribute.type, true);
    bytes.set(attribute.value, at + ATTRIBUTE_HEADER_BYTES);
    at += sizes[number] ?? 0;
  }
  return bytes;
}

/**
 * The list of attributes in some bytes. @throws RangeError when a length leads outside
 */
export function decodeAttributes(bytes: Uint8Array): readonly NetlinkAttribute[] {
  const view = viewOf(bytes);
  const attributes: NetlinkAttribute[] = [];
  for (let at = 0; at + ATTRIBUTE_HEADER_BYTES <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > bytes.length) {
      throw new RangeError(`Netlink attribute of ${length} bytes at ${at} of ${bytes.length}`);
    }
    const value = bytes.slice(at + ATTRIBUTE_HEADER_BYTES, at + length);
    attributes.push({ type: view.getUint16(at + 2, true) & NLA_TYPE_MASK, value });
    at += align4(length);
  }
  return attributes;
}

/** An attribute whose value is a list. */
export function nested(type: number, attributes: readonly NetlinkAttribute[]): NetlinkAttribute {
  return { type: type | NLA_F_NESTED, value: encodeAttributes(attributes) };
}

/** An attribute whose value is a text: UTF-8, ended by a NUL. */
export function named(type: number, text: string): NetlinkAttribute {
  return { type, value: encodeName(text) };
}

/** An attribute whose value is a number of 32 bits, in the order of the machine. */
export function numbered(type: number, number: number): NetlinkAttribute {
  const value = new Uint8Array(4);
  viewOf(value).setUint32(0, number, true);
  return { type, value };
}

/** The value of the first attribute of a type. */
export function valueOf(
  attributes: readonly NetlinkAttribute[],
  type: number,
): Uint8Array | undefined {
  return attributes.find((attribute) => attribute.type === type)?.value;
}

/** The number of 32 bits that is the value of an attribute. */
export function numberOf(
  attributes: readonly NetlinkAttribute[],
  type: number,
): number | undefined {
  const value = valueOf(attributes, type);
  return value === undefined || value.length < 4 ? undefined : viewOf(value).getUint32(0, true);
}

/** The text that is the value of an attribute. */
export function nameOf(attributes: readonly NetlinkAttribute[], type: number): string | undefined {
  const value = valueOf(attributes, type);
  return value === undefined ? undefined : decodeName(value);
}

/** The list that is the value of an attribute; without it, an empty one. */
export function listOf(
  attributes: readonly NetlinkAttribute[],
  type: number,
): readonly NetlinkAttribute[] {
  return decodeAttributes(valueOf(attributes, type) ?? new Uint8Array());
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
