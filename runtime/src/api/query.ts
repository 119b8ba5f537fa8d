/**
 * Query: the options behind the question mark, as leniently as Docker reads them.
 *
 * Clients disagree: the docker CLI writes a boolean as `1`, dockerode as `true`, docker-py as
 * `True`; a filter's values come as a list or as the keys of a map. We read all of them. An option
 * given twice counts once, unknown options count nothing.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, query parameters.
 * Invariants: none.
 * Left out: options in a form body, which Go's server would read too and no client sends.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import type { Filters } from "../engine/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { invalidRequest } from "./failure.ts";

const FALSE_WORDS = new Set(["", "0", "no", "false", "none"]);

/** Options of one request by name. */
export type Query = URLSearchParams;

/**
 * A boolean: everything but an empty text and `0`, `no`, `false`, `none` in any case is true.
 *
 * @example readBoolean(new URLSearchParams("all=True"), "all") // true
 */
export function readBoolean(query: Query, name: string, whenMissing = false): boolean {
  const text = query.get(name);
  if (text === null) return whenMissing;
  return !FALSE_WORDS.has(text.trim().toLowerCase());
}

/**
 * A whole number, or null when the option is missing or empty.
 *
 * @throws RuntimeError request-invalid when it is something else
 */
export function readWholeNumber(query: Query, name: string): number | null {
  const text = query.get(name)?.trim() ?? "";
  if (text === "") return null;
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw invalidRequest(`invalid value for "${name}": expected a whole number, got "${text}"`);
  }
  return value;
}

/**
 * A moment as seconds since the epoch with up to nine decimals, in milliseconds; or null.
 *
 * @throws RuntimeError request-invalid when it is something else
 * @example readMomentMs(new URLSearchParams("since=1700000000.5"), "since") // 1700000000500
 */
export function readMomentMs(query: Query, name: string): number | null {
  const text = query.get(name)?.trim() ?? "";
  if (text === "") return null;
  if (/^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text))) return Date.parse(text);
  if (!/^-?\d+(\.\d{1,9})?$/.test(text)) {
    throw invalidRequest(
      `invalid value for "${name}": expected seconds since 1970, got "${text}"`,
      "Write the moment as a UNIX time like 1700000000 or as RFC 3339 like 2026-01-31T12:00:00Z.",
    );
  }
  const [seconds = "", fraction = "0"] = text.split(".");
  // As a log's times are read: who gives one of them back means that very line.
  const fractionMs = Number(`0.${fraction}`) * 1000;
  return Number(seconds) * 1000 + (seconds.startsWith("-") ? -fractionMs : fractionMs);
}

/**
 * Filters from either of Docker's encodings: `{"name":["a"]}` or `{"name":{"a":true}}`.
 *
 * @throws RuntimeError filter-invalid when it is neither
 * @example readFilters(new URLSearchParams('filters={"label":{"a=b":true}}')) // { label: ["a=b"] }
 */
export function readFilters(query: Query): Filters {
  const text = query.get("filters") ?? "";
  if (text === "") return {};
  const parsed = parseFilters(text);
  return Object.fromEntries(
    Object.entries(parsed).map(([name, values]) => [name, filterValues(name, values)]),
  );
}

function parseFilters(text: string): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalidFilter(`invalid filters: ${text} is not JSON`, cause);
  }
  if (parsed === null) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    throw invalidFilter(`invalid filters: expected an object, got ${text}`);
  }
  return parsed;
}

function filterValues(name: string, values: unknown): readonly string[] {
  if (values === null) return [];
  if (Array.isArray(values) && values.every((value) => typeof value === "string")) return values;
  if (typeof values === "object" && !Array.isArray(values)) return Object.keys(values);
  throw invalidFilter(
    `invalid filters: "${name}" must be a list of texts or a map from text to true, ` +
      `got ${JSON.stringify(values)}`,
  );
}

function invalidFilter(message: string, cause?: unknown): RuntimeError {
  return new RuntimeError({ code: "filter-invalid", class: "invalid", message, cause });
}
