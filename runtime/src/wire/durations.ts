/**
 * Durations: spans of time as people and Docker's clients write them.
 *
 * Kernel interface: none.
 * Specification: Go, time.ParseDuration.
 * Invariants: none.
 * Left out: what a double cannot hold: a span of more than 104 days is rounded, by less than 1 µs.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * A duration as Go writes it ("1h30m", "500ms"), in nanoseconds.
 *
 * @throws Error in the words of time.ParseDuration
 * @example parseDurationNs("1m30s") // 90_000_000_000
 */
export function parseDurationNs(text: string): number {
  const quoted = JSON.stringify(text);
  const unsigned = text.replace(/^[+-]/, "");
  if (unsigned === "0") return 0;
  const terms = [...unsigned.matchAll(/(\d+\.?\d*|\.\d+)([^\d.]*)/gy)];
  const covered = terms.reduce((length, term) => length + term[0].length, 0);
  if (covered === 0 || covered !== unsigned.length) {
    throw new Error(`time: invalid duration ${quoted}`);
  }
  let totalNs = 0;
  for (const [, amount = "", unit = ""] of terms) {
    if (unit === "") throw new Error(`time: missing unit in duration ${quoted}`);
    const unitNs = UNIT_NS[unit];
    if (unitNs === undefined) {
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    }
    totalNs += Number(amount) * unitNs;
  }
  return Math.round(text.startsWith("-") ? -totalNs : totalNs);
}
