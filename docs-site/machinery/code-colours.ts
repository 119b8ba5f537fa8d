/**
 * Code colours: two palettes whose every colour has a contrast of 4.5 to 1 on its ground, also where
 * a line is highlighted. The stock themes fail that in one mode or the other.
 *
 * @module
 */
import type { PrismTheme } from "prism-react-renderer";

function palette(
  plain: string,
  ground: string,
  colours: readonly [string, string[]][],
): PrismTheme {
  return {
    plain: { color: plain, backgroundColor: ground },
    styles: colours.map(([color, types]) => ({ types, style: { color } })),
  };
}

/** For the light mode. */
export const lightCode = palette("#1f2933", "#f5f7f9", [
  ["#56616d", ["comment", "prolog"]],
  ["#8a3412", ["string", "char", "template-string", "attr-value"]],
  ["#0b5394", ["keyword", "operator", "selector", "important"]],
  ["#6b21a8", ["function", "class-name", "builtin"]],
  ["#0f5f4a", ["number", "boolean", "constant", "regex", "property"]],
]);

/** For the dark mode. */
export const darkCode = palette("#e4e9ee", "#1c2329", [
  ["#a3b0bd", ["comment", "prolog"]],
  ["#f0b391", ["string", "char", "template-string", "attr-value"]],
  ["#8cc4ff", ["keyword", "operator", "selector", "important"]],
  ["#d2b0ff", ["function", "class-name", "builtin"]],
  ["#8fdcc0", ["number", "boolean", "constant", "regex", "property"]],
]);
