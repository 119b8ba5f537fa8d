import { expect, test } from "vitest";
import { RuntimeError, httpStatusOf } from "../errors/index.ts";
import { CREATED, TRANSITIONS, stateDiagram, transition } from "./states.ts";
import type { ContainerEvent, ContainerState } from "./states.ts";

const started = { type: "start", hostPid: 7, startedAtMs: 1 } as const;
const ended = { type: "exit", finishedAtMs: 2, exitCode: 3, oomKilled: false } as const;

function after(...events: readonly ContainerEvent[]): ContainerState {
  return events.reduce((state, event) => transition(state, event, "web"), CREATED);
}

function refusalOf(state: ContainerState, event: ContainerEvent): RuntimeError {
  try {
    transition(state, event, "web");
  } catch (error) {
    if (error instanceof RuntimeError) return error;
    throw error;
  }
  throw new Error("was possible");
}

test("transition() goes through a whole life and keeps how the run went", () => {
  const state = after(started, { type: "pause" }, { type: "unpause" }, ended);
  expect(state).toEqual({
    status: "exited",
    ended: { startedAtMs: 1, finishedAtMs: 2, exitCode: 3, oomKilled: false, error: "" },
  });
  expect(after(started, ended, { type: "remove" }).status).toBe("removing");
  expect(after(started, ended, started).status).toBe("running");
});

test("a start that failed leaves a created container created, with the reason", () => {
  const failed = { type: "fail-start", atMs: 5, exitCode: 127, error: "no such file" } as const;
  expect(after(failed)).toMatchObject({ status: "created", failure: { exitCode: 127 } });
  expect(after(started, ended, failed)).toMatchObject({
    status: "exited",
    ended: { exitCode: 127, error: "no such file" },
  });
});

test("what is not possible is refused in Docker's words and with Docker's status", () => {
  const running = after(started);
  const cases = [
    [running, started, 304, "container web is already running"],
    [after(started, { type: "pause" }), started, 409, "cannot start a paused container"],
    [running, { type: "remove" }, 409, "stop the container before removing or force remove"],
    [CREATED, { type: "pause" }, 409, "Container web is not running"],
    [running, { type: "unpause" }, 409, "Container web is not paused"],
    [after({ type: "remove" }), started, 409, "marked for removal and cannot be started"],
    [after({ type: "remove" }), { type: "remove" }, 409, "is already in progress"],
  ] as const;
  for (const [state, event, status, words] of cases) {
    const refusal = refusalOf(state, event);
    expect([refusal.message, httpStatusOf(refusal.class)]).toEqual([
      expect.stringContaining(words),
      status,
    ]);
  }
});

test("stateDiagram() draws every transition of the table, and nothing else", () => {
  const arrows = Object.values(TRANSITIONS).reduce((sum, to) => sum + Object.keys(to).length, 0);
  const lines = stateDiagram().split("\n");
  expect(lines).toHaveLength(arrows + 3);
  expect(lines).toContain("  running --> paused: pause");
});
