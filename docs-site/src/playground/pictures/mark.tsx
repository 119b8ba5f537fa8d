/**
 * Mark: says in a word, and not by colour alone, what is new, changed or gone.
 */
import type { CSSProperties, ReactNode } from "react";
import type { Change } from "../views/changes.ts";

export function Mark({ change }: { change: Change }): ReactNode {
  return change === "same" ? null : <span className={`pg-mark pg-mark-${change}`}>{change}</span>;
}

/** The class of a row or box that changed. */
export function markedClass(name: string, change: Change): string {
  return change === "same" ? name : `${name} pg-is-${change}`;
}

/** Bytes as people write them: 64 MiB. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const at = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * at);
  return `${value >= 10 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

/** How far a row is indented; the style sheet knows what a step is. */
export function atDepth(depth: number): CSSProperties {
  // React's type knows no properties of one's own.
  return { "--depth": depth } as CSSProperties;
}
