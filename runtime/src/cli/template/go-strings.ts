/**
 * Templates, strings: Go's string literals, both ways.
 *
 * Kernel interface: none.
 * Specification: The Go Programming Language Specification, "String literals"; strconv.Quote.
 * Invariants:
 *   quote-round-trip   a text quoted as Go quotes it is unquoted to the same text
 * Left out: surrogate halves, which are no characters.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

const LETTERS = new Map(Object.entries(ESCAPES).map(([letter, meant]) => [meant, letter]));

/**
 * A text between Go's double quotes, with everything that does not print escaped.
 *
 * @example quoteGo('sh -c "x"') // "\"sh -c \\\"x\\\"\""
 */
export function quoteGo(text: string): string {
  const inner = [...text].map((character) => {
    if (character === "'") return character;
    const letter = LETTERS.get(character);
    if (letter !== undefined) return `\\${letter}`;
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
    return character;
  });
  return `"${inner.join("")}"`;
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([^]))/gu;

/**
 * What a literal of Go stands for: "…", '…' or `…`.
 *
 * @returns undefined when it holds an escape that Go does not know
 * @example unquoteGo('"a\\tb"') // "a\tb"
 */
export function unquoteGo(literal: string): string | undefined {
  const inner = literal.slice(1, -1);
  if (literal.startsWith("`")) return inner.replaceAll("\r", "");
  let known = true;
  const text = inner.replace(ESCAPE, (whole, ...groups: (string | undefined)[]) => {
    const [hex2, hex4, hex8, octal, letter = ""] = groups;
    const hex = hex2 ?? hex4 ?? hex8;
    const code = hex === undefined ? Number.parseInt(octal ?? "x", 8) : Number.parseInt(hex, 16);
    if (!Number.isNaN(code) && code <= 0x10ffff) return String.fromCodePoint(code);
    const meant = ESCAPES[letter];
    if (meant === undefined) known = false;
    return meant ?? whole;
  });
  return known ? text : undefined;
}
