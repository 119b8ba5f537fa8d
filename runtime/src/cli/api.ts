/**
 * API client: requests, answers and errors of the Docker Engine API.
 *
 * Requests name the version of the API that this client speaks. A daemon that speaks only an older
 * one says so in its first answer; the client then asks again in that version and keeps to it. So
 * nothing is asked in advance, and a command that needs one answer makes one request.
 *
 * Kernel interface: none; the transport speaks.
 * Specification: Docker Engine API v1.50, "Versioning", "Errors".
 * Invariants: none.
 * Left out: registry credentials.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure } from "./failure.ts";
import { ConnectionError, type ApiRequest, type ApiResponse } from "./transport.ts";
import type { Connection, Hijacked, Transport } from "./transport.ts";

/** The version of the API that this client speaks. */
export const API_VERSION = "1.50";

/** What a query may hold; undefined and false are left out, lists are repeated. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** One call. */
export interface Call {
  readonly method: ApiRequest["method"];
  /** Without version: "/containers/json". */
  readonly path: string;
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it comes. */
  readonly upload?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** The daemon refused: an answer with a status of 400 or more. */
export class ApiError extends Failure {
  readonly status: number;
  /** The daemon's own words. */
  readonly reason: string;

  /** @param answer what the daemon said */
  constructor(answer: { status: number; reason: string; hint: string | undefined }) {
    super({
      message: `Error response from daemon: ${answer.reason}`,
      exitCode: 1,
      hint: answer.hint,
    });
    this.status = answer.status;
    this.reason = answer.reason;
  }
}

/** The API as the commands use it. */
export interface Api {
  readonly host: string;
  /** The version in use: what this client speaks, or less after the daemon said so. */
  version(): string;
  /** An answer in JSON; undefined when it has no body (204, 304). */
  json<Answer>(call: Call): Promise<Answer>;
  /** An answer whose body is read as it comes. */
  stream(call: Call): Promise<ApiResponse>;
  /** Turns the connection into a stream both ways. */
  hijack(call: Call): Promise<{ connection: Connection; mediaType: string | undefined }>;
}

/**
 * Makes a client.
 *
 * @param pinned a version to use whatever the daemon speaks (DOCKER_API_VERSION)
 */
export function createApi(host: string, transport: Transport, pinned: string | undefined): Api {
  let version = pinned ?? API_VERSION;
  /** Asks; when the daemon only speaks an older version, asks again in that one. */
  const ask = async <Answer>(
    call: Call,
    send: (request: ApiRequest) => Promise<Answer>,
    responseOf: (answer: Answer) => ApiResponse | undefined,
  ): Promise<Answer> => {
    const used = version;
    const answer = await send(requestOf(call, used)).catch((cause: unknown) => {
      throw connectionFailure(host, cause);
    });
    const response = responseOf(answer);
    if (response === undefined || response.status < 400) return answer;
    const error = await errorOf(response);
    const [, oldest] =
      /too new\. Maximum supported API version is ([\d.]+)/.exec(error.reason) ?? [];
    if (oldest === undefined || pinned !== undefined || oldest === used) throw error;
    version = oldest;
    return ask(call, send, responseOf);
  };
  const stream = (call: Call): Promise<ApiResponse> =>
    ask(
      call,
      (request) => transport.request(request),
      (answer) => answer,
    );
  return {
    host,
    version: () => version,
    stream,
    json: async <Answer>(call: Call) => {
      const text = await readText((await stream(call)).body);
      // The caller names the type; the API's schema promises it.
      return (text === "" ? undefined : JSON.parse(text)) as Answer;
    },
    hijack: async (call) => {
      const answer = await ask<Hijacked>(
        call,
        (request) => transport.hijack(request),
        (hijacked) => ("response" in hijacked ? hijacked.response : undefined),
      );
      if ("connection" in answer) return answer;
      throw new Failure({
        message: `unable to upgrade to tcp, received ${answer.response.status}`,
        exitCode: 1,
      });
    },
  };
}

function requestOf(call: Call, version: string): ApiRequest {
  const query = queryOf(call.query ?? {});
  const prefix = call.path.startsWith("/drydock/") ? "" : `/v${version}`;
  const body =
    call.body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(call.body));
  return {
    method: call.method,
    path: prefix + call.path + (query === "" ? "" : `?${query}`),
    headers: {
      "user-agent": "drydock",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    body,
    upload: call.upload,
    signal: call.signal,
  };
}

function queryOf(query: Query): string {
  return Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== false && value !== "")
    .map(([name, value]) => `${name}=${encodeURIComponent(value === true ? "1" : String(value))}`)
    .join("&");
}

async function errorOf(response: ApiResponse): Promise<ApiError> {
  const text = await readText(response.body);
  const answer = parsedObject(text);
  const message = answer?.["message"];
  const hint = answer?.["hint"];
  return new ApiError({
    status: response.status,
    reason: typeof message === "string" ? message : text.trim() || `status ${response.status}`,
    hint: typeof hint === "string" ? hint : undefined,
  });
}

function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // Any object may be looked into; its fields stay unknown.
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const CUT_OFF =
  "Does the daemon ask for a certificate? Say --tlsverify, with one that its authority has signed.";

function connectionFailure(host: string, cause: unknown): unknown {
  if (!(cause instanceof ConnectionError)) return cause;
  if (cause.errno === "EACCES" || cause.errno === "EPERM") {
    return new Failure({
      message: `permission denied while trying to connect to the Docker daemon socket at ${host}`,
      exitCode: 1,
      hint: "Run it as root, or as a member of the group that owns the socket.",
      cause,
    });
  }
  if (!["ENOENT", "ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH"].includes(cause.errno)) {
    const isCut = host.startsWith("tcp://") && /ECONNRESET|EPIPE|_ALERT_/.test(cause.errno);
    return new Failure({
      message: `error during connect: ${host}: ${cause.message}`,
      exitCode: 1,
      hint: isCut ? CUT_OFF : undefined,
      cause,
    });
  }
  return new Failure({
    message: `Cannot connect to the Docker daemon at ${host}. Is the docker daemon running?`,
    exitCode: 1,
    hint: "Start ours with `npm start` in the clone, or with `drydock daemon`; -H or DRYDOCK_HOST names another socket.",
    cause,
  });
}

/** All of a body as text. */
export async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** A body of JSON objects that follow each other, one a line, as they arrive. */
export async function* readJsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
  if (rest.trim() !== "") yield JSON.parse(rest);
}

/** Where an image is: names of images hold slashes, which are part of the path. */
export function imagePath(name: string): string {
  return `/images/${name.split("/").map(pathPart).join("/")}`;
}

/** A name or id as one part of a path. */
export function pathPart(name: string): string {
  return encodeURIComponent(name).replaceAll("%3A", ":").replaceAll("%40", "@");
}
