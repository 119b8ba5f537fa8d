/**
 * Configuration file: the daemon's options as JSON, under dockerd's keys.
 *
 * A file and the command line may not say the same thing twice: whoever reads one of them would be
 * misled. And a key that nobody knows is refused, since it is most often a slip of the pen.
 *
 * Kernel interface: open(2), read(2).
 * Specification: none; dockerd reference, "Daemon configuration file".
 * Invariants: none.
 * Left out: keys of dockerd without a flag (features, builder, proxies, runtimes).
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { OPTIONS, invalid, type Given, type OptionKind } from "./flags.ts";

/** Where the file is when nobody says it; there it may be missing. */
export const DEFAULT_CONFIG_FILE = "/etc/drydock/daemon.json";

/**
 * Reads the options of a file.
 *
 * @param text of the file; only spaces are as good as no file
 * @param flags what the command line said
 * @throws RuntimeError request-invalid when the file is no JSON, has keys or values that no option
 *   has, or says what a flag says
 */
export function readConfig(path: string, text: string, flags: readonly Given[]): readonly Given[] {
  const file = parseObject(path, text);
  const known = new Map(
    Object.entries(OPTIONS)
      .filter(([, { flagOnly }]) => flagOnly !== true)
      .map(([name, { key, kind }]) => [key ?? name, { name, kind }]),
  );
  const unknown = Object.keys(file).filter((key) => !known.has(key));
  if (unknown.length > 0) {
    const keys = unknown.join(", ");
    throw badFile(path, `the following directives don't match any configuration option: ${keys}`);
  }
  const given = Object.entries(file).flatMap(([key, value]) => {
    const option = known.get(key);
    if (option === undefined) return [];
    const values = valuesOf(option.kind, value);
    if (values === null) throw badFile(path, `${key}: expected ${FORMS[option.kind]}`);
    return values.map((each) => ({ name: option.name, value: each, key }));
  });
  refuseConflicts(path, given, flags);
  return given.map(({ name, value }) => ({ name, value }));
}

const FORMS: Readonly<Record<OptionKind, string>> = {
  switch: "true or false",
  text: "a text",
  list: "a list of texts",
  map: "an object of texts",
};

function parseObject(path: string, text: string): Readonly<Record<string, unknown>> {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    // An object's fields are looked at one by one.
    if (isObject(value)) return value;
  } catch (cause) {
    throw badFile(path, cause instanceof Error ? cause.message : String(cause));
  }
  throw badFile(path, "expected an object");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An option's values as a command line would give them; null when it has another form. */
function valuesOf(kind: OptionKind, value: unknown): readonly string[] | null {
  if (kind === "switch") return typeof value === "boolean" ? [String(value)] : null;
  if (kind === "text") return ["string", "number"].includes(typeof value) ? [String(value)] : null;
  if (kind === "list") return Array.isArray(value) ? textsOf(value) : null;
  if (!isObject(value)) return null;
  const texts = textsOf(Object.values(value));
  return texts === null
    ? null
    : Object.keys(value).map((key, index) => `${key}=${texts[index] ?? ""}`);
}

/** Lists of objects belong to options that change nothing here; what is in them does not matter. */
function textsOf(values: readonly unknown[]): readonly string[] | null {
  return values.every((each) => ["string", "object"].includes(typeof each))
    ? values.map((each) => (typeof each === "string" ? each : JSON.stringify(each)))
    : null;
}

function refuseConflicts(
  path: string,
  file: readonly (Given & { readonly key: string })[],
  flags: readonly Given[],
): void {
  const valuesIn = (given: readonly Given[], name: string): string => {
    const values = given.filter((each) => each.name === name).map(({ value }) => value);
    return ["list", "map"].includes(OPTIONS[name]?.kind ?? "")
      ? `[${values.join(" ")}]`
      : (values.at(-1) ?? "");
  };
  const twice = file.filter(({ name }) => flags.some((flag) => flag.name === name));
  if (twice.length === 0) return;
  const conflicts = new Set(
    twice.map(
      ({ name, key }) =>
        `${key}: (from flag: ${valuesIn(flags, name)}, from file: ${valuesIn(file, name)})`,
    ),
  );
  throw badFile(
    path,
    "the following directives are specified both as a flag and in the configuration file: " +
      [...conflicts].join(", "),
    "Say each of them in one place only.",
  );
}

function badFile(path: string, why: string, hint?: string): Error {
  return invalid(`unable to configure the daemon with file ${path}: ${why}`, hint);
}
