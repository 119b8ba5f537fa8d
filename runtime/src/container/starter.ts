/**
 * Starter: makes a process of a start request.
 *
 * The keeper has one, and only holds what it makes. It is a function of the same process or, for
 * plans that may hang, a process of its own (`keeper/starters.ts`), so that a child that hangs, or
 * is killed, in the middle of such a plan costs no other container anything.
 *
 * Kernel interface: vfork(2).
 * Specification: none.
 * Invariants: see `init.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { ErrorParts } from "../errors/index.ts";
import { KernelError, createJournal, injectFaults, traceKernel } from "../kernel/index.ts";
import type { Child, JournalEntry, Kernel, SpawnOptions, TraceOptions } from "../kernel/index.ts";
import { runInit } from "./init.ts";
import { execFailure } from "./init-exec.ts";
import { partsOf } from "./init-failure.ts";
import { StartError } from "./keeper.ts";
import type { StartRequest } from "./keeper.ts";

/** A process that was started. */
export interface Birth {
  readonly child: Child;
  /** What init did; asked for at most once. */
  readonly journal: () => readonly JournalEntry[] | Promise<readonly JournalEntry[]>;
}

/** See the head of this file. */
export interface Starter {
  /** @throws StartError */
  start(request: StartRequest): Birth | Promise<Birth>;
  /** Resolves when what was begun is started or has failed; what hangs is ended. */
  settled(): Promise<void>;
}

/** A starter in this process. */
export interface LocalStarter extends Starter {
  start(request: StartRequest): Birth;
}

/** What a starter works with. */
export interface StarterOptions {
  readonly kernel: Kernel;
  /** For the journal of init; see `traceKernel`. */
  readonly trace: TraceOptions;
}

/** Longer than any plan: the journal of one start. */
const JOURNAL_LIMIT = 2000;

/** A starter in this process: whoever calls it waits for the child. */
export function createStarter({ kernel, trace }: StarterOptions): LocalStarter {
  return {
    start: (request) => {
      const journal = createJournal(JOURNAL_LIMIT);
      const { fault } = request;
      const inner = fault === null ? kernel : injectFaults(kernel, fault).kernel;
      try {
        // The tracer is outside, so that it journals the call that was made to fail.
        const child = spawnInit(traceKernel(inner, journal, trace), request);
        return { child, journal: () => journal.entries() };
      } catch (error) {
        throw new StartError(startFailure(request, error), journal.entries());
      }
    },
    settled: () => Promise.resolve(),
  };
}

/** How the child of a request is made. */
export function spawnOptionsOf(
  request: Pick<StartRequest, "pidNamespace" | "stdio" | "outlivedByMounts">,
): SpawnOptions {
  const { pidNamespace, stdio, outlivedByMounts } = request;
  return {
    pidNamespace,
    stdio: stdio.terminal ? "terminal" : "pipes",
    stdin: stdio.openStdin,
    outlivedByMounts,
  };
}

function spawnInit(kernel: Kernel, request: StartRequest): Child {
  const { plan, idMaps } = request;
  const userNamespace = idMaps === null ? null : kernel.createUserNamespace(idMaps);
  try {
    return kernel.spawn(spawnOptionsOf(request), (inside) => runInit(inside, plan, userNamespace));
  } finally {
    if (userNamespace !== null) kernel.closeUserNamespace(userNamespace);
  }
}

/** What a start that failed tells, whichever part of it did. */
function startFailure({ plan }: StartRequest, error: unknown): ErrorParts {
  const exec = plan.at(-1);
  const command = exec?.op === "exec" ? (exec.argv[0] ?? "") : "";
  const failure = execFailure(command, error);
  if (failure instanceof RuntimeError) return partsOf(failure);
  if (failure instanceof KernelError) return notSpawned(failure);
  return {
    code: "keeper-failed",
    class: "internal",
    message: `init failed: ${failure instanceof Error ? failure.message : String(failure)}`,
    operation: "start process",
  };
}

function notSpawned(error: KernelError): ErrorParts {
  return {
    code: "kernel-call-failed",
    class: "internal",
    message: `Cannot make the process: ${error.message}`,
    operation: "start process",
    subject: error.subject,
    errno: error.errno,
    hint:
      "EAGAIN and ENOMEM: the machine has no process or memory left. " +
      "ESRCH: the container has ended.",
  };
}
