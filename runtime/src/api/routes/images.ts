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
 * Left out: registries, so a pull only succeeds for what is here; build, save, load.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { parameter, queryOf, type ApiOptions, type Call, type Routes } from "../context.ts";
import type { ApiObject, Engine } from "../../engine/index.ts";
import { invalidRequest, notImplemented } from "../failure.ts";
import { platformOf, requirePlatform } from "../image-platform.ts";
import { readArchive } from "../plain-tar.ts";
import { readBoolean, readFilters, type Query } from "../query.ts";
import { compareVersions } from "../versions.ts";

/** Adds list, inspect, history, pull and import, tag, remove and prune. */
export function addImageRoutes(routes: Routes, options: ApiOptions): void {
  addReadingRoutes(routes, options);
  addChangingRoutes(routes, options);
}

function addReadingRoutes(routes: Routes, { engine }: ApiOptions): void {
  routes.get("/images/json", async (call) => {
    const query = queryOf(call);
    const [all, manifests] = [readBoolean(query, "all"), readBoolean(query, "manifests")];
    const images = await engine.listImages({ all, manifests, filters: readFilters(query) });
    return call.json(images.map((image) => forVersion(image, call.env.version)));
  });
  routes.get("/images/:name{.+}/json", async (call) => {
    await requireAsked(engine, call, "platform");
    const image = await engine.inspectImage(parameter(call, "name"));
    return call.json(forVersion(image, call.env.version));
  });
  routes.get("/images/:name{.+}/history", async (call) => {
    await requireAsked(engine, call, "platform");
    return call.json(await engine.imageHistory(parameter(call, "name")));
  });
}

function addChangingRoutes(routes: Routes, { engine }: ApiOptions): void {
  routes.post("/images/create", async (call) => {
    const query = queryOf(call);
    if ((query.get("fromSrc") ?? "") !== "") return importTar(engine, query, call);
    const name = query.get("fromImage") ?? "";
    if (name === "") throw invalidRequest("fromImage or fromSrc is needed");
    const reference = joinReference(name, query.get("tag") ?? "");
    await engine.pullImage(reference);
    await requirePlatform(engine, reference, query.get("platform") ?? "");
    return progress([{ status: `Status: Image is up to date for ${reference}` }]);
  });
  routes.post("/images/prune", async (call) =>
    call.json(await engine.pruneImages(readFilters(queryOf(call)))),
  );
  routes.post("/images/:name{.+}/tag", async (call) => {
    const query = queryOf(call);
    const name = joinReference(query.get("repo") ?? "", query.get("tag") ?? "");
    await engine.tagImage(parameter(call, "name"), name);
    return new Response(null, { status: 201 });
  });
  routes.delete("/images/:name{.+}", async (call) => {
    await requireAsked(engine, call, "platforms");
    const force = readBoolean(queryOf(call), "force");
    return call.json(await engine.removeImage(parameter(call, "name"), { force }));
  });
}

/** Whether the image is built for each platform that the query names. */
async function requireAsked(engine: Engine, call: Call, key: string): Promise<void> {
  for (const text of queryOf(call).getAll(key)) {
    await requirePlatform(engine, parameter(call, "name"), platformOf(text));
  }
}

/** The body is a tar, plain or compressed by gzip. */
async function importTar(engine: Engine, query: Query, call: Call): Promise<Response> {
  if (query.get("fromSrc") !== "-") {
    throw notImplemented(
      "Drydock cannot fetch a tar to import from an address",
      "Fetch it first and hand it over: curl URL | drydock import - NAME.",
    );
  }
  const { id } = await engine.importImage({
    archive: await readArchive(call),
    reference: joinReference(query.get("repo") ?? "", query.get("tag") ?? ""),
    message: query.get("message") ?? "",
    changes: changesOf(query),
    platform: query.get("platform") ?? "",
  });
  return progress([{ status: id }]);
}

/** Lines of a Dockerfile: clients repeat the option, or put several lines into one. */
export function changesOf(query: Query): readonly string[] {
  return query.getAll("changes").flatMap((text) => text.split("\n").filter((line) => line !== ""));
}

function progress(lines: readonly object[]): Response {
  return new Response(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(""), {
    headers: { "Content-Type": "application/json" },
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
