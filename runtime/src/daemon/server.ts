/**
 * Server: Node's HTTP server in front of the API, with or without encryption.
 *
 * Kernel interface: socket(7), through node:http and node:https.
 * Specification: RFC 9112 (HTTP/1.1).
 * Invariants: none.
 * Left out: HTTP/2, which no client of the Docker API needs but BuildKit's.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import { getRequestListener } from "@hono/node-server";
import type { Api } from "../api/index.ts";
import { arrivingBytes } from "./arriving-bytes.ts";
import { HOST_NAME, malformedRequest } from "./malformed-request.ts";
import { serveUpgrade } from "./upgrade.ts";

/** As in Go's server: clients put credentials for many registries into one header. */
const MAX_HEADER_BYTES = 1 << 20;

/**
 * A server for the API that does not listen yet.
 *
 * @param headers of every answer, besides its own
 * @param tls certificates; null: no encryption
 */
export function createApiServer(
  api: Api,
  headers: Readonly<Record<string, string>>,
  tls: TlsOptions | null = null,
): Server {
  // A client that has no more input still wants the output: its half of a TLS connection, too.
  const options = { maxHeaderSize: MAX_HEADER_BYTES, allowHalfOpen: true };
  const listener = getRequestListener(
    (request, { incoming }) => api(request, { body: arrivingBytes(incoming) }),
    { hostname: HOST_NAME, errorHandler: malformedRequest },
  );
  const lines = Object.entries(headers);
  const answer: RequestListener = (incoming, outgoing) => {
    for (const [name, value] of lines) outgoing.setHeader(name, value);
    void listener(incoming, outgoing);
  };
  const server =
    tls === null ? createServer(options, answer) : createTlsServer({ ...options, ...tls }, answer);
  // An attach or a followed log lasts as long as its container; a dead client ends with its socket.
  server.requestTimeout = 0;
  // Clients keep connections for later; one that we close just then is an error to them.
  server.keepAliveTimeout = 0;
  server.on("upgrade", (incoming, socket, head) => {
    if (socket instanceof Socket) void serveUpgrade(api, { incoming, socket, head });
    else socket.destroy();
  });
  return server;
}
