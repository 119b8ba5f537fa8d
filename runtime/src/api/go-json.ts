/**
 * Go JSON: reads a body the way Docker's own server would.
 *
 * The Docker API is defined by how Go's `encoding/json` fills a struct: a missing field and a
 * null are the type's empty value, keys match in any case, unknown keys are ignored, a list of
 * words may be one word. Clients rely on all of it. The schemas below say this once; the ones
 * that describe bodies are then lists of fields, and what comes out of them is complete.
 *
 * Kernel interface: none.
 * Specification: Go, encoding/json, "Unmarshal"; Docker Engine API v1.50.
 * Invariants: none.
 * Left out: whole numbers above 2^53 lose their last digits; no limit of Docker's is that fine.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import * as v from "valibot";
import { RuntimeError } from "../errors/index.ts";
import { invalidRequest } from "./failure.ts";

/** No path, name or argument can hold a zero byte: it is where the kernel takes a text to end. */
const withoutZero = v.check((given: string) => !given.includes("\0"), "a text without zero bytes");

/** A text; missing or null is the empty one. */
export const text = (whenMissing = "") => v.nullish(v.pipe(v.string(), withoutZero), whenMissing);

/** A truth value; missing or null is false. */
export const flag = () => v.nullish(v.boolean(), false);

/** A whole number; missing or null is 0. */
export const whole = () => v.nullish(v.pipe(v.number(), v.integer()), 0);

/** A whole number or nothing. */
export const wholeOrNull = () => v.nullish(v.pipe(v.number(), v.integer()), null);

/** A list; missing or null is the empty one. */
export const list = <S extends v.GenericSchema>(item: S) => v.nullish(v.array(item), []);

/** A list of words, or one word, or nothing: Docker's `Cmd` and `Entrypoint`. */
export const words = () =>
  v.nullish(
    v.lazy((input) =>
      typeof input === "string"
        ? v.pipe(
            v.string(),
            withoutZero,
            v.transform((word) => [word]),
          )
        : v.array(text()),
    ),
    null,
  );

/** A map from text; missing or null is the empty one. */
export const map = <S extends v.GenericSchema>(item: S) =>
  v.nullish(v.record(v.string(), item), {});

/**
 * An object whose keys match in any case; others are dropped; null and missing is all defaults.
 */
export function fields<E extends v.ObjectEntries>(entries: E) {
  const canonical = new Map(Object.keys(entries).map((key) => [key.toLowerCase(), key]));
  const object = v.pipe(
    v.custom<Record<string, unknown>>(isPlainObject),
    v.transform((input) => withCanonicalKeys(input, canonical)),
    v.object(entries),
  );
  return v.nullish(object, {});
}

/** Like `fields`, but null and missing stay null. */
export function fieldsOrNull<E extends v.ObjectEntries>(entries: E) {
  return v.nullish(fields(entries).wrapped, null);
}

function isPlainObject(input: unknown): boolean {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}

function withCanonicalKeys(
  input: Readonly<Record<string, unknown>>,
  canonical: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const output: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(input)) {
    const name = canonical.get(key.toLowerCase());
    // The exact spelling wins over another one of the same key.
    if (name !== undefined && (key === name || !(name in output))) output[name] = value;
  }
  return output;
}

/**
 * Reads a request's body as JSON.
 *
 * @param whenEmpty what an empty body stands for; without it an empty body is an error
 * @throws RuntimeError json-invalid when it is not JSON; request-invalid when it does not claim
 *   to be
 */
export async function readJson(request: Request, whenEmpty?: unknown): Promise<unknown> {
  const body = (await request.text()).trim();
  if (body === "") {
    if (whenEmpty === undefined) throw invalidJson("got EOF while reading request body");
    return whenEmpty;
  }
  checkContentType(request.headers.get("content-type"));
  return parse(body);
}

function checkContentType(contentType: string | null): void {
  const mediaType = (contentType ?? "").split(";")[0]?.trim().toLowerCase();
  if (mediaType === "application/json") return;
  throw invalidRequest(
    `unsupported Content-Type header (${contentType ?? ""}): must be 'application/json'`,
  );
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw invalidJson(cause instanceof Error ? cause.message : "not JSON", cause);
  }
}

/**
 * Fills a schema from parsed JSON.
 *
 * @throws RuntimeError json-invalid naming the field, what was expected and what came
 */
export function validate<S extends v.GenericSchema>(schema: S, input: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  throw invalidJson(describeIssue(result.issues[0]));
}

const EXPECTATIONS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a whole number",
  integer: "a whole number",
  boolean: "true or false",
  array: "a list",
  record: "an object",
  custom: "an object",
};

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const where = v.getDotPath(issue);
  const said = issue.type === "check" ? issue.message : EXPECTATIONS[issue.type];
  const came = JSON.stringify(issue.input) ?? "nothing";
  const received = came.length > 60 ? `${came.slice(0, 57)}...` : came;
  return `${where === null ? "" : `${where}: `}expected ${said ?? issue.message}, got ${received}`;
}

function invalidJson(what: string, cause?: unknown): RuntimeError {
  return new RuntimeError({
    code: "json-invalid",
    class: "invalid",
    message: `invalid JSON: ${what}`,
    cause,
  });
}
