/**
 * Resource routes: what containers use, and changing what they may.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "ContainerTop", "ContainerStats", "ContainerUpdate",
 *   "ContainerPrune", "SystemDataUsage".
 * Invariants: none.
 * Left out: nothing known.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { resourceEntries, restartPolicy } from "../container-body.ts";
import { checkRestartPolicy } from "../container-checks.ts";
import { checkPruneFilters } from "../../engine/index.ts";
import { parameter, queryOf, type ApiOptions, type Routes } from "../context.ts";
import { invalidRequest } from "../failure.ts";
import { fields, readJson, validate } from "../go-json.ts";
import { readBoolean, readFilters } from "../query.ts";

const updateBody = fields({ ...resourceEntries, RestartPolicy: restartPolicy() });

const USAGE_TYPES = ["container", "image", "volume", "build-cache"] as const;

/** Adds top, stats, update, df, and the prunes of what is no image. */
export function addResourceRoutes(routes: Routes, { engine }: ApiOptions): void {
  routes.get("/containers/:id/top", async (call) => {
    const options = queryOf(call).get("ps_args") || "-ef";
    return call.json(await engine.containerTop(parameter(call, "id"), options));
  });
  routes.get("/containers/:id/stats", async (call) => {
    const query = queryOf(call);
    const stream = readBoolean(query, "stream", true);
    const oneShot = readBoolean(query, "one-shot");
    if (stream && oneShot) {
      throw invalidRequest("cannot have stream=true and one-shot=true");
    }
    const body = await engine.containerStats(parameter(call, "id"), { stream, oneShot });
    return new Response(body, { headers: { "Content-Type": "application/json" } });
  });
  routes.post("/containers/:id/update", async (call) => {
    const body = validate(updateBody, await readJson(call.req.raw));
    const { RestartPolicy: policy, ...resources } = body;
    checkRestartPolicy({ ...policy, Name: policy.Name || "no" });
    const { warnings } = await engine.updateContainer(parameter(call, "id"), {
      resources,
      restartPolicy: policy.Name === "" ? null : policy,
    });
    return call.json({ Warnings: warnings });
  });
  routes.post("/containers/prune", async (call) =>
    call.json(await engine.pruneContainers(readFilters(queryOf(call)))),
  );
  // Nobody can have made any yet, so there is nothing to remove, and system prune goes on.
  const nothing = [
    ["networks", "networks", { NetworksDeleted: null }],
    ["volumes", "volumes", { VolumesDeleted: null, SpaceReclaimed: 0 }],
    ["build", "build caches", { CachesDeleted: null, SpaceReclaimed: 0 }],
  ] as const;
  for (const [noun, kind, answer] of nothing) {
    routes.post(`/${noun}/prune`, (call) => {
      checkPruneFilters(kind, readFilters(queryOf(call)));
      return call.json(answer);
    });
  }
  routes.get("/system/df", async (call) => {
    const asked = queryOf(call).getAll("type");
    const types = USAGE_TYPES.filter((type) => asked.length === 0 || asked.includes(type));
    const unknown = asked.find((type) => !USAGE_TYPES.some((known) => known === type));
    if (unknown !== undefined) throw invalidRequest(`unknown object type: ${unknown}`);
    return call.json(await engine.diskUsage(types));
  });
}
