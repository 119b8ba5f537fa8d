/**
 * Exec routes: one more process in a running container.
 *
 * It takes two requests, one that describes the process and gives it an id, one that starts it
 * and becomes its line. When the command cannot run (there is none of that name), the engine says
 * why on the line, as Docker does, and the exit code (127, 126) is read from the exec afterwards.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "Exec".
 * Invariants: none.
 * Left out: nothing known.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { consoleSize } from "../container-body.ts";
import { parameter, type ApiOptions, type Call, type Routes } from "../context.ts";
import { parseDetachKeys } from "../../wire/index.ts";
import { invalidRequest } from "../failure.ts";
import { fields, flag, list, readJson, text, validate, words } from "../go-json.ts";
import { serveAttached } from "../streams.ts";
import { terminalSize } from "./streams.ts";

const createExecBody = fields({
  Cmd: words(),
  Env: list(text()),
  User: text(),
  WorkingDir: text(),
  Tty: flag(),
  Privileged: flag(),
  AttachStdin: flag(),
  AttachStdout: flag(),
  AttachStderr: flag(),
  DetachKeys: text(),
  ConsoleSize: consoleSize(),
});

const startExecBody = fields({ Detach: flag(), Tty: flag(), ConsoleSize: consoleSize() });

/** Adds exec's create, start, resize and inspect. */
export function addExecRoutes(routes: Routes, { engine }: ApiOptions): void {
  routes.post("/containers/:id/exec", async (call) => {
    const body = validate(createExecBody, await readJson(call.req.raw));
    if (body.Cmd === null || body.Cmd.length === 0) {
      throw invalidRequest("No exec command specified");
    }
    parseDetachKeys(body.DetachKeys);
    const { id } = await engine.createExec(parameter(call, "id"), {
      cmd: body.Cmd,
      env: body.Env,
      user: body.User,
      workingDir: body.WorkingDir,
      tty: body.Tty,
      privileged: body.Privileged,
      attachStdin: body.AttachStdin,
      attachStdout: body.AttachStdout,
      attachStderr: body.AttachStderr,
      detachKeys: body.DetachKeys,
      consoleSize: body.ConsoleSize,
    });
    return call.json({ Id: id }, 201);
  });
  routes.post("/exec/:id/start", (call) => startExec(call, engine));
  routes.post("/exec/:id/resize", async (call) => {
    const { rows, columns } = terminalSize(call);
    await engine.resizeExec(parameter(call, "id"), rows, columns);
    // Docker says 200 here and nothing else: dockerode takes a 204 for a failure.
    return new Response(null, { status: 200 });
  });
  routes.get("/exec/:id/json", (call) => call.json(engine.inspectExec(parameter(call, "id"))));
}

async function startExec(call: Call, engine: ApiOptions["engine"]): Promise<Response> {
  const body = validate(startExecBody, await readJson(call.req.raw, {}));
  const id = parameter(call, "id");
  const { detachKeys, stdin } = ownSettings(engine.inspectExec(id));
  const version = call.env.version;
  const attached = await engine.startExec(id, {
    detach: body.Detach,
    tty: body.Tty,
    consoleSize: body.ConsoleSize,
  });
  if (attached === null) return new Response(null, { status: 200 });
  return serveAttached(call.req.raw, call.env, attached, { version, stdin, detachKeys });
}

/** What create said, which inspect still knows. */
function ownSettings(exec: Readonly<Record<string, unknown>>): {
  readonly detachKeys: readonly number[];
  readonly stdin: boolean;
} {
  const { DetachKeys: keys, OpenStdin: stdin } = exec;
  return {
    detachKeys: parseDetachKeys(typeof keys === "string" ? keys : ""),
    stdin: stdin === true,
  };
}
