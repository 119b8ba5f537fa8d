/**
 * Archive routes: files in and out, the whole tree, what changed.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "ContainerArchive", "ContainerArchiveInfo",
 *   "PutContainerArchive", "ContainerExport", "ContainerChanges".
 * Invariants: none.
 * Left out: nothing known.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { adviseChange } from "../../images/index.ts";
import { configEntries } from "../container-body.ts";
import { parameter, queryOf, type ApiOptions, type Call, type Routes } from "../context.ts";
import { invalidRequest } from "../failure.ts";
import { fields, readJson, validate } from "../go-json.ts";
import { plainTar } from "../plain-tar.ts";
import { readBoolean } from "../query.ts";
import { changesOf, joinReference } from "./images.ts";

const TAR = "application/x-tar";

const containerConfigBody = fields(configEntries);

/** Adds archive, export, changes and commit. */
export function addArchiveRoutes(routes: Routes, { engine }: ApiOptions): void {
  routes.post("/commit", (call) => commit(call, engine));
  routes.get("/containers/:id/changes", async (call) =>
    call.json(await engine.containerChanges(parameter(call, "id"))),
  );
  routes.get("/containers/:id/export", async (call) => {
    const stream = await engine.exportContainer(parameter(call, "id"));
    return new Response(stream, { headers: { "Content-Type": "application/octet-stream" } });
  });
  routes.get("/containers/:id/archive", async (call) => {
    const id = parameter(call, "id");
    // A HEAD comes here too.
    if (call.req.raw.method === "HEAD") {
      return new Response(null, { headers: statHeader(await engine.statPath(id, pathOf(call))) });
    }
    const { stat, stream } = await engine.getArchive(id, pathOf(call));
    return new Response(stream, { headers: { ...statHeader(stat), "Content-Type": TAR } });
  });
  routes.put("/containers/:id/archive", async (call) => {
    const query = queryOf(call);
    await engine.putArchive(parameter(call, "id"), {
      path: pathOf(call),
      keepTypes: readBoolean(query, "noOverwriteDirNonDir"),
      copyOwner: readBoolean(query, "copyUIDGID"),
      archive: plainTar(call),
    });
    return new Response(null, { status: 200 });
  });
}

async function commit(call: Call, engine: ApiOptions["engine"]): Promise<Response> {
  const query = queryOf(call);
  const body = validate(containerConfigBody, await readJson(call.req.raw, {}));
  const repo = query.get("repo") ?? "";
  const { id } = await engine.commitContainer(query.get("container") ?? "", {
    reference: repo === "" ? "" : joinReference(repo, query.get("tag") ?? ""),
    comment: query.get("comment") ?? "",
    author: query.get("author") ?? "",
    pause: readBoolean(query, "pause", true),
    changes: changesOf(query),
    config: body,
  });
  const warnings = changesOf(query).flatMap((line) => adviseChange(line) ?? []);
  return call.json({ Id: id, ...(warnings.length === 0 ? {} : { Warnings: warnings }) }, 201);
}

function pathOf(call: Call): string {
  const path = queryOf(call).get("path") ?? "";
  if (path === "") throw invalidRequest("missing path parameter", "Name a path of the container.");
  if (path.includes("\0")) throw invalidRequest("a path cannot hold a zero byte");
  return path;
}

/** Base64 of the JSON of the stat, which may hold any letter. */
function statHeader(stat: object): Record<string, string> {
  const bytes = new TextEncoder().encode(JSON.stringify(stat));
  return { "X-Docker-Container-Path-Stat": btoa(String.fromCodePoint(...bytes)) };
}
