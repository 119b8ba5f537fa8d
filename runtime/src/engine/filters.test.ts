import { expect, test } from "vitest";
import { RuntimeError } from "../errors/index.ts";
import { PLAIN_CONFIG, PLAIN_HOST_CONFIG } from "../container/plan.fixture.ts";
import { compileFilters, hasLabel } from "./filters.ts";
import type { Filterable } from "./filters.ts";
import { NEW_HISTORY } from "./record.ts";

const container: Filterable = {
  definition: {
    id: "abc123",
    name: "web",
    createdAtMs: 100,
    imageId: "sha256:1",
    config: {
      ...PLAIN_CONFIG,
      Labels: { app: "shop", "a.b": "" },
      ExposedPorts: { "80/tcp": {}, "53/udp": {} },
    },
    hostConfig: { ...PLAIN_HOST_CONFIG, PortBindings: { "8080/tcp": [] } },
    networkingConfig: {},
    layers: [],
  },
  history: {
    ...NEW_HISTORY,
    state: {
      status: "exited",
      ended: { startedAtMs: 1, finishedAtMs: 2, exitCode: 3, oomKilled: false, error: "" },
    },
  },
  health: "none",
  ports: [
    { PrivatePort: 80, Type: "tcp", PublicPort: 8080 },
    { PrivatePort: 53, Type: "udp" },
  ],
  volumes: ["/data"],
  networks: ["none"],
};
const other: Filterable = {
  ...container,
  definition: { ...container.definition, createdAtMs: 50 },
};
const context = {
  findContainer: () => other,
  findImage: (reference: string) => (reference === "busybox" ? "sha256:1" : null),
};

test.each([
  [{}, true],
  [{ id: ["abc"] }, true],
  [{ id: ["xyz"] }, false],
  [{ id: ["xyz", "abc"] }, true],
  [{ name: ["eb"] }, true],
  [{ name: ["^/web$"] }, true],
  [{ name: ["^w$"] }, false],
  [{ name: ["w("] }, false],
  [{ label: ["app"] }, true],
  [{ label: ["app=shop", "a.b="] }, true],
  [{ label: ["app=shop", "missing"] }, false],
  [{ status: ["running", "exited"] }, true],
  [{ status: ["running"] }, false],
  [{ exited: ["3"] }, true],
  [{ exited: ["0"] }, false],
  [{ ancestor: ["busybox"] }, true],
  [{ ancestor: ["nothing"] }, false],
  [{ before: ["other"] }, false],
  [{ since: ["other"] }, true],
  [{ health: ["none"] }, true],
  [{ health: ["healthy"] }, false],
  [{ "is-task": ["false"] }, true],
  [{ "is-task": ["true"] }, false],
  [{ publish: ["8080"] }, true],
  [{ publish: ["80"] }, false],
  [{ expose: ["79-81/tcp"] }, true],
  [{ expose: ["53/udp"] }, true],
  [{ network: ["none"] }, true],
  [{ volume: ["/data"] }, true],
  [{ volume: ["/other"] }, false],
  [{ name: ["web"], status: ["running"] }, false],
])("compileFilters(%j) gives %s", (filters, expected) => {
  expect(compileFilters(filters as Record<string, string[]>, context)(container)).toBe(expected);
});

test.each([
  [{ color: ["red"] }, "invalid filter 'color'"],
  [{ constructor: ["red"] }, "invalid filter 'constructor'"],
  [{ status: ["sleeping"] }, "invalid filter 'status=sleeping'"],
  [{ health: ["good"] }, "Unrecognised filter value for health: good"],
  [{ exited: ["none"] }, "invalid filter 'exited=none'"],
  [{ publish: ["http"] }, "invalid filter 'publish=http'"],
  [{ "is-task": ["maybe"] }, "invalid filter 'is-task=maybe'"],
])("compileFilters(%j) refuses it", (filters, message) => {
  const compile = () => compileFilters(filters, context);
  expect(compile).toThrow(message);
  expect(compile).toThrow(RuntimeError);
});

test("hasLabel() tells a missing label from an empty one", () => {
  expect(hasLabel({ a: "" }, "a=")).toBe(true);
  expect(hasLabel({ a: "" }, "a")).toBe(true);
  expect(hasLabel({}, "a=")).toBe(false);
  expect(hasLabel({}, "toString")).toBe(false);
});
