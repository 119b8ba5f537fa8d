/**
 * Stream routes: a container's output, its terminal, and its end.
 *
 * These answers last as long as the container does, so their headers go out at once: the docker CLI
 * asks for the end (`wait`) before it starts the container, and sits until the headers have come.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "ContainerLogs", "ContainerAttach", "ContainerWait".
 * Invariants: none.
 * Left out: attach over a WebSocket.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { parameter, queryOf, type ApiOptions, type Call, type Routes } from "../context.ts";
import { parseDetachKeys } from "../../wire/index.ts";
import type { LogsRequest, WaitCondition } from "../../engine/index.ts";
import { invalidRequest, messageOf } from "../failure.ts";
import { readBoolean, readMomentMs, readWholeNumber } from "../query.ts";
import { serveAttached, streamType } from "../streams.ts";

/** Adds logs, attach, resize and wait. */
export function addStreamRoutes(routes: Routes, { engine }: ApiOptions): void {
  routes.get("/containers/:id/logs", async (call) => {
    const { raw, stream } = await engine.containerLogs(parameter(call, "id"), logsRequest(call));
    return new Response(stream, {
      headers: { "Content-Type": streamType(call.env.version, raw) },
    });
  });
  routes.post("/containers/:id/attach", async (call) => {
    const query = queryOf(call);
    const detachKeys = parseDetachKeys(query.get("detachKeys") ?? "");
    const [stdin, stdout, stderr, logs, stream] = [
      "stdin",
      "stdout",
      "stderr",
      "logs",
      "stream",
    ].map((name) => readBoolean(query, name)) as [boolean, boolean, boolean, boolean, boolean]; // map keeps the length
    const attached = await engine.attachContainer(parameter(call, "id"), {
      stdin: stdin && stream,
      stdout,
      stderr,
      logs,
      stream,
    });
    const options = { version: call.env.version, stdin: stdin && stream, detachKeys };
    return serveAttached(call.req.raw, call.env, attached, options);
  });
  routes.post("/containers/:id/resize", async (call) => {
    const { rows, columns } = terminalSize(call);
    await engine.resizeContainer(parameter(call, "id"), rows, columns);
    // Docker says 200 here and nothing else: dockerode takes a 204 for a failure.
    return new Response(null, { status: 200 });
  });
  routes.post("/containers/:id/wait", (call) => {
    const condition = waitCondition(queryOf(call).get("condition") ?? "");
    const { done } = engine.waitContainer(parameter(call, "id"), condition);
    return new Response(later(done.then(waitAnswer, waitFailure)), {
      headers: { "Content-Type": "application/json" },
    });
  });
}

/** Rows and columns as `h` and `w`. */
export function terminalSize(call: Call): { readonly rows: number; readonly columns: number } {
  const query = queryOf(call);
  const [rows, columns] = [readWholeNumber(query, "h"), readWholeNumber(query, "w")];
  const fits = (size: number | null): size is number => size !== null && size >= 0 && size < 65_536;
  if (fits(rows) && fits(columns)) return { rows, columns };
  throw invalidRequest(
    `invalid terminal size: expected h and w from 0 to 65535, got ${query.toString() || "nothing"}`,
  );
}

function logsRequest(call: Call): LogsRequest {
  const query = queryOf(call);
  const [stdout, stderr] = [readBoolean(query, "stdout"), readBoolean(query, "stderr")];
  if (!stdout && !stderr) {
    throw invalidRequest("Bad parameters: you must choose at least one stream");
  }
  return {
    stdout,
    stderr,
    follow: readBoolean(query, "follow"),
    sinceMs: readMomentMs(query, "since") ?? 0,
    // Docker's clients send until=0 for "no end".
    untilMs: readMomentMs(query, "until") || Infinity,
    timestamps: readBoolean(query, "timestamps"),
    tail: tailOf(query.get("tail") ?? ""),
    details: readBoolean(query, "details"),
  };
}

/** A number of lines; anything else, as in Docker, is all of them. */
function tailOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Infinity;
}

const CONDITIONS: Readonly<Record<string, WaitCondition>> = {
  "": "not-running",
  "not-running": "not-running",
  "next-exit": "next-exit",
  removed: "removed",
};

function waitCondition(text: string): WaitCondition {
  const condition = CONDITIONS[text];
  if (condition !== undefined) return condition;
  throw invalidRequest(`invalid condition: "${text}"`, "Use not-running, next-exit or removed.");
}

function waitAnswer({ exitCode, error }: { exitCode: number; error: string | null }): object {
  return { StatusCode: exitCode, ...(error === null ? {} : { Error: { Message: error } }) };
}

/** The status line is long gone when waiting fails, so the failure is told in the body. */
function waitFailure(error: unknown): object {
  return { StatusCode: -1, Error: { Message: messageOf(error) } };
}

/** A body that comes when a promise is fulfilled. */
function later(answer: Promise<object>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      const json = JSON.stringify(await answer);
      try {
        controller.enqueue(new TextEncoder().encode(`${json}\n`));
        controller.close();
      } catch {
        // The client has gone away meanwhile.
      }
    },
  });
}
