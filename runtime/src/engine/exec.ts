/**
 * Exec: another process in a running container.
 *
 * It joins the namespaces and the cgroup of the container's first process, and is otherwise a
 * process of its own: its own user, directory, terminal and exit code. Made first, started once.
 *
 * Kernel interface: setns(2).
 * Specification: Docker Engine API v1.50, ContainerExec, ExecStart, ExecInspect.
 * Invariants: none of its own.
 * Left out: what was made and not yet started is unknown to the next engine.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { joinFiles } from "../cgroups/index.ts";
import { exitCodeOf, exitCodeOfFailure, planExec, StartError } from "../container/index.ts";
import type { ExecNote, Kept, Started, StartRequest } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { HostPid, JournalEntry } from "../kernel/index.ts";
import { differingKinds, readNamespaces } from "../namespaces/index.ts";
import type { NamespaceKind } from "../namespaces/index.ts";
import { withAdvice } from "./command-advice.ts";
import { notRunning, requireProcess } from "./container-table.ts";
import type { Container, Exec } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { ApiObject, CreateExec, ProcessLine } from "./engine.ts";
import { seccompOf } from "./plan-facts.ts";
import { encodeFrame } from "../wire/index.ts";

const ID_BYTES = 32;
/** Ended ones that a container remembers; the oldest are forgotten first. */
const REMEMBERED = 100;

/** Makes an exec. @throws RuntimeError container-not-running, command-missing */
export function createExec(
  engine: EngineContext,
  container: Container,
  request: CreateExec,
): { readonly id: string } {
  requireRunning(container);
  if (request.cmd.length === 0) {
    throw new RuntimeError({
      code: "command-missing",
      class: "invalid",
      message: "No exec command specified",
      operation: "create exec",
      subject: container.name,
      hint: "Name the command after the container.",
    });
  }
  const id = Array.from(engine.kernel.random(ID_BYTES), (b) => b.toString(16).padStart(2, "0"));
  const exec: Exec = {
    id: id.join(""),
    request,
    isCheck: false,
    status: "created",
    hostPid: 0,
    exitCode: null,
  };
  const ended = [...container.execs.values()].filter(({ status }) => status === "exited");
  for (const { id } of ended.slice(0, -REMEMBERED)) container.execs.delete(id);
  container.execs.set(exec.id, exec);
  tellExec(engine, { container, exec }, `exec_create: ${request.cmd.join(" ")}`);
  return { id: exec.id };
}

/** An exec with the container that it is in. */
export interface ExecTarget {
  readonly container: Container;
  readonly exec: Exec;
}

/** How to start: see `Engine.startExec`. */
export interface StartExecOptions {
  readonly detach: boolean;
  readonly tty: boolean;
  readonly consoleSize: readonly [number, number];
}

/**
 * Starts an exec.
 *
 * A client that listens has its line at once, while the process is still being made. A command that
 * cannot be started is told on that line, as Docker does, and as exit code 126 or 127; a detached
 * client gets the error.
 *
 * @returns the client's line; null when detached
 * @throws RuntimeError exec-already-started, container-not-running, and when detached what
 * `Keeper.start` throws
 */
export async function startExec(
  engine: EngineContext,
  target: ExecTarget,
  options: StartExecOptions,
): Promise<ProcessLine | null> {
  const { container, exec } = target;
  requireRunning(container);
  if (exec.status !== "created") throw alreadyStarted(exec);
  const request = startRequest(engine, container, exec, options.consoleSize);
  exec.status = "running";
  tellExec(engine, target, `exec_start: ${exec.request.cmd.join(" ")}`);
  if (options.detach) {
    const failure = await begin(engine, target, engine.keeper.current.start(request));
    if (failure !== undefined) throw framed(failure);
    return null;
  }
  const { attachStdin, attachStdout, attachStderr, tty } = exec.request;
  const streams = { stdin: attachStdin, stdout: attachStdout, stderr: attachStderr };
  const lastWords = async (): Promise<Uint8Array> => {
    const error = await failure;
    return error === undefined ? new Uint8Array() : failureText(error, tty);
  };
  const { line, started } = engine.keeper.current.startAttached(request, streams, lastWords);
  const failure = begin(engine, target, started);
  return {
    ...line,
    raw: tty,
    detachByKeys: () => {
      tellExec(engine, target, "exec_detach");
      line.detach();
    },
  };
}

/**
 * Waits until the keeper has started it; a pause waits along, see `pause.ts`.
 *
 * @returns why it could not; then attached lines have ended
 */
async function begin(
  engine: EngineContext,
  { container, exec }: ExecTarget,
  starting: Promise<Started>,
): Promise<Error | undefined> {
  const keeper = engine.keeper.current;
  container.execStarts.add(starting);
  try {
    exec.hostPid = (await starting).hostPid;
    noteStart(container, exec, () => keeper.takeJournal(exec.id));
    return undefined;
  } catch (failure) {
    if (failure instanceof StartError) noteStart(container, exec, async () => failure.journal);
    const error = reasonOf(container, failure);
    exec.status = "exited";
    exec.exitCode = error instanceof RuntimeError ? exitCodeOfFailure(error) : START_FAILED;
    container.journal.noteExec(exec.id, { exitCode: exec.exitCode });
    exec.onEnd?.(exec.exitCode);
    await keeper.forget(exec.id).catch(() => undefined);
    const told = await withAdvice(engine, container, error, exec.request);
    return told instanceof Error ? told : new Error(String(told));
  } finally {
    container.execStarts.delete(starting);
  }
}

/** That the container has ended meanwhile says more than which kernel call found out. */
function reasonOf(container: Container, failure: unknown): unknown {
  if (!(failure instanceof RuntimeError) || failure.code !== "kernel-call-failed") return failure;
  try {
    kindsToJoin(container, requireProcess(container));
    return failure;
  } catch (ended) {
    return ended;
  }
}

/** The journal tells what it was, and what its init did. */
function noteStart(
  { journal }: Container,
  { id, request }: Exec,
  ask: () => Promise<readonly JournalEntry[]>,
): void {
  journal.noteExec(id, { command: request.cmd });
  journal.addInit(ask, id);
}

function tellExec({ events }: EngineContext, target: ExecTarget, action: string): void {
  events.tellContainer(target.container.definition, action, { execID: target.exec.id });
}

/** As for a container whose start failed for a reason that is not the command's. */
const START_FAILED = 128;

/** Docker's frame around what its runtime says; a user that is not there its daemon finds out. */
function framedText(error: Error): string {
  const isOwn = error instanceof RuntimeError && error.code === "user-not-found";
  return isOwn ? error.message : `OCI runtime exec failed: exec failed: ${error.message}: unknown`;
}

function framed(error: Error): Error {
  if (!(error instanceof RuntimeError)) return error;
  const { code, operation, subject, hint } = error;
  const parts = { code, class: error.class, operation, subject, hint };
  return new RuntimeError({ ...parts, message: framedText(error), cause: error });
}

function failureText(error: Error, raw: boolean): Uint8Array {
  const hint = error instanceof RuntimeError ? (error.hint ?? "") : "";
  const advice = hint === "" ? "" : `${hint.replaceAll("\n", "\r\n")}\r\n`;
  const bytes = new TextEncoder().encode(`${framedText(error)}\r\n${advice}`);
  return raw ? bytes : encodeFrame("stdout", bytes);
}

function startRequest(
  engine: EngineContext,
  container: Container,
  exec: Exec,
  [rows, columns]: readonly [number, number],
): StartRequest {
  const { request } = exec;
  const pid = requireProcess(container);
  const plan = planExec({
    hostPid: pid,
    kinds: kindsToJoin(container, pid),
    cgroupFiles: container.cgroup === null ? [] : joinFiles(container.cgroup),
    config: container.definition.config,
    hostConfig: container.definition.hostConfig,
    machine: engine.machine,
    seccomp: seccompOf(engine, container.definition.hostConfig),
    command: request.cmd,
    env: request.env,
    user: request.user,
    workingDir: request.workingDir,
    tty: request.tty,
    privileged: request.privileged,
  });
  const size = rows > 0 ? { rows, columns } : sizeOf(request);
  return {
    id: exec.id,
    kind: "exec",
    plan: plan.init,
    pidNamespace: plan.pidNamespace,
    idMaps: null,
    stdio: { terminal: request.tty, openStdin: request.attachStdin, stdinOnce: true, ...size },
    outlivedByMounts: false,
    logPath: null,
    exitPath: null,
    note: noteOf(container, exec),
    fault: engine.options.nextInitFault?.() ?? null,
  };
}

function noteOf(container: Container, { request, isCheck }: Exec): ExecNote {
  const memo: Memo = { request, isCheck };
  return { containerId: container.id, memo, isEndKept: !isCheck };
}

/** What the keeper remembers for us. */
type Memo = Pick<Exec, "request" | "isCheck">;

/**
 * An exec that was started before this engine came. A check of the engine before is nobody's: its
 * answer would come too late, so it is killed.
 */
export function restoreExec(engine: EngineContext, kept: Kept): void {
  const { id, hostPid, note, ended } = kept;
  const container = engine.containers.get(note?.containerId ?? "");
  if (container === undefined || note === undefined) return;
  const memo = note.memo as Memo; // `startRequest` wrote it
  if (!memo.isCheck) {
    const outcome =
      ended === undefined
        ? ({ status: "running", exitCode: null } as const)
        : ({ status: "exited", exitCode: exitCodeOf(ended) } as const);
    container.execs.set(id, { id, ...memo, hostPid, ...outcome });
  } else if (ended === undefined) {
    // A keeper that is gone has taken it along.
    engine.keeper.current.signal(id, "SIGKILL").catch(() => undefined);
  }
}

/**
 * The namespaces that the container's process does not share with us. Neither of us leaves any, so
 * they are compared once for each run; but it may have ended although nobody has told us yet.
 */
function kindsToJoin(container: Container, pid: HostPid): readonly NamespaceKind[] {
  const { kernel } = container.journal;
  try {
    if (container.kinds?.hostPid === pid) {
      kernel.readlink(`/proc/${pid}/ns/mnt`);
      return container.kinds.differing;
    }
    const differing = differingKinds(readNamespaces(kernel, "self"), readNamespaces(kernel, pid));
    container.kinds = { hostPid: pid, differing };
    return differing;
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") throw notRunning(container);
    throw error;
  }
}

function sizeOf({ consoleSize: [rows, columns] }: CreateExec): { rows: number; columns: number } {
  return { rows, columns };
}

function requireRunning(container: Container): void {
  if (container.history.state.status !== "paused") {
    requireProcess(container);
    return;
  }
  throw new RuntimeError({
    code: "container-paused",
    class: "conflict",
    message: `Container ${container.name} is paused, unpause the container before exec`,
    operation: "exec",
    subject: container.name,
    hint: "Unpause it first.",
  });
}

function alreadyStarted(exec: Exec): RuntimeError {
  return new RuntimeError({
    code: "exec-already-started",
    class: "conflict",
    message:
      exec.status === "running"
        ? `exec command ${exec.id} is already running`
        : `exec command ${exec.id} has already run`,
    operation: "start exec",
    subject: exec.id,
    hint: "An exec runs once: make another.",
  });
}

/** The answer of `GET /exec/{id}/json`. */
export function inspectExec({ container, exec }: ExecTarget): ApiObject {
  const { request } = exec;
  const [entrypoint = "", ...args] = request.cmd;
  return {
    ID: exec.id,
    Running: exec.status === "running",
    ExitCode: exec.exitCode,
    ProcessConfig: {
      tty: request.tty,
      entrypoint,
      arguments: args,
      privileged: request.privileged,
      user: request.user,
    },
    OpenStdin: request.attachStdin,
    OpenStderr: request.attachStderr,
    OpenStdout: request.attachStdout,
    CanRemove: exec.status === "exited",
    ContainerID: container.id,
    DetachKeys: request.detachKeys,
    Pid: exec.hostPid,
  };
}
