/**
 * API: the Docker Engine REST API over an engine, as a function from Request to Response.
 *
 * Every Docker client speaks HTTP to a daemon: a version, a noun and a verb in the path, JSON both
 * ways, and for a few verbs a line of bytes. This room translates that to the engine's methods and
 * back, and knows nothing else: not how containers work, and not what carries the requests. So the
 * same function serves a unix socket in the daemon and a call in the reader's browser.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50.
 * Invariants: none.
 * Left out: see `not-yet.ts`.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { Hono } from "hono/tiny";
import { getPath } from "hono/utils/url";
import type { ApiEnv, ApiOptions, Call } from "./context.ts";
import { failureResponse, isUnexpected, notFound, notImplemented } from "./failure.ts";
import { missingFeature } from "./not-yet.ts";
import type { Platform } from "./platform.ts";
import { addArchiveRoutes } from "./routes/archive.ts";
import { addContainerRoutes } from "./routes/containers.ts";
import { addExecRoutes } from "./routes/exec.ts";
import { addImageRoutes } from "./routes/images.ts";
import { addNetworkRoutes } from "./routes/networks.ts";
import { addOwnRoutes } from "./routes/own.ts";
import { addResourceRoutes } from "./routes/resources.ts";
import { addStreamRoutes } from "./routes/streams.ts";
import { addSystemRoutes } from "./routes/system.ts";
import { requestedVersion, routePathOf } from "./versions.ts";

/** Answers one request; never rejects. */
export type Api = (request: Request, platform: Platform) => Promise<Response>;

/**
 * Makes the API of an engine.
 *
 * @example const api = createApi({ engine, mapSource: (place) => place, onBug: () => {} });
 *   await api(new Request("http://drydock/v1.50/containers/json"), {});
 */
export function createApi(options: ApiOptions): Api {
  const routes = new Hono<ApiEnv>({ getPath: (_, call) => call?.env?.path ?? "" });
  addSystemRoutes(routes, options);
  addContainerRoutes(routes, options);
  addResourceRoutes(routes, options);
  addArchiveRoutes(routes, options);
  addStreamRoutes(routes, options);
  addExecRoutes(routes, options);
  addImageRoutes(routes, options);
  addNetworkRoutes(routes, options);
  addOwnRoutes(routes, options);
  routes.notFound(unknownRoute);
  routes.onError((error) => {
    if (isUnexpected(error)) options.onBug(error);
    return failureResponse(error);
  });
  return async (request, platform) => {
    const asked = getPath(request);
    const path = routePathOf(asked);
    // Hono would run a GET for a HEAD, with all its effects; only these two have a HEAD.
    const isRefused =
      request.method === "HEAD" && !/^\/_ping$|^\/containers\/[^/]+\/archive$/.test(path);
    if (isRefused) return unknownRouteResponse();
    try {
      // As a middleware, this would cost each request a chain of promises.
      return await routes.fetch(request, { ...platform, path, version: requestedVersion(asked) });
    } catch (error) {
      return failureResponse(error);
    }
  };
}

function unknownRoute(call: Call): Response {
  const what = missingFeature(call.req.method, call.req.path);
  if (what === null) return unknownRouteResponse();
  return failureResponse(
    notImplemented(`Drydock cannot do this yet: ${what} (${call.req.method} ${call.req.path})`),
  );
}

function unknownRouteResponse(): Response {
  return failureResponse(notFound("route-not-found", "page not found"));
}
