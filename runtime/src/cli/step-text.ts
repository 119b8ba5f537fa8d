/**
 * Step text: a kernel call and its arguments as people read them.
 *
 * Kernel interface: as named by each step.
 * Specification: none.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

const LONGEST = 160;

/**
 * Arguments in parentheses: a list in order, an object by name.
 *
 * @example showArguments({ path: "/proc", type: "proc" }) // '(path="/proc", type="proc")'
 */
export function showArguments(args: unknown): string {
  const shown = Array.isArray(args)
    ? args.map(showArgument).join(", ")
    : typeof args === "object" && args !== null
      ? Object.entries(args)
          .map(([name, value]) => `${name}=${showArgument(value)}`)
          .join(", ")
      : args === undefined || args === null
        ? ""
        : showArgument(args);
  return `(${shown})`;
}

function showArgument(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/**
 * A duration in the unit that suits it.
 *
 * @param us microseconds
 * @example showMicroseconds(1500) // "1.50 ms"
 */
export function showMicroseconds(us: number): string {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1_000_000) return `${(us / 1000).toFixed(2)} ms`;
  return `${(us / 1_000_000).toFixed(2)} s`;
}
