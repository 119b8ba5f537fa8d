/**
 * Pattern: `*`, `?` and `[…]`, on strings and on file names.
 *
 * A pattern is a text in which a backslash makes the next character stand for itself.
 *
 * Kernel interface: glob(7).
 * Specification: POSIX.1-2017, Shell Command Language, 2.13 "Pattern Matching Notation".
 * Invariants: none.
 * Left out: collating symbols and equivalence classes.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError, type Files } from "../../../port.ts";

const CLASSES: Readonly<Record<string, string>> = {
  alpha: "a-zA-Z",
  digit: "0-9",
  alnum: "a-zA-Z0-9",
  upper: "A-Z",
  lower: "a-z",
  space: "\\s",
  blank: " \\t",
  punct: "!-\\/:-@\\[-`{-~",
  print: " -~",
  graph: "!-~",
  cntrl: "\\x00-\\x1f\\x7f",
  xdigit: "0-9A-Fa-f",
};

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** Makes one character of a text stand for itself in a pattern. */
export function quote(text: string): string {
  return text.replace(/[\\*?[\]]/g, "\\$&");
}

/** Whether a pattern could match anything but one text. */
export function isPattern(pattern: string): boolean {
  return /[*?]|\[.+\]/s.test(pattern.replace(/\\./gs, ""));
}

/** What a pattern is when nothing of it is special. */
export function unquote(pattern: string): string {
  return pattern.replace(/\\(.)/gs, "$1");
}

/** The inside of `[…]` as the inside of a regular expression's. */
export function bracket(inside: string): string {
  const isNegated = /^[!^]/.test(inside);
  const body = inside
    .slice(isNegated ? 1 : 0)
    .replace(/\[:(\w+):\]|\\?([\s\S])/g, (_, name: string | undefined, one: string | undefined) =>
      name === undefined ? (one === "-" ? "-" : escaped(one ?? "")) : (CLASSES[name] ?? ""),
    );
  return `[${isNegated ? "^" : ""}${body}]`;
}

/**
 * A pattern as the source of a regular expression.
 *
 * @param how whether `*` takes as much or as little as it can
 */
export function patternSource(pattern: string, how: "most" | "least" = "most"): string {
  const lazy = how === "least" ? "?" : "";
  const tokens = /\\([\s\S])|(\*)|(\?)|\[([!^]?\]?(?:\[:\w+:\]|\\.|[^\]])*)\]|([\s\S])/g;
  return pattern.replace(tokens, (...found: (string | undefined)[]) => {
    const [, plain, star, one, inside, other] = found;
    if (star !== undefined) return `[\\s\\S]*${lazy}`;
    if (one !== undefined) return "[\\s\\S]";
    if (inside !== undefined) return bracket(inside);
    return escaped(plain ?? other ?? "");
  });
}

/** Whether a text is what a pattern says. */
export function matches(pattern: string, text: string): boolean {
  return new RegExp(`^(?:${patternSource(pattern)})$`, "u").test(text);
}

/** The paths that a pattern matches, sorted; none when there are none. */
export function expandPaths(kernel: Files, pattern: string): readonly string[] {
  const parts = pattern.split("/");
  const start = parts[0] === "" ? ["/"] : [""];
  const rest = parts[0] === "" ? parts.slice(1) : parts;
  let found: readonly string[] = start;
  for (const [index, part] of rest.entries()) {
    const isLast = index === rest.length - 1;
    found = found.flatMap((base) => step(kernel, base, part, isLast));
  }
  return found.toSorted();
}

function step(kernel: Files, base: string, part: string, isLast: boolean): readonly string[] {
  const end = isLast ? "" : "/";
  if (!isPattern(part)) {
    const path = `${base}${unquote(part)}`;
    return exists(kernel, path === "" ? "." : path) ? [`${path}${end}`] : [];
  }
  return namesIn(kernel, base === "" ? "." : base)
    .filter((name) => (part.startsWith(".") || !name.startsWith(".")) && matches(part, name))
    .filter((name) => isLast || exists(kernel, `${base}${name}/.`))
    .map((name) => `${base}${name}${end}`);
}

function exists(kernel: Files, path: string): boolean {
  return attempt(() => kernel.lstat(path)) !== undefined;
}

function namesIn(kernel: Files, path: string): readonly string[] {
  return attempt(() => kernel.readdir(path)) ?? [];
}

function attempt<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}
