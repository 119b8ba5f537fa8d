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

const LONGEST = 100;

/** The page that explains a concept, where there is one. */
const PAGES: ReadonlyMap<string, string> = new Map([
  ["security", "capabilities"],
  ...["cgroups", "container", "daemon", "engine", "images", "keeper", "layers", "namespaces"].map(
    (room): [string, string] => [room, room],
  ),
  ["volumes", "volumes"],
]);

/** Where a concept is explained, in parentheses; nothing for what has no page. */
export function pageOf(concept: string): string {
  const page = PAGES.get(concept);
  return page === undefined ? "" : ` (docs/concepts/${page}.md)`;
}

/** Calls whose last argument is a file mode, which people read in octal. */
const WITH_MODE = new Set(["mkdir", "writeFile", "chmod", "mknod", "open"]);

/**
 * A call with its arguments: a list in order, one object by name.
 *
 * @example showCall("mkdir", ["/a", 493]) // 'mkdir("/a", 0755)'
 */
export function showCall(call: string, args: unknown): string {
  const list: readonly unknown[] = Array.isArray(args) ? args : [args];
  const [only] = list;
  if (only === undefined || only === null) return `${call}()`;
  if (list.length === 1 && typeof only === "object" && !Array.isArray(only)) {
    return `${call}(${namedArguments(only)})`;
  }
  const shown = list.map((arg, index) => {
    const isMode = WITH_MODE.has(call) && index === list.length - 1 && typeof arg === "number";
    return isMode ? `0${arg.toString(8)}` : showArgument(arg);
  });
  return `${call}(${shown.join(", ")})`;
}

function namedArguments(args: object): string {
  return Object.entries(args)
    .filter(([, value]) => value !== "" && value !== null)
    .map(([name, value]) => `${name}=${showArgument(value)}`)
    .join(", ");
}

function showArgument(value: unknown): string {
  const text = shortenIds(JSON.stringify(value) ?? "");
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/**
 * Ids of 64 digits as the twelve that people read.
 *
 * @example shortenIds("/x/" + "ab".repeat(32)) // "/x/abababababab…"
 */
export function shortenIds(text: string): string {
  return text.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1…");
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
