/**
 * States: the life of a container, as a table.
 *
 * A container is a record that lives longer than its process. What it may do next depends on one
 * word, its status, and the words are Docker's. The table below is the only place that says which
 * event leads where; the same table draws the diagram of the page, answers in Docker's words when
 * something is not possible, and drives the model-based test.
 *
 *     created ──start──▶ running ──exit──▶ exited ──remove──▶ removing ──▶ (gone)
 *                        │  ▲  │ ▲           │                   │ ▲
 *                   pause▼  │  │ └───start───┘      fail-removal ▼ │ remove
 *                       paused │                                dead
 *                              └─await-restart─▶ restarting
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, ContainerState.
 * Invariants:
 *   transitions-are-legal   every event either follows the table or changes nothing and says why
 *   states-are-whole   after every transition the state satisfies assertContainer
 * Left out: health, which is a state of its own beside this one.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { ErrorParts } from "../errors/index.ts";
import type { HostPid } from "../kernel/index.ts";

/** How the last run of a container went. */
export interface Ended {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** 0 to 255. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why the start failed, empty when the process just ended. */
  readonly error: string;
}

/** A container's state: the status, and exactly what is known in it. */
export type ContainerState =
  /** `failure` is set when a first start was tried in vain. */
  | { readonly status: "created"; readonly failure: Ended | null }
  | { readonly status: "running"; readonly hostPid: HostPid; readonly startedAtMs: number }
  | { readonly status: "paused"; readonly hostPid: HostPid; readonly startedAtMs: number }
  | { readonly status: "restarting"; readonly ended: Ended }
  | { readonly status: "exited"; readonly ended: Ended }
  | { readonly status: "removing"; readonly ended: Ended | null }
  /** A removal that failed half way; it can be tried again. */
  | { readonly status: "dead"; readonly ended: Ended | null; readonly error: string };

/** The word for a state, as Docker spells it. */
export type ContainerStatus = ContainerState["status"];

/** What happens to a container. */
export type ContainerEvent =
  | { readonly type: "start"; readonly hostPid: HostPid; readonly startedAtMs: number }
  | {
      readonly type: "fail-start";
      readonly atMs: number;
      readonly exitCode: number;
      readonly error: string;
    }
  | {
      readonly type: "exit" | "await-restart";
      readonly finishedAtMs: number;
      readonly exitCode: number;
      readonly oomKilled: boolean;
    }
  | { readonly type: "pause" }
  | { readonly type: "unpause" }
  | { readonly type: "cancel-restart" }
  | { readonly type: "remove" }
  | { readonly type: "fail-removal"; readonly error: string };

/** The word for an event. */
export type ContainerEventType = ContainerEvent["type"];

/** From each status, where each event leads. What is missing is not possible. */
export const TRANSITIONS: Readonly<
  Record<ContainerStatus, Readonly<Partial<Record<ContainerEventType, ContainerStatus>>>>
> = {
  created: { start: "running", "fail-start": "created", remove: "removing" },
  running: { pause: "paused", exit: "exited", "await-restart": "restarting" },
  paused: { unpause: "running", exit: "exited", "await-restart": "restarting" },
  restarting: { start: "running", "fail-start": "exited", "cancel-restart": "exited" },
  exited: { start: "running", "fail-start": "exited", remove: "removing" },
  removing: { "fail-removal": "dead" },
  dead: { remove: "removing" },
};

/** The state of a container that was just created. */
export const CREATED: ContainerState = { status: "created", failure: null };

/**
 * The state after an event.
 *
 * @param state is not changed
 * @param event what happened, or is about to
 * @param name of the container, for the message
 * @throws RuntimeError in Docker's words when the table has no such transition
 * @example transition(CREATED, { type: "remove" }, "web").status // "removing"
 */
export function transition(
  state: ContainerState,
  event: ContainerEvent,
  name: string,
): ContainerState {
  const target = TRANSITIONS[state.status][event.type];
  if (target === undefined) throw refusal(state.status, event.type, name);
  const next = stateAfter(state, event, target);
  assertContainer(next);
  return next;
}

/**
 * @throws RuntimeError in Docker's words unless the event is possible now; for a look before
 * effects are taken
 */
export function requireTransition(
  state: ContainerState,
  event: ContainerEventType,
  name: string,
): void {
  if (TRANSITIONS[state.status][event] === undefined) throw refusal(state.status, event, name);
}

function stateAfter(
  state: ContainerState,
  event: ContainerEvent,
  target: ContainerStatus,
): ContainerState {
  switch (event.type) {
    case "start":
      return { status: "running", hostPid: event.hostPid, startedAtMs: event.startedAtMs };
    case "pause":
    case "unpause":
      return { ...runOf(state), status: event.type === "pause" ? "paused" : "running" };
    case "exit":
    case "await-restart":
      return {
        status: event.type === "exit" ? "exited" : "restarting",
        ended: { ...endOf(event), startedAtMs: runOf(state).startedAtMs, error: "" },
      };
    case "fail-start": {
      const ended = failedStart(event);
      return target === "created"
        ? { status: "created", failure: ended }
        : { status: "exited", ended };
    }
    case "cancel-restart":
      return { status: "exited", ended: knownEnd(lastEndOf(state)) };
    case "remove":
      return { status: "removing", ended: lastEndOf(state) };
    case "fail-removal":
      return { status: "dead", ended: lastEndOf(state), error: event.error };
  }
}

function endOf(event: ContainerEvent & { type: "exit" | "await-restart" }) {
  const { finishedAtMs, exitCode, oomKilled } = event;
  return { finishedAtMs, exitCode, oomKilled };
}

function failedStart(event: ContainerEvent & { type: "fail-start" }): Ended {
  return {
    startedAtMs: event.atMs,
    finishedAtMs: event.atMs,
    exitCode: event.exitCode,
    oomKilled: false,
    error: event.error,
  };
}

function runOf(state: ContainerState): { hostPid: HostPid; startedAtMs: number } {
  if (state.status !== "running" && state.status !== "paused") {
    throw new Error(`bug: a container that is ${state.status} has no process`);
  }
  return { hostPid: state.hostPid, startedAtMs: state.startedAtMs };
}

function knownEnd(ended: Ended | null): Ended {
  if (ended === null) throw new Error("bug: a container that waits for a restart has run before");
  return ended;
}

/** How the container's last run went; null when it never ran or is running. */
export function lastEndOf(state: ContainerState): Ended | null {
  switch (state.status) {
    case "created":
      return state.failure;
    case "running":
    case "paused":
      return null;
    case "restarting":
    case "exited":
    case "removing":
    case "dead":
      return state.ended;
  }
}

/** Whether the container has a process: running or paused. */
export function hasProcess(
  state: ContainerState,
): state is Extract<ContainerState, { readonly hostPid: HostPid }> {
  return state.status === "running" || state.status === "paused";
}

/**
 * Throws when a state is not whole: a bug, never an operational failure.
 *
 * @param state to look at
 */
export function assertContainer(state: ContainerState): void {
  const faults: string[] = [];
  if (hasProcess(state) && !(Number.isInteger(state.hostPid) && state.hostPid > 0)) {
    faults.push(`host pid ${state.hostPid}`);
  }
  const ended = lastEndOf(state);
  if (ended !== null) faults.push(...faultsOfEnd(ended));
  if (faults.length > 0) throw new Error(`bug: ${state.status} container with ${faults.join()}`);
}

function faultsOfEnd({ exitCode, startedAtMs, finishedAtMs }: Ended): readonly string[] {
  const faults: string[] = [];
  if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) {
    faults.push(`exit code ${exitCode}`);
  }
  if (!(Number.isFinite(startedAtMs) && Number.isFinite(finishedAtMs))) faults.push("no times");
  return faults;
}

type Refusal = Pick<ErrorParts, "code" | "class" | "message"> & { readonly hint?: string };

const NOT_PAUSED: Refusal = {
  code: "container-not-paused",
  class: "conflict",
  message: "Container % is not paused",
};

/** What Docker says when an event is not possible: by event, then by status; `%` is the name. */
const REFUSALS: Readonly<
  Partial<Record<ContainerEventType, Readonly<Partial<Record<ContainerStatus, Refusal>>>>>
> = {
  start: {
    running: {
      code: "container-already-started",
      class: "not-modified",
      message: "container % is already running",
    },
    paused: {
      code: "container-paused",
      class: "conflict",
      message: "cannot start a paused container, try unpause instead",
      hint: "Unpause it.",
    },
  },
  pause: {
    paused: {
      code: "container-paused",
      class: "conflict",
      message: "Container % is already paused",
    },
    restarting: {
      code: "container-not-running",
      class: "conflict",
      message: "Container % is restarting, wait until the container is running",
    },
  },
  unpause: { created: NOT_PAUSED, running: NOT_PAUSED, exited: NOT_PAUSED },
  remove: {
    running: {
      code: "container-running",
      class: "conflict",
      message:
        'cannot remove container "%": container is running: ' +
        "stop the container before removing or force remove",
      hint: "Stop it first, or remove it with --force.",
    },
    paused: {
      code: "container-paused",
      class: "conflict",
      message:
        'cannot remove container "%": container is paused and must be unpaused first: ' +
        "unpause and stop the container before removing or force remove",
      hint: "Unpause and stop it first, or remove it with --force.",
    },
    restarting: {
      code: "container-running",
      class: "conflict",
      message:
        'cannot remove container "%": container is restarting: ' +
        "stop the container before removing or force remove",
      hint: "Stop it first, or remove it with --force.",
    },
    removing: {
      code: "container-being-removed",
      class: "conflict",
      message: "removal of container % is already in progress",
    },
  },
};

const NOT_RUNNING: Refusal = {
  code: "container-not-running",
  class: "conflict",
  message: "Container % is not running",
};

const BEING_REMOVED: Refusal = {
  code: "container-being-removed",
  class: "conflict",
  message: "container % is marked for removal and cannot be started",
};

function refusal(status: ContainerStatus, event: ContainerEventType, name: string): RuntimeError {
  const leaving = status === "removing" || status === "dead";
  const known = REFUSALS[event]?.[status] ?? (leaving ? BEING_REMOVED : NOT_RUNNING);
  return new RuntimeError({
    ...known,
    message: known.message.replace("%", name),
    operation: `${event} container`,
    subject: name,
  });
}

/**
 * The table as a mermaid diagram, for the page.
 *
 * @example stateDiagram().split("\n")[0] // "stateDiagram-v2"
 */
export function stateDiagram(): string {
  const arrows = Object.entries(TRANSITIONS).flatMap(([from, events]) =>
    Object.entries(events).map(([event, to]) => `  ${from} --> ${to}: ${event}`),
  );
  return ["stateDiagram-v2", "  [*] --> created: create", ...arrows, "  removing --> [*]"].join(
    "\n",
  );
}
