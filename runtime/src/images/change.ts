/**
 * Change: one line of a Dockerfile, applied to what an image runs with.
 *
 * `docker commit --change` takes the instructions that only change the configuration. Each is a
 * word and what it sets; lists may be JSON, as in a Dockerfile.
 *
 * Kernel interface: none.
 * Specification: Dockerfile reference; docker commit reference, "--change".
 * Invariants: none.
 * Left out: variables in values; escapes other than a backslash before a space or quote.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { nearest, RuntimeError } from "../errors/index.ts";
import { parseDurationNs } from "../wire/index.ts";
import type { ImageRunConfig } from "./oci.ts";

type Apply = (config: ImageRunConfig, text: string) => ImageRunConfig;

const APPLY: Readonly<Record<string, Apply>> = {
  CMD: (config, text) => ({ ...config, Cmd: commandOf(text) }),
  ENTRYPOINT: (config, text) => ({ ...config, Entrypoint: commandOf(text) }),
  ENV: (config, text) => ({ ...config, Env: withEnv(config.Env ?? [], pairsOf("ENV", text)) }),
  LABEL: (config, text) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(pairsOf("LABEL", text)) },
  }),
  EXPOSE: (config, text) => ({
    ...config,
    ExposedPorts: { ...config.ExposedPorts, ...keysOf(wordsOf(text).map(portOf)) },
  }),
  VOLUME: (config, text) => ({
    ...config,
    Volumes: { ...config.Volumes, ...keysOf(listOf(text) ?? wordsOf(text)) },
  }),
  USER: (config, text) => ({ ...config, User: text }),
  WORKDIR: (config, text) => ({ ...config, WorkingDir: directoryOf(config.WorkingDir, text) }),
  STOPSIGNAL: (config, text) => ({ ...config, StopSignal: text }),
  HEALTHCHECK: (config, text) => ({ ...config, Healthcheck: healthOf(text) }),
  ONBUILD: (config, text) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), triggerOf(text)] }),
};

const WHICH = `Changes are ${Object.keys(APPLY).join(", ")}, each with what it sets.`;

/**
 * Applies one instruction. Pure.
 *
 * @throws RuntimeError request-invalid for what is no such instruction
 * @example applyChange({}, "CMD [\"sleep\", \"1\"]").Cmd // ["sleep", "1"]
 */
export function applyChange(config: ImageRunConfig, line: string): ImageRunConfig {
  const [, word = "", text = ""] = /^\s*([A-Za-z]+)(?:\s+(.*?))?\s*$/su.exec(line) ?? [];
  const name = word.toUpperCase();
  const apply = Object.hasOwn(APPLY, name) ? APPLY[name] : undefined;
  if (apply === undefined)
    throw refused(`${word || line} is not a valid change command`, remedyFor(name));
  if (text === "" && !MAY_BE_EMPTY.has(name)) {
    throw refused(`${name} requires at least one argument`);
  }
  return apply(config, text);
}

/** Nothing is what these may set: no command at all. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(["CMD", "ENTRYPOINT"]);

/**
 * What an instruction does that its writer hardly meant; undefined when nothing speaks for that.
 * Pure.
 *
 * @example adviseChange("CMD [\"ls -l\"]")
 * // 'CMD ["ls -l"] is one program with spaces in its name. Separate words: ["ls","-l"]'
 */
export function adviseChange(line: string): string | undefined {
  const found = /^\s*(CMD|ENTRYPOINT)\s+(\[.*?)\s*$/isu.exec(line);
  if (found === null) return undefined;
  const [, name = "", text = ""] = found;
  const list = listOf(text);
  const what = `${name.toUpperCase()} ${text}`;
  return list === undefined ? adviseNoList(what, text) : adviseList(what, list);
}

/** `[ -f x ] && …` is a line for the shell, and meant to be one. */
function adviseNoList(what: string, text: string): string | undefined {
  if (!/["',]/u.test(text)) return undefined;
  return (
    `${what} looks like a list but is no JSON, so a shell will read it as a line: ` +
    "put double quotes around each word, commas between, and a bracket at the end."
  );
}

function adviseList(what: string, list: readonly string[]): string | undefined {
  const words = list.length === 1 ? (list[0] ?? "").trim().split(/\s+/u) : [];
  if (words.length < 2) return undefined;
  return `${what} is one program with spaces in its name. Separate words: ${JSON.stringify(words)}`;
}

/** For what belongs in a Dockerfile but is no change, and for what was mistyped. */
function remedyFor(name: string): string {
  if (name === "MAINTAINER")
    return "MAINTAINER is deprecated: LABEL maintainer=NAME says the same.";
  if (["RUN", "COPY", "ADD"].includes(name)) {
    return `${name} makes files: make them in the container, by exec or cp, before the commit.`;
  }
  const meant = nearest(name, Object.keys(APPLY));
  return `${meant === undefined ? "" : `Did you mean ${meant}? `}${WHICH}`;
}

function refused(message: string, hint = WHICH): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message,
    operation: "change image",
    hint,
  });
}

/** JSON as it is; anything else is a line for the shell. */
function commandOf(text: string): readonly string[] {
  return listOf(text) ?? (text === "" ? [] : ["/bin/sh", "-c", text]);
}

/** `[--interval=30s …] CMD command`, or `NONE`: the parent's check is no longer wanted. */
function healthOf(text: string): NonNullable<ImageRunConfig["Healthcheck"]> {
  const [, options = "", kind = "", command = ""] = HEALTHCHECK.exec(text) ?? [];
  const type = kind.toUpperCase();
  if (type === "CMD") return checkOf(options, command);
  if (type !== "NONE") {
    throw refused(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  }
  if (command + options !== "") throw refused("HEALTHCHECK NONE takes no arguments");
  return { Test: ["NONE"] };
}

const HEALTHCHECK = /^((?:--\S+\s+)*)(\S*)\s*(.*)$/su;

function checkOf(options: string, command: string): NonNullable<ImageRunConfig["Healthcheck"]> {
  if (command === "") throw refused("Missing command after HEALTHCHECK CMD");
  const list = listOf(command);
  const Test = list === undefined ? ["CMD-SHELL", command] : ["CMD", ...list];
  const words = options.split(/\s+/u).filter((word) => word !== "");
  return Object.assign({ Test }, ...words.map(healthOption));
}

/** The option of HEALTHCHECK, and the field that it sets. */
const HEALTH_OPTIONS: Readonly<Record<string, string>> = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
  retries: "Retries",
};

function healthOption(word: string): Readonly<Record<string, number>> {
  const [, name = "", value = ""] = /^--([a-z-]+)=(.+)$/u.exec(word) ?? [];
  const field = HEALTH_OPTIONS[name];
  if (field === undefined) throw refused(`Unknown flag: ${word.replace(/=.*/u, "")}`);
  const number = field === "Retries" ? Number(value) : nanosecondsOf(value);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw refused(`HEALTHCHECK: invalid --${name} ${JSON.stringify(value)}`);
  }
  return { [field]: number };
}

/** NaN for what is none. */
function nanosecondsOf(text: string): number {
  try {
    return parseDurationNs(text);
  } catch {
    return Number.NaN;
  }
}

/** What a build that stands on the image does first. */
function triggerOf(text: string): string {
  const word = /^\S+/u.exec(text)?.[0].toUpperCase() ?? "";
  if (word === "ONBUILD") throw refused("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (word === "FROM" || word === "MAINTAINER") {
    throw refused(`${word} isn't allowed as an ONBUILD trigger`);
  }
  return text;
}

function listOf(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((each) => typeof each === "string");
    return isList ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Words apart, quotes removed. */
function wordsOf(text: string): readonly string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/gsu) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gsu, (_, double, single, escaped) =>
      String(double ?? single ?? escaped).replace(/\\(["\\$])/gu, "$1"),
    ),
  );
}

/** `A=1 B="2 3"`, or the old form `A all the rest`. */
function pairsOf(instruction: string, text: string): readonly (readonly [string, string])[] {
  const words = wordsOf(text);
  const [first = ""] = words;
  if (!first.includes("=")) {
    const value = text.slice(text.search(/\s|$/u)).trim();
    if (value === "" || first === "") throw refused(`${instruction} must have two arguments`);
    return [[first, value]];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at < 1) throw refused(`Syntax error - can't find = in "${word}"`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

function withEnv(
  before: readonly string[],
  pairs: readonly (readonly [string, string])[],
): readonly string[] {
  const env = new Map(before.map((line) => [line.split("=", 1)[0] ?? "", line]));
  for (const [name, value] of pairs) env.set(name, `${name}=${value}`);
  return [...env.values()];
}

function portOf(text: string): string {
  if (!/^\d{1,5}(?:-\d{1,5})?(?:\/(?:tcp|udp|sctp))?$/iu.test(text)) {
    throw refused(`invalid containerPort: ${text}`);
  }
  return text.includes("/") ? text.toLowerCase() : `${text}/tcp`;
}

function keysOf(names: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function directoryOf(before: string | undefined, text: string): string {
  const path = text.startsWith("/") ? text : `${before ?? ""}/${text}`;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
