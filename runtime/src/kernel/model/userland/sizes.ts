/**
 * Sizes: numbers of bytes, as people write and read them.
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { Failure } from "./tool.ts";

const SIZES: Readonly<Record<string, number>> = {
  "": 1,
  c: 1,
  w: 2,
  b: 512,
  k: 1024,
  K: 1024,
  M: 1_048_576,
  G: 1_073_741_824,
};

/** Bytes of `4k` and the like. @throws Failure */
export function bytesOf(word: string): number {
  const [, digits = "", unit = ""] = /^(\d+)([cwbkKMG]?)B?$/.exec(word) ?? [];
  if (digits === "") throw new Failure(`invalid number '${word}'`);
  return Number(digits) * (SIZES[unit] ?? 1);
}

/** Bytes for people: `1.5K`. */
export function readable(bytes: number): string {
  const units = ["", "K", "M", "G", "T"];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return unit === 0 ? String(value) : `${value.toFixed(1)}${units[unit]}`;
}
