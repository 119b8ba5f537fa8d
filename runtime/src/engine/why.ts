/**
 * Why: what the engine knows of how a container came to be as it is.
 *
 * The state says that a container ended with 137. This says which signal it was, whether somebody
 * asked for it through the engine and when, how much memory there was, and what its policy makes of
 * it. It is written down when a run ends, from what is known then anyway; the rest is looked up
 * when somebody asks.
 *
 * Kernel interface: cgroups(7) for the memory, proc_pid_status(5) for zombies.
 * Specification: none; GET /drydock/containers/NAME/why.
 * Invariants: none.
 * Left out: who on the host sent a signal past the engine: the kernel tells nobody.
 * Docs: docs/concepts/why.md
 *
 * @module
 */

import { readCgroupUsage } from "../cgroups/index.ts";
import type { Cgroup } from "../cgroups/index.ts";
import { hasProcess, lastEndOf, planHealth } from "../container/index.ts";
import type { Ended, ExitRecord } from "../container/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { ApiObject } from "./engine.ts";
import { heldOutputs } from "./held-output.ts";
import { commandOf } from "./inspect.ts";
import { lookOr } from "./look.ts";
import type { Account, History, SignalRequest } from "./record.ts";
import { readExitRecord } from "./state-store.ts";
import { zombiesOf } from "./zombies.ts";

const REQUESTS_KEPT = 16;

/** Takes note of a request. */
export function noteRequest(container: Container, request: SignalRequest): void {
  container.requests = [...container.requests.slice(1 - REQUESTS_KEPT), request];
}

/** What is known when a run ends. @param cgroup of a run that was killed for memory, else null */
export function accountFor(
  kernel: Kernel,
  { history, requests }: Container,
  record: ExitRecord,
  cgroup: Cgroup | null,
): Account {
  const { state } = history;
  const startedAtMs = hasProcess(state) ? state.startedAtMs : 0;
  return {
    finishedAtMs: record.finishedAtMs,
    signal: "signal" in record.status ? record.status.signal : null,
    requests: requests.filter(({ atMs }) => atMs >= startedAtMs),
    memory: cgroup === null ? null : memoryOf(kernel, cgroup),
  };
}

function memoryOf(kernel: Kernel, cgroup: Cgroup): Account["memory"] {
  const usage = lookOr(() => readCgroupUsage(kernel, cgroup), null);
  if (usage === null) return null;
  const { memoryPeakBytes, memoryLimitBytes } = usage;
  const limitBytes = Number.isFinite(memoryLimitBytes) ? memoryLimitBytes : null;
  return { peakBytes: memoryPeakBytes, limitBytes };
}

/** The answer of `GET /drydock/containers/{id}/why`. */
export function whyContainer(engine: EngineContext, container: Container): ApiObject {
  const { definition, history } = container;
  const { config, hostConfig } = definition;
  const ended = lastEndOf(history.state);
  return {
    id: definition.id,
    name: definition.name,
    image: config.Image,
    command: commandOf(definition),
    terminal: config.Tty,
    init: hostConfig.Init ?? false,
    ...stateOf(history, ended),
    end: endOf(engine, container, ended),
    restart: restartOf(container),
    health: healthOf(container),
    zombies: zombiesOf(engine.kernel, container),
    held: heldOutputs(engine.kernel, container),
  };
}

function stateOf({ state }: History, ended: Ended | null): object {
  const { status } = state;
  const error = status === "dead" ? state.error : (ended?.error ?? "");
  const startedAtMs = hasProcess(state) ? state.startedAtMs : (ended?.startedAtMs ?? null);
  return { status, error, startedAtMs };
}

function restartOf({ definition, history }: Container): object {
  const { Name, MaximumRetryCount } = definition.hostConfig.RestartPolicy;
  const { restartCount, restartDelayMs = 0, isStopped = false } = history;
  return {
    policy: Name || "no",
    maximum: MaximumRetryCount,
    count: restartCount,
    delayMs: restartDelayMs,
    isStopped,
  };
}

function healthOf({ definition, history: { health } }: Container): object | null {
  const plan = planHealth(definition.config.Healthcheck ?? null);
  if (health === undefined || plan === null) return null;
  return { ...health, command: plan.command, retries: plan.retries };
}

/** Of the last run that has ended, which need not be the last one. */
function endOf(
  { kernel }: EngineContext,
  { history, files }: Container,
  ended: Ended | null,
): object | null {
  const { account } = history;
  if (ended === null) return account === undefined ? null : { ...account, isPrevious: true };
  if (account !== undefined && account.finishedAtMs === ended.finishedAtMs) {
    return { ...ended, ...account, isPrevious: false };
  }
  // It ended while no daemon was there: only its keeper wrote something down.
  const record = readExitRecord(kernel, files);
  const isIts = record !== null && record.finishedAtMs === ended.finishedAtMs;
  const signal = isIts && "signal" in record.status ? record.status.signal : null;
  return { ...ended, signal, requests: null, memory: null, isPrevious: false };
}
