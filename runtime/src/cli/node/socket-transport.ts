/**
 * Socket transport: HTTP over a unix socket, or over TCP without encryption.
 *
 * Connections are kept open between requests, so that the four requests of one `run` pay for one
 * connection to the socket and one more for the stream that is hijacked.
 *
 * Kernel interface: socket(2), connect(2), shutdown(2).
 * Specification: RFC 9112, "Upgrade"; Docker Engine API v1.50, "Attach to a container".
 * Invariants: none.
 * Left out: TLS and ssh.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { ClientRequest, RequestOptions } from "node:http";
import type { Duplex } from "node:stream";
import { ConnectionError } from "../index.ts";
import type { ApiRequest, ApiResponse, Connection, Transport } from "../index.ts";

/**
 * Opens a transport to an address.
 *
 * @param host "unix:///path", "tcp://name:port" or "http://name:port"
 */
export function connect(host: string): Transport {
  const place = placeOf(host);
  const agent = new Agent({ keepAlive: true });
  return {
    request: (wanted) =>
      new Promise((resolve, reject) => {
        const request = open({ ...place, agent }, wanted);
        request.on("response", (message) => resolve(responseOf(message)));
        request.on("error", (cause) => reject(connectionError(cause)));
        request.end(wanted.body);
      }),
    hijack: (wanted) =>
      new Promise((resolve, reject) => {
        const headers = { ...wanted.headers, connection: "Upgrade", upgrade: "tcp" };
        const request = open({ ...place, agent: false }, { ...wanted, headers });
        request.on("upgrade", (message, socket, head) => {
          const mediaType = message.headers["content-type"];
          resolve({ connection: connectionOf(socket, head), mediaType });
        });
        request.on("response", (message) => resolve({ response: responseOf(message) }));
        request.on("error", (cause) => reject(connectionError(cause)));
        request.end(wanted.body);
      }),
  };
}

function placeOf(host: string): RequestOptions {
  if (host.startsWith("unix://")) return { socketPath: host.slice("unix://".length) };
  if (host.startsWith("/")) return { socketPath: host };
  const [, name, port = "2375"] =
    /^(?:tcp|http):\/\/([^:/]+|\[[^\]]+\])(?::(\d+))?\/?$/.exec(host) ?? [];
  if (name === undefined) throw new Error(`unable to parse docker host \`${host}\``);
  return { host: name.replace(/^\[|\]$/g, ""), port: Number(port) };
}

function open(options: RequestOptions, wanted: ApiRequest): ClientRequest {
  return httpRequest({
    ...options,
    method: wanted.method,
    path: wanted.path,
    headers: {
      host: options.host ?? "api.drydock",
      ...wanted.headers,
      ...lengthOf(wanted),
    },
    ...(wanted.signal === undefined ? {} : { signal: wanted.signal }),
  });
}

/** A request without a body must say so, or Node announces chunks. */
function lengthOf(wanted: ApiRequest): Record<string, string> {
  if (wanted.method === "GET" || wanted.method === "HEAD") return {};
  return { "content-length": String(wanted.body?.length ?? 0) };
}

function responseOf(message: IncomingMessage): ApiResponse {
  const headers = Object.entries(message.headers).map(([name, value]): [string, string] => [
    name,
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ]);
  return { status: message.statusCode ?? 0, headers: Object.fromEntries(headers), body: message };
}

function connectionOf(socket: Duplex, head: Uint8Array): Connection {
  // The process is told of a broken connection where it reads.
  socket.on("error", () => undefined);
  return {
    output: outputOf(socket, head),
    write: (bytes) =>
      new Promise((resolve) => {
        socket.write(bytes, () => resolve());
      }),
    closeWrite: () => socket.end(),
    close: () => socket.destroy(),
  };
}

async function* outputOf(socket: Duplex, head: Uint8Array): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  try {
    for await (const chunk of socket) yield chunk as Uint8Array;
  } catch (cause) {
    // Closing our side while reading is how a stream is left, not an error.
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ERR_STREAM_PREMATURE_CLOSE" && code !== "ECONNRESET") throw cause;
  }
}

function connectionError(cause: Error): Error {
  if (cause.name === "AbortError" || !("code" in cause)) return cause;
  return new ConnectionError(String(cause.code), cause.message, { cause });
}
