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

/** The page that explains a concept, where it is not called as the concept. */
const PAGES: Readonly<Record<string, string>> = { network: "namespaces", security: "capabilities" };

/** Calls of a concept that have a page of their own. */
const CALL_PAGES: Readonly<Record<string, string>> = {
  installSeccomp: "seccomp",
  setGroups: "users",
  setGid: "users",
  setUid: "users",
  createUserNamespace: "users",
  joinUserNamespace: "users",
};

const EXPLAINED = new Set(
  "cgroups container daemon engine images keeper layers namespaces network security volumes".split(
    " ",
  ),
);

/**
 * The concept that a step belongs to: the one in whose name it was made, else whose code it is.
 *
 * @example conceptOf({ source: "runtime/src/cgroups/apply.ts:41" }) // "cgroups"
 */
export function conceptOf(step: {
  readonly concept?: string | undefined;
  readonly source?: string | undefined;
}): string {
  return step.concept ?? /\bsrc\/([a-z-]+)\//.exec(step.source ?? "")?.[1] ?? "engine";
}

/**
 * The page of the docs that explains a concept, or more exactly one call of it.
 *
 * @example pageOf({ concept: "security", call: "setUid" }) // "docs/concepts/users.md"
 */
export function pageOf(step: { readonly concept: string; readonly call?: string }) {
  if (!EXPLAINED.has(step.concept)) return undefined;
  const page = CALL_PAGES[step.call ?? ""] ?? PAGES[step.concept] ?? step.concept;
  return `docs/concepts/${page}.md`;
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
