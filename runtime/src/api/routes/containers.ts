/**
 * Container routes: create, look, start, stop, remove.
 *
 * Each route reads its options, calls one method of the engine, and says how it went: 201 with an
 * id, 204 without words, 304 when there was nothing to do.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "Container".
 * Invariants: none.
 * Left out: `checkpoint` of start; links; `before` and `since` of the list outside its filters.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { RuntimeError } from "../../errors/index.ts";
import { createContainerBody, toCreateContainer } from "../container-body.ts";
import {
  noContent,
  parameter,
  queryOf,
  type ApiOptions,
  type Call,
  type Routes,
} from "../context.ts";
import { requirePlatform } from "../image-platform.ts";
import { invalidRequest, notImplemented } from "../failure.ts";
import { readJson, validate } from "../go-json.ts";
import { readBoolean, readFilters, readWholeNumber } from "../query.ts";

/** Adds the routes of a container's life. */
export function addContainerRoutes(routes: Routes, { engine }: ApiOptions): void {
  routes.post("/containers/create", async (call) => {
    const { request, warnings } = await readCreateContainer(call);
    await requirePlatform(engine, request.config.Image, queryOf(call).get("platform") ?? "");
    const created = await engine.createContainer(request);
    return call.json({ Id: created.id, Warnings: [...created.warnings, ...warnings] }, 201);
  });
  routes.get("/containers/json", async (call) => {
    const query = queryOf(call);
    const limit = Math.max(0, readWholeNumber(query, "limit") ?? 0);
    const all = readBoolean(query, "all");
    const [size, filters] = [readBoolean(query, "size"), readFilters(query)];
    return call.json(await engine.listContainers({ all, limit, size, filters }));
  });
  routes.get("/containers/:id/json", async (call) => {
    const size = readBoolean(queryOf(call), "size");
    return call.json(await engine.inspectContainer(parameter(call, "id"), { size }));
  });
  addLifeRoutes(routes, engine);
  routes.post("/containers/:id/rename", async (call) => {
    const name = containerName(queryOf(call));
    if (name === "") throw invalidRequest("Neither old nor new names may be empty");
    await engine.renameContainer(parameter(call, "id"), name);
    return noContent();
  });
  // With slashes: a link is named by the container that has it and its alias.
  routes.delete("/containers/:id{.+}", async (call) => {
    const [query, id] = [queryOf(call), parameter(call, "id")];
    if (readBoolean(query, "link")) {
      await engine.inspectContainer(id, { size: false });
      throw noLink();
    }
    const [force, volumes] = [readBoolean(query, "force"), readBoolean(query, "v")];
    await engine.removeContainer(id, { force, volumes });
    return noContent();
  });
}

/** What is there is a container: its own name is the one link that it has. */
function noLink(): RuntimeError {
  return new RuntimeError({
    code: "feature-unsupported",
    class: "internal",
    message: "Conflict, cannot remove the default link name of the container",
    hint:
      "A link (docker run --link) is a name that one container has for another, as web1/db; " +
      "Drydock makes none. Without --link, rm removes the container.",
  });
}

function addLifeRoutes(routes: Routes, engine: ApiOptions["engine"]): void {
  routes.post("/containers/:id/start", async (call) => {
    if ((queryOf(call).get("checkpoint") ?? "") !== "") {
      throw notImplemented("Drydock cannot start from a checkpoint");
    }
    refuseStartBody(call);
    await engine.startContainer(parameter(call, "id"));
    return noContent();
  });
  routes.post("/containers/:id/stop", async (call) => {
    await engine.stopContainer(parameter(call, "id"), stopOptions(call));
    return noContent();
  });
  routes.post("/containers/:id/restart", async (call) => {
    await engine.restartContainer(parameter(call, "id"), stopOptions(call));
    return noContent();
  });
  routes.post("/containers/:id/pause", async (call) => {
    await engine.pauseContainer(parameter(call, "id"));
    return noContent();
  });
  routes.post("/containers/:id/unpause", async (call) => {
    await engine.unpauseContainer(parameter(call, "id"));
    return noContent();
  });
  routes.post("/containers/:id/kill", async (call) => {
    const signal = queryOf(call).get("signal") || "SIGKILL";
    await engine.killContainer(parameter(call, "id"), signal);
    return noContent();
  });
}

/**
 * What a create request asks for, from its query and its body. Also serves `POST /drydock/plan`.
 */
export async function readCreateContainer(
  call: Call,
): Promise<ReturnType<typeof toCreateContainer>> {
  const name = containerName(queryOf(call));
  const raw = await readJson(call.req.raw);
  if (raw === null) {
    throw invalidRequest("config cannot be empty in order to create a container");
  }
  const body = validate(createContainerBody, raw);
  return toCreateContainer(name, body, { raw, version: call.env.version });
}

/** Names come with and without Docker's leading slash. */
function containerName(query: URLSearchParams): string {
  return (query.get("name") ?? "").replace(/^\//, "");
}

/** How to stop, as the query says. */
export function stopOptions(call: Call): { signal: string | null; timeoutSeconds: number | null } {
  const query = queryOf(call);
  return { signal: query.get("signal") || null, timeoutSeconds: readWholeNumber(query, "t") };
}

/**
 * Before 1.24 start took the host configuration; who still sends it must not believe it counts.
 */
function refuseStartBody(call: Call): void {
  const length = Number(call.req.header("content-length") ?? "0");
  // "{}", "null" and their like are no configuration; Docker draws the line at the same length.
  if (length <= 7 && call.req.header("transfer-encoding") === undefined) return;
  throw invalidRequest(
    "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
  );
}
