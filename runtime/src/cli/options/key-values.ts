/**
 * Options, key-values: environment and labels, from the command line and from files.
 *
 * Kernel interface: execve(2) (environ).
 * Specification: docker run reference, "--env-file"; docker/cli pkg/kvfile.
 * Invariants:
 *   env-file-round-trip   lines written as K=V are read back as the same keys and values
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Console } from "../console.ts";
import { Failure, messageOf } from "../failure.ts";

/** K=V, or K for a copy of the user's own. @throws Error */
export function checkEnv(text: string): string {
  if (text === "" || text.startsWith("=")) throw new Error(`invalid environment variable: ${text}`);
  return text;
}

/**
 * The environment of a process, files first, then flags.
 *
 * A name without a value takes the user's; from a flag it stays a bare name if the user has none,
 * which takes the variable away, from a file it is left out.
 *
 * @throws Failure with exit code 125
 */
export function readEnvironment(
  console: Console,
  files: readonly string[],
  given: readonly string[],
): string[] {
  const fromFiles = files.flatMap((path) => readFile(console, path, (name) => console.env[name]));
  const fromFlags = given.map((text) => {
    const value = text.includes("=") ? undefined : console.env[text];
    return value === undefined ? text : `${text}=${value}`;
  });
  return [...fromFiles, ...fromFlags];
}

/** Labels, files first, then flags. @throws Failure with exit code 125 */
export function readLabels(
  console: Console,
  files: readonly string[],
  given: readonly string[],
): Record<string, string> {
  const lines = files.flatMap((path) => readFile(console, path, () => ""));
  return toMap([...lines, ...given]);
}

/** "K=V" texts as a map; a bare key has an empty value. */
export function toMap(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=");
      return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function readFile(
  console: Console,
  path: string,
  lookUp: (name: string) => string | undefined,
): string[] {
  try {
    const content = console.files.read(path);
    return parseKeyValueFile(content, lookUp);
  } catch (cause) {
    const text = messageOf(cause);
    throw new Failure({
      message: text.startsWith("open ") ? text : `invalid env file (${path}): ${text}`,
      exitCode: 125,
      cause,
    });
  }
}

/**
 * Parses a file of K=V lines. Values are literal: quotes and spaces stay.
 *
 * @param lookUp gives the value of a name without "="; undefined leaves the line out
 * @throws Error telling what is wrong with which line
 * @example parseKeyValueFile("# comment\nA='b'\n", () => undefined) // ["A='b'"]
 */
export function parseKeyValueFile(
  content: string,
  lookUp: (name: string) => string | undefined,
): string[] {
  const lines = content.replace(/^\uFEFF/, "").split(/\r?\n/);
  return lines.flatMap((raw) => {
    const line = raw.trimStart();
    if (line === "" || line.startsWith("#")) return [];
    const at = line.indexOf("=");
    const name = at === -1 ? line.trimEnd() : line.slice(0, at);
    if (name === "") throw new Error(`no variable name on line '${line}'`);
    if (/\s/.test(name)) throw new Error(`variable '${name}' contains whitespaces`);
    if (at !== -1) return [line];
    const value = lookUp(name);
    return value === undefined ? [] : [`${name}=${value}`];
  });
}
