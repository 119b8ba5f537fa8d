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

import { RuntimeError } from "../errors/index.ts";
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
};

/**
 * Applies one instruction. Pure.
 *
 * @throws RuntimeError request-invalid for what is no such instruction
 * @example applyChange({}, "CMD [\"sleep\", \"1\"]").Cmd // ["sleep", "1"]
 */
export function applyChange(config: ImageRunConfig, line: string): ImageRunConfig {
  const [, word = "", text = ""] = /^\s*([A-Za-z]+)\s+(.*?)\s*$/su.exec(line) ?? [];
  const name = word.toUpperCase();
  const apply = Object.hasOwn(APPLY, name) ? APPLY[name] : undefined;
  if (apply === undefined || text === "") throw refused(`${word || line} is not a valid change`);
  return apply(config, text);
}

function refused(message: string): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message,
    operation: "change image",
    hint: `Changes are ${Object.keys(APPLY).join(", ")}, each with what it sets.`,
  });
}

/** JSON as it is; anything else is a line for the shell. */
function commandOf(text: string): readonly string[] {
  return listOf(text) ?? ["/bin/sh", "-c", text];
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
