/**
 * System routes: who is there, and what can it do?
 *
 * Every client begins with `/_ping`, whose headers say which versions are understood, whether
 * there is a newer builder and whether this is a swarm; the docker CLI chooses its whole
 * behaviour by them.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "SystemPing", "SystemVersion", "SystemInfo".
 * Invariants: none.
 * Left out: /auth.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import type { Engine } from "../../engine/index.ts";
import { queryOf, type ApiOptions, type Routes } from "../context.ts";
import { readFilters, readMomentMs } from "../query.ts";
import { API_VERSION } from "../versions.ts";

const PING_HEADERS = {
  "Builder-Version": "1",
  "Cache-Control": "no-cache, no-store, must-revalidate",
  "Content-Type": "text/plain; charset=utf-8",
  Pragma: "no-cache",
  Swarm: "inactive",
};

/**
 * What every answer of a server says about it, besides its own: from which clients learn what they
 * may ask.
 */
export function serverHeaders(engine: Engine): Readonly<Record<string, string>> {
  return {
    "Api-Version": API_VERSION,
    "Docker-Experimental": "false",
    Ostype: "linux",
    Server: `Drydock/${String(engine.version()["Version"])} (linux)`,
  };
}

/** Adds `/_ping`, `/version`, `/info`, `/events`, and `/plugins`, of which there are none. */
export function addSystemRoutes(routes: Routes, { engine }: ApiOptions): void {
  const headers = { ...PING_HEADERS, ...serverHeaders(engine) };
  routes.get("/_ping", () => new Response("OK", { headers }));
  routes.get("/version", (call) => call.json(engine.version()));
  routes.get("/info", (call) => call.json(engine.info()));
  routes.get("/events", (call) => {
    const query = queryOf(call);
    const events = engine.events({
      sinceMs: readMomentMs(query, "since"),
      untilMs: readMomentMs(query, "until") ?? Infinity,
      filters: readFilters(query),
    });
    return new Response(events, { headers: { "Content-Type": "application/json" } });
  });
  routes.get("/plugins", (call) => call.json([]));
}
