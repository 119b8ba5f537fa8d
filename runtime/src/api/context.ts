/**
 * Context: what every route is given.
 *
 * Kernel interface: none.
 * Specification: none of its own.
 * Invariants: none.
 * Left out: nothing known.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import type { Context } from "hono";
import type { Hono } from "hono/tiny";
import type { Engine } from "../engine/index.ts";
import type { Platform } from "./platform.ts";

/** What hono carries along in `env`. */
export interface ApiEnv {
  readonly Bindings: Platform & {
    /** The version that the client speaks. */
    readonly version: string;
    /** Of the route: without version. */
    readonly path: string;
  };
}

/** The router that routes are added to. */
export type Routes = Hono<ApiEnv>;

/** One request on its way. */
export type Call = Context<ApiEnv>;

/** What the API is made of. */
export interface ApiOptions {
  readonly engine: Engine;
  /**
   * Turns a place in the running program (`file:line:column`, as a stack trace says it) into a
   * place in the source, as far as it is known; else gives it back.
   */
  readonly mapSource: (place: string) => string;
  /** Told of every error that is a bug of ours; the client only gets its message. */
  readonly onBug: (error: unknown) => void;
}

/** Options behind the question mark. */
export function queryOf(call: Call): URLSearchParams {
  return new URL(call.req.url).searchParams;
}

/** A path's parameter that the route's pattern demands. */
export function parameter(call: Call, name: string): string {
  const value = call.req.param(name);
  if (value === undefined) throw new Error(`The route has no parameter ${name}`);
  return value;
}

/** Success without words. */
export function noContent(): Response {
  return new Response(null, { status: 204 });
}
