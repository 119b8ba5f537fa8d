/**
 * Image routes: what containers can be made of.
 *
 * Image names have slashes, colons and an at sign in them, so a name may take several parts of the
 * path. Pulling answers with JSON lines while it works; an error before the first line is a plain
 * HTTP error, one after it is a line, because the status has been sent.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "Image".
 * Invariants: none.
 * Left out: registries, so a pull only succeeds for what is here; build, load, tag, remove.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { parameter, queryOf, type ApiOptions, type Routes } from "../context.ts";
import type { ApiObject } from "../../engine/index.ts";
import { invalidRequest, notImplemented } from "../failure.ts";
import { requirePlatform } from "../image-platform.ts";
import { readBoolean, readFilters } from "../query.ts";
import { compareVersions } from "../versions.ts";

/** Adds list, inspect, history and pull. */
export function addImageRoutes(routes: Routes, { engine }: ApiOptions): void {
  routes.get("/images/json", async (call) => {
    const query = queryOf(call);
    const all = readBoolean(query, "all");
    const images = await engine.listImages({ all, filters: readFilters(query) });
    return call.json(images.map((image) => forVersion(image, call.get("version"))));
  });
  routes.get("/images/:name{.+}/json", async (call) => {
    const image = await engine.inspectImage(parameter(call, "name"));
    return call.json(forVersion(image, call.get("version")));
  });
  routes.get("/images/:name{.+}/history", async (call) =>
    call.json(await engine.imageHistory(parameter(call, "name"))),
  );
  routes.post("/images/create", async (call) => {
    const query = queryOf(call);
    if ((query.get("fromSrc") ?? "") !== "") {
      throw notImplemented("Drydock cannot import an image from a tar yet");
    }
    const name = query.get("fromImage") ?? "";
    if (name === "") throw invalidRequest("fromImage or fromSrc is needed");
    const reference = joinReference(name, query.get("tag") ?? "");
    await engine.pullImage(reference);
    await requirePlatform(engine, reference, query.get("platform") ?? "");
    const lines = [{ status: `Status: Image is up to date for ${reference}` }];
    return new Response(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(""), {
      headers: { "Content-Type": "application/json" },
    });
  });
}

/**
 * A name and a tag or digest as one reference.
 *
 * @example joinReference("busybox", "1.36") // "busybox:1.36"
 */
export function joinReference(name: string, tag: string): string {
  if (tag === "") return name;
  return tag.includes(":") ? `${name}@${tag}` : `${name}:${tag}`;
}

/** Clients before 1.44 read the size under a second name too. */
function forVersion(image: ApiObject, version: string): ApiObject {
  return compareVersions(version, "1.44") < 0 ? { ...image, VirtualSize: image["Size"] } : image;
}
