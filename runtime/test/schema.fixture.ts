/**
 * Schema: checks JSON answers against the Docker Engine API's own description.
 *
 * The description is Swagger 2.0: a JSON schema of its time with `x-nullable`. What Docker itself
 * does not keep to is not held against us: Go writes an empty list as null, so null passes for
 * lists and maps; and two integers that are not known yet are null.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";

const file = fileURLToPath(
  new URL("../../../shared/vectors/engine-api-1.50.yaml", import.meta.url),
);

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly "x-nullable"?: boolean;
}

interface Response {
  readonly schema?: Schema;
}

interface Description {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>
    >
  >;
  readonly definitions: Readonly<Record<string, Schema>>;
  readonly responses?: Readonly<Record<string, Response>>;
}

/** Why answers cannot be checked here, or null. */
export function whyNoSchema(): string | null {
  return existsSync(file)
    ? null
    : "shared/vectors/engine-api-1.50.yaml is not beside the repository";
}

let description: Description | undefined;

/** What is wrong with an answer, as `path: fault`; empty when nothing is. */
export function faultsOf(answer: unknown, route: string, status = 200): readonly string[] {
  description ??= parse(readFileSync(file, "utf8")) as Description; // the file's form is checked by use
  const [method = "", path = ""] = route.split(" ");
  const response = description.paths[path]?.[method.toLowerCase()]?.responses[String(status)];
  if (response?.schema === undefined) throw new Error(`The schema has no ${route} with ${status}`);
  return check(answer, response.schema, "answer", description.definitions);
}

/**
 * Checks an answer to any request; null when Docker's description says nothing of such an answer.
 *
 * @param url path and query of the request, with or without a version
 */
export function checkAnswer(
  method: string,
  url: string,
  status: number,
  body: string,
): { readonly route: string; readonly faults: readonly string[] } | null {
  description ??= parse(readFileSync(file, "utf8")) as Description; // the file's form is checked by use
  const template = templateOf(url, description.paths);
  // Events and statistics follow each other without an end.
  if (template === undefined || /^\/events$|\/stats$/.test(template)) return null;
  const route = `${method} ${template}`;
  const known = description.paths[template]?.[method.toLowerCase()]?.responses[String(status)];
  if (known?.schema === undefined) return null;
  try {
    return { route, faults: faultsOf(JSON.parse(body), route, status) };
  } catch (error) {
    return { route, faults: [`answer: ${String(error)}`] };
  }
}

/** "/containers/{id}/json" for "/v1.50/containers/web/json?size=1"; the most literal that fits. */
function templateOf(url: string, paths: Description["paths"]): string | undefined {
  const path = (url.split("?")[0] ?? "").replace(/^\/v[\d.]+(?=\/)/, "");
  return Object.keys(paths)
    .toSorted((a, b) => a.split("{").length - b.split("{").length)
    .find((each) => new RegExp(`^${each.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`).test(path));
}

type Definitions = Description["definitions"];

/** One value on its way through the schema. */
interface Checked {
  readonly value: unknown;
  readonly at: string;
}

function check(value: unknown, schema: Schema, at: string, all: Definitions): readonly string[] {
  if (schema.$ref !== undefined) {
    const target = all[schema.$ref.replace("#/definitions/", "")];
    if (target === undefined) throw new Error(`The schema has no ${schema.$ref}`);
    return value === null && schema["x-nullable"] === true ? [] : check(value, target, at, all);
  }
  if (schema.allOf !== undefined)
    return schema.allOf.flatMap((part) => check(value, part, at, all));
  return checkValue({ value, at }, schema, all);
}

function checkValue({ value, at }: Checked, schema: Schema, all: Definitions): readonly string[] {
  const type = typeOf(schema);
  if (type === undefined || (value === null && mayBeNull(schema))) return [];
  if (!hasType(value, type)) return [`${at}: ${JSON.stringify(value)} is not ${type}`];
  if (schema.enum !== undefined && !schema.enum.some((one) => isDeepStrictEqual(one, value))) {
    return [`${at}: ${JSON.stringify(value)} is none of ${JSON.stringify(schema.enum)}`];
  }
  if (type === "array") return checkItems({ value, at }, schema, all);
  return type === "object" ? checkObject({ value, at }, schema, all) : [];
}

function typeOf({ type, properties }: Schema): string | undefined {
  return type ?? (properties === undefined ? undefined : "object");
}

function mayBeNull({ type, additionalProperties, "x-nullable": nullable }: Schema): boolean {
  return nullable === true || type === "array" || additionalProperties !== undefined;
}

function hasType(value: unknown, type: string): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "object")
    return typeof value === "object" && value !== null && !Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

function checkItems({ value, at }: Checked, schema: Schema, all: Definitions): readonly string[] {
  const { items } = schema;
  if (items === undefined || !Array.isArray(value)) return [];
  return value.flatMap((item, index) => check(item, items, `${at}[${index}]`, all));
}

/** Where Docker answers null and its description does not say so. */
const NULL_IN_DOCKER = new Set(["MemorySwappiness", "ExitCode"]);

function checkObject({ value, at }: Checked, schema: Schema, all: Definitions): readonly string[] {
  const object = value as Record<string, unknown>; // hasType said so
  const missing = (schema.required ?? [])
    .filter((key) => !(key in object))
    .map((key) => `${at}.${key}: missing`);
  const wrong = Object.entries(object).flatMap(([key, inner]) => {
    const { additionalProperties: others } = schema;
    const known = schema.properties?.[key] ?? (typeof others === "object" ? others : undefined);
    if (inner === null && NULL_IN_DOCKER.has(key)) return [];
    return known === undefined ? [] : check(inner, known, `${at}.${key}`, all);
  });
  return [...missing, ...wrong];
}
