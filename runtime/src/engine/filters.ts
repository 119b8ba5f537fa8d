/**
 * Filters: which containers a list shows.
 *
 * Values of one filter are alternatives (labels alone must all hold); different filters must all
 * hold. A filter that is not known is refused: an answer that silently ignores a condition is wrong
 * in the way that deletes things.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, ContainerList, "filters".
 * Invariants: none.
 * Left out: `isolation`, which means something on Windows only, matches every container.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { Filters } from "./engine.ts";
import type { Definition, History } from "./record.ts";

/** A port as the list of containers shows it. */
export interface PortSummary {
  readonly PrivatePort: number;
  /** Of the host; absent: not published. */
  readonly PublicPort?: number;
  readonly Type: string;
}

/** What a filter may look at. */
export interface Filterable {
  readonly definition: Definition;
  readonly history: History;
  /** Volume names and mount points. */
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  /** Those of a running container: what is not there now cannot be reached. */
  readonly ports: readonly PortSummary[];
  /** `none` without a check, or when it does not run. */
  readonly health: string;
}

/** What a filter may ask besides: both throw RuntimeError when there is no such thing. */
export interface FilterContext {
  readonly findContainer: (reference: string) => Filterable;
  /** Image id, or null when there is no such image. */
  readonly findImage: (reference: string) => string | null;
}

type Test = (container: Filterable) => boolean;
type Compile = (values: readonly string[], context: FilterContext) => Test;

const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const HEALTHS = ["none", "starting", "healthy", "unhealthy"];

const COMPILERS: Readonly<Record<string, Compile>> = {
  id: (values) => {
    const patterns = values.map((value) => patternOf(value));
    return ({ definition }) => patterns.some((pattern) => pattern.test(definition.id));
  },
  name: (values) => {
    const patterns = values.map((value) => patternOf(value.replace(/^\//u, "")));
    return ({ definition }) =>
      patterns.some((p) => p.test(definition.name) || p.test(`/${definition.name}`));
  },
  label: (values) => (container) =>
    values.every((value) => hasLabel(container.definition.config.Labels, value)),
  status: (values) => {
    const unknown = values.find((value) => !STATUSES.includes(value));
    if (unknown !== undefined) throw invalid("status", `invalid filter 'status=${unknown}'`);
    return ({ history }) => values.includes(history.state.status);
  },
  exited: (values) => {
    const codes = values.map((value) => integerOf("exited", value));
    return ({ history: { state } }) =>
      state.status === "exited" && codes.includes(state.ended.exitCode);
  },
  ancestor: (values, { findImage }) => {
    const ids = new Set(values.map((value) => findImage(value)));
    return ({ definition }) => ids.has(definition.imageId);
  },
  before: (values, { findContainer }) => {
    const limits = values.map((value) => findContainer(value).definition.createdAtMs);
    return ({ definition }) => limits.every((limit) => definition.createdAtMs < limit);
  },
  since: (values, { findContainer }) => {
    const limits = values.map((value) => findContainer(value).definition.createdAtMs);
    return ({ definition }) => limits.every((limit) => definition.createdAtMs > limit);
  },
  health: (values) => {
    const unknown = values.find((value) => !HEALTHS.includes(value));
    if (unknown !== undefined) {
      throw invalid("health", `Unrecognised filter value for health: ${unknown}`);
    }
    return ({ health }) => values.includes(health);
  },
  "is-task": (values) => {
    const wanted = values.map((value) => booleanOf("is-task", value));
    return () => wanted.includes(false);
  },
  isolation: () => () => true,
  publish: (values) => portTest("publish", values, ({ PublicPort }) => PublicPort),
  expose: (values) => portTest("expose", values, ({ PrivatePort }) => PrivatePort),
  network: (values) => (container) => container.networks.some((name) => values.includes(name)),
  volume: (values) => (container) => container.volumes.some((name) => values.includes(name)),
};

/**
 * Turns filters into one test.
 *
 * @throws RuntimeError filter-invalid for an unknown filter or a value that cannot be, in Docker's
 * words; container-not-found for `before` and `since`
 * @example compileFilters({ status: ["running"] }, context)
 */
export function compileFilters(filters: Filters, context: FilterContext): Test {
  const tests = Object.entries(filters)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => {
      const compile = Object.hasOwn(COMPILERS, name) ? COMPILERS[name] : undefined;
      if (compile === undefined) throw invalid(name, `invalid filter '${name}'`);
      return compile(values, context);
    });
  return (container) => tests.every((test) => test(container));
}

/**
 * Whether labels satisfy `key` or `key=value`.
 *
 * @example hasLabel({ a: "1" }, "a=1") // true
 */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  if (!Object.hasOwn(labels, key)) return false;
  return equals < 0 || labels[key] === wanted.slice(equals + 1);
}

/** A filter's value is a regular expression; one that is not is taken literally, as Docker does. */
function patternOf(value: string): RegExp {
  try {
    return new RegExp(value, "u");
  } catch {
    return new RegExp(value.replace(/[^\w]/gu, "\\$&"), "u");
  }
}

function portTest(
  filter: string,
  values: readonly string[],
  numberOf: (port: PortSummary) => number | undefined,
): Test {
  const wanted = new Set(values.flatMap((value) => portsIn(filter, value)));
  return ({ ports }) => ports.some((port) => wanted.has(`${numberOf(port)}/${port.Type}`));
}

/** `80`, `80/udp` or `80-82/tcp` as single ports. */
function portsIn(filter: string, value: string): readonly string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/u.exec(value);
  if (match === null) throw invalid(filter, `invalid filter '${filter}=${value}'`);
  const [, first = "0", last = first, protocol = "tcp"] = match;
  const count = Math.min(65_535, Number(last)) - Number(first) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => `${Number(first) + i}/${protocol}`);
}

function integerOf(filter: string, value: string): number {
  if (!/^-?\d+$/u.test(value)) throw invalid(filter, `invalid filter '${filter}=${value}'`);
  return Number(value);
}

function booleanOf(filter: string, value: string): boolean {
  if (["1", "true", "True"].includes(value)) return true;
  if (["0", "false", "False"].includes(value)) return false;
  throw invalid(filter, `invalid filter '${filter}=${value}'`);
}

function invalid(filter: string, message: string): RuntimeError {
  return new RuntimeError({
    code: "filter-invalid",
    class: "invalid",
    message,
    operation: "list containers",
    subject: filter,
    hint: `Filters of containers are ${Object.keys(COMPILERS).join(", ")}.`,
  });
}
