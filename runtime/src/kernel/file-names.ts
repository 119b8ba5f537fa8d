/**
 * File names: bytes as text, without loss.
 *
 * To the kernel a name is bytes, of which `/` and NUL alone mean something; to a program it is text
 * in UTF-8. Old archives and other countries' disks hold names that are none. A byte that is part
 * of no UTF-8 becomes a lone surrogate, U+DC80 to U+DCFF, which no text holds, and back again: so
 * every name is a text of its own.
 *
 * Kernel interface: path_resolution(7), filename encoding.
 * Specification: Python's PEP 383 ("surrogateescape").
 * Invariants:
 *   every-name-has-a-text   bytes become a text and the same bytes again, others another text
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */

const ESCAPE = 0xdc00;
const ESCAPED = /[\udc80-\udcff]/u;
const MOST_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a name or path. @example nameOf(Uint8Array.of(0x61, 0xff)) // "a\udcff" */
export function nameOf(bytes: Uint8Array): string {
  const whole = decode(bytes);
  if (whole !== undefined) return whole;
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const character = characterAt(bytes, at);
    text += character ?? String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
    at += character === undefined ? 1 : encoder.encode(character).length;
  }
  return text;
}

/** The bytes of a name or path. @example bytesOfName("a\udcff") // Uint8Array.of(0x61, 0xff) */
export function bytesOfName(text: string): Uint8Array {
  if (!isEscaped(text)) return encoder.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    if (ESCAPED.test(character)) bytes.push(character.charCodeAt(0) - ESCAPE);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}

/** Whether its bytes are no UTF-8. */
export function isEscaped(text: string): boolean {
  return ESCAPED.test(text);
}

/** One character of UTF-8; undefined: the byte there begins none. */
function characterAt(bytes: Uint8Array, at: number): string | undefined {
  for (let length = 1; length <= MOST_BYTES; length += 1) {
    const character = decode(bytes.subarray(at, at + length));
    if (character !== undefined) return character;
  }
  return undefined;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
