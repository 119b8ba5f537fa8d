/**
 * Network and volume routes: what there is of them now.
 *
 * Two networks exist without being made: `none`, a network namespace with nothing but loopback, and
 * `host`, no namespace of its own. They are the kernel's, so their ids are only their names in hex.
 * There are no volumes yet; an empty list says so in the form that clients read.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "Network", "Volume".
 * Invariants: none.
 * Left out: bridges and named volumes.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { parameter, queryOf, type ApiOptions, type Routes } from "../context.ts";
import type { ApiObject, Engine, Filters } from "../../engine/index.ts";
import { notFound } from "../failure.ts";
import { readFilters } from "../query.ts";

const BUILT_IN = [
  { name: "none", driver: "null" },
  { name: "host", driver: "host" },
];

/** Adds the lists and inspections of networks, volumes and plugins. */
export function addNetworkRoutes(routes: Routes, { engine }: ApiOptions): void {
  routes.get("/networks", (call) => {
    const filters = readFilters(queryOf(call));
    const networks = BUILT_IN.map(describe).filter((network) => matches(network, filters));
    return call.json(networks);
  });
  routes.get("/networks/:id", async (call) => {
    const id = parameter(call, "id");
    const networks = BUILT_IN.map(describe);
    const found =
      networks.find((network) => network["Name"] === id) ??
      networks.find((network) => String(network["Id"]).startsWith(id));
    if (found === undefined) throw notFound("network-not-found", `network ${id} not found`);
    return call.json({ ...found, Containers: await endpointsOn(String(found["Name"]), engine) });
  });
  routes.get("/volumes", (call) => call.json({ Volumes: [], Warnings: [] }));
  routes.get("/volumes/:name", (call) => {
    throw notFound("volume-not-found", `get ${parameter(call, "name")}: no such volume`);
  });
  routes.get("/plugins/:name{.+}/json", (call) => {
    throw notFound("plugin-not-found", `plugin "${parameter(call, "name")}" not found`);
  });
}

function describe({ name, driver }: (typeof BUILT_IN)[number]): ApiObject {
  return {
    Name: name,
    Id: networkId(name),
    Created: "0001-01-01T00:00:00Z",
    Scope: "local",
    Driver: driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: "default", Options: null, Config: [] },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: {},
    Options: {},
    Labels: {},
  };
}

/** 64 hex digits, as an id must have: the name's bytes and zeros. */
function networkId(name: string): string {
  const hex = [...new TextEncoder().encode(name)].map((byte) => byte.toString(16)).join("");
  return hex.padEnd(64, "0");
}

function matches(network: ApiObject, filters: Filters): boolean {
  const readers: Readonly<Record<string, (wanted: string) => boolean>> = {
    name: (wanted) => String(network["Name"]).includes(wanted),
    id: (wanted) => String(network["Id"]).startsWith(wanted),
    driver: (wanted) => network["Driver"] === wanted,
    scope: (wanted) => network["Scope"] === wanted,
    type: (wanted) => wanted === "builtin",
  };
  return Object.entries(filters).every(([name, wanted]) =>
    wanted.length === 0 ? true : wanted.some((value) => readers[name]?.(value) ?? false),
  );
}

/** The running containers that use a network. */
async function endpointsOn(name: string, engine: Engine): Promise<ApiObject> {
  const filters = { network: [name] };
  const containers = await engine.listContainers({ all: false, limit: 0, size: false, filters });
  return Object.fromEntries(
    containers.map((container) => [String(container["Id"]), endpointOf(container)]),
  );
}

function endpointOf(container: ApiObject): ApiObject {
  const names: unknown = container["Names"];
  const name = Array.isArray(names) ? String(names[0]).replace(/^\//, "") : "";
  return { Name: name, EndpointID: "", MacAddress: "", IPv4Address: "", IPv6Address: "" };
}
