import { expect, test } from "vitest";
import { reasonsFor, type End, type Facts } from "./reasons.ts";

const END: End = {
  exitCode: 137,
  oomKilled: false,
  startedAtMs: 0,
  finishedAtMs: 60_000,
  signal: "SIGKILL",
  requests: [],
  memory: null,
  isPrevious: false,
};

const FACTS: Facts = {
  name: "web",
  command: ["server"],
  terminal: false,
  init: false,
  status: "exited",
  error: "",
  startedAtMs: 0,
  end: END,
  restart: { policy: "no", maximum: 0, count: 0, delayMs: 0, isStopped: false },
  health: null,
  zombies: [],
  held: [],
};

const say = (more: Partial<Facts>): string =>
  reasonsFor({ ...FACTS, ...more }, 180_000)
    .map(({ what, advice = "" }) => `${what}\n${advice}`)
    .join("\n");

const stop = { by: "stop", signal: "SIGTERM", atMs: 1000, patienceSeconds: 10 } as const;
const timeout = { by: "timeout", signal: "SIGKILL", atMs: 11_000, patienceSeconds: 10 } as const;
const kill = { by: "kill", signal: "SIGKILL", atMs: 2000 } as const;
const memory = { peakBytes: 64 << 20, limitBytes: 64 << 20 };
const restart = { policy: "always", maximum: 0, count: 2, delayMs: 400, isStopped: false };

test.each<[string, Partial<Facts>]>([
  ["web ended 2 minutes ago by the signal SIGKILL, exit code 137", {}],
  ["Nobody asked the engine for that, and its memory limit was not reached.", {}],
  ["sent SIGTERM; it did not end within 10 s", { end: { ...END, requests: [stop, timeout] } }],
  ["a shell, which does not", { command: ["sh", "-c"], end: { ...END, requests: [timeout] } }],
  ["it was killed through the engine", { end: { ...END, requests: [kill] } }],
  ["killed its first process. It had 64MiB at most", { end: { ...END, oomKilled: true, memory } }],
  [
    "killed one of its processes. It had no limit of its own",
    { end: { ...END, oomKilled: true, signal: null } },
  ],
  [
    "drydock stop sent SIGTERM, and it obeyed.",
    { end: { ...END, signal: null, exitCode: 0, requests: [stop] } },
  ],
  [
    "its policy, as its check failed too often, sent SIGTERM; it did not end within 10 s",
    { end: { ...END, requests: [{ ...stop, by: "health" }, timeout] } },
  ],
  ["shells say it of a command that SIGKILL ended", { end: { ...END, signal: null } }],
  ["a fault of the program", { end: { ...END, signal: "SIGSEGV", exitCode: 139 } }],
  ["its command was not found", { end: { ...END, signal: null, exitCode: 127 } }],
  ["Whether somebody asked for that is not known", { end: { ...END, requests: null } }],
  ["while no daemon was running", { end: { ...END, signal: null, exitCode: 1, requests: null } }],
  [
    "a shell that nobody types into ends",
    { command: ["sh"], end: { ...END, signal: null, exitCode: 0, finishedAtMs: 100 } },
  ],
  ["web was created and never started.", { status: "created", end: null }],
  ["web could not be started: no memory", { status: "created", end: null, error: "no memory" }],
  ["web has been running for 3 minutes.", { status: "running", end: null }],
  ["the kernel holds all its processes still", { status: "paused", end: null }],
  [
    "always starts it again, 0.4 s after its end; so far 2 times",
    { status: "restarting", restart },
  ],
  [
    "has started it again 2 times, the last time after the signal SIGKILL",
    { status: "running", restart, end: { ...END, isPrevious: true } },
  ],
  ["leaves it alone: a person stopped it", { restart: { ...restart, isStopped: true } }],
  ["on-failure:2 gave up", { restart: { ...restart, policy: "on-failure", maximum: 2 } }],
  [
    "on-failure leaves it alone: it did not fail",
    { end: { ...END, exitCode: 0, signal: null }, restart: { ...restart, policy: "on-failure" } },
  ],
  [
    "Its check (curl x) failed 3 times in a row, and 3 are too many: it is unhealthy.\n" +
      "  1970-01-01T00:00:05Z  exit code 7: refused\n  1970-01-01T00:00:09Z  no answer in time",
    {
      status: "running",
      end: null,
      health: {
        status: "unhealthy",
        failingStreak: 3,
        retries: 3,
        command: ["curl", "x"],
        log: [
          { startMs: 5000, exitCode: 7, output: "refused\nmore" },
          { startMs: 9000, exitCode: -1, output: "" },
        ],
      },
    },
  ],
  [
    "One process has ended and nobody asked how: zombies.\n  17 (sleep), child of 9 (sh)",
    { zombies: [{ pid: 17, name: "sleep", parentPid: 9, parentName: "sh" }] },
  ],
  [
    "What exec 0123456789ab ran has ended, but its output is still held by 7 (sleep 9).",
    { held: [{ exec: "0123456789abcdef", holders: ["7 (sleep 9)"] }] },
  ],
  [
    "looks like a list of words but is no JSON",
    {
      command: ["/bin/sh", "-c", '["npm", "start]'],
      end: { ...END, signal: null, exitCode: 2, requests: [] },
    },
  ],
])("%s", (words, facts) => {
  expect(say(facts)).toContain(words);
});
