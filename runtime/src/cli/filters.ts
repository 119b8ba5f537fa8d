/**
 * Filters: name=value pairs that narrow a list, as the API takes them.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "filters" of the lists.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** NAME=VALUE. @throws Error in Docker's words */
export function checkFilter(text: string): string {
  if (text.includes("=")) return text;
  throw new Error("bad format of filter (expected name=value)");
}

/**
 * Filters as JSON: each name to a set of its values; undefined when there are none.
 *
 * @example encodeFilters(["status=exited"]) // '{"status":{"exited":true}}'
 */
export function encodeFilters(given: readonly string[]): string | undefined {
  if (given.length === 0) return undefined;
  const filters: Record<string, Record<string, true>> = {};
  for (const text of given) {
    const at = text.indexOf("=");
    const name = text.slice(0, at).trim().toLowerCase();
    (filters[name] ??= {})[text.slice(at + 1).trim()] = true;
  }
  return JSON.stringify(filters);
}
