/**
 * Container table: the containers of one engine, in memory.
 *
 * What is on the disk is for the next engine; this one works with what is here. A name is taken and
 * given back in one step with the container, so there is no instant at which two have the same.
 *
 * Kernel interface: none.
 * Invariants: see `names.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import type { Cgroup, CgroupPlan } from "../cgroups/index.ts";
import { hasProcess, transition } from "../container/index.ts";
import type { ContainerEvent, ContainerPlan, ExitRecord } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import type { HostPid } from "../kernel/index.ts";
import type { NamespaceKind } from "../namespaces/index.ts";
import type { MountSpec } from "../volumes/index.ts";
import type { CreateExec, WaitCondition } from "./engine.ts";
import type { ContainerJournal } from "./journal.ts";
import { findContainer } from "./lookup.ts";
import { nameTaken } from "./names.ts";
import type { Definition, History, SignalRequest } from "./record.ts";
import type { ContainerFiles } from "./state-store.ts";

/** Somebody who waits for a container. */
export interface Waiter {
  readonly condition: WaitCondition;
  readonly resolve: (outcome: WaitOutcome) => void;
}

/** What a waiter is told. */
export interface WaitOutcome {
  readonly exitCode: number;
  readonly error: string | null;
}

/** An exec process: made, then started once, then ended. */
export interface Exec {
  readonly id: string;
  readonly request: CreateExec;
  /** It is a check of the container's health: nobody waits for it but this engine. */
  isCheck: boolean;
  status: "created" | "running" | "exited";
  hostPid: HostPid | 0;
  exitCode: number | null;
  /** Told its exit code when it has ended. */
  onEnd?: (exitCode: number) => void;
}

/** What was made before a start. */
export interface Prepared {
  /** What it was made of: an update makes another one. */
  readonly definition: Definition;
  readonly plan: ContainerPlan;
  /** What is missing of its cgroup. */
  readonly missing: CgroupPlan;
}

/** Output that was still held when its process had ended. */
export interface HeldOutput {
  /** Of the container, or of an exec in it. */
  readonly id: string;
  /** As /proc/PID/fd shows them. */
  readonly pipes: readonly string[];
}

/** A container as the engine holds it. Its state changes through `advance` only. */
export class Container {
  definition: Definition;
  history: History;
  readonly files: ContainerFiles;
  readonly journal: ContainerJournal;
  /** What is mounted besides the image; worked out from the definition. */
  mounts: readonly MountSpec[];
  /** The cgroup of the running container. */
  cgroup: Cgroup | null = null;
  /** A keeper is starting it; an exit that is announced meanwhile waits here. */
  starting: { exit: ExitRecord | null } | null = null;
  /** Whether the history is written as it is now. */
  isSaved = true;
  /** Resolves when what the last run left behind is gone. */
  cleaned: Promise<void> = Promise.resolve();
  /** Those who read its files, each until it is done: they keep what they read. */
  readonly readers = new Set<Promise<void>>();
  /** Somebody removes it: what its run leaves behind goes with the rest. */
  isGoing = false;
  /** A restart is under way: its end is no reason to remove it. */
  isKeptAfterExit = false;
  readonly execs = new Map<string, Exec>();
  /** What execs have to join, of the process that was looked at; see `exec.ts`. */
  kinds: { readonly hostPid: HostPid; readonly differing: readonly NamespaceKind[] } | null = null;
  /** Execs that the keeper is starting now: a pause waits for them. */
  readonly execStarts = new Set<Promise<unknown>>();
  waiters: Waiter[] = [];
  /** The last signals that somebody asked for; see `why.ts`. */
  requests: readonly SignalRequest[] = [];
  /** Outputs that outlived their process, the last few. */
  heldOutputs: readonly HeldOutput[] = [];
  /** What is made of its first start, for a second after its creation; see `prepare.ts`. */
  prepared: Prepared | null = null;
  /** From now on nothing is prepared, and what is prepared stays. */
  holdPrepared: () => void = () => undefined;
  /** Ends the checks of its health; see `health.ts`. */
  stopHealth: () => void = () => undefined;
  /** Ends the wait for a restart, without saying what becomes of it; see `restart.ts`. */
  cancelRestart: () => void = () => undefined;

  /** @param parts what is known when the container is made or loaded */
  constructor(parts: Pick<Container, "definition" | "history" | "files" | "journal" | "mounts">) {
    this.definition = parts.definition;
    this.history = parts.history;
    this.files = parts.files;
    this.journal = parts.journal;
    this.mounts = parts.mounts;
  }

  get id(): string {
    return this.definition.id;
  }

  get name(): string {
    return this.definition.name;
  }

  /**
   * Takes the state one event on, by the table of states.
   *
   * @throws RuntimeError when it is not possible
   */
  advance(event: ContainerEvent): void {
    this.history = {
      ...this.history,
      state: transition(this.history.state, event, this.name),
    };
  }

  /** Tells those who wait for one of the conditions, and forgets them. */
  release(conditions: readonly WaitCondition[], outcome: WaitOutcome): void {
    const released = this.waiters.filter(({ condition }) => conditions.includes(condition));
    this.waiters = this.waiters.filter((waiter) => !released.includes(waiter));
    for (const { resolve } of released) resolve(outcome);
  }
}

/** The pid of a container's first process. @throws RuntimeError container-not-running */
export function requireProcess(container: Container): HostPid {
  const { state } = container.history;
  if (hasProcess(state)) return state.hostPid;
  throw notRunning(container);
}

/** What is said about a container without a process, also when it ended a moment ago. */
export function notRunning({ id, name }: Container): RuntimeError {
  return new RuntimeError({
    code: "container-not-running",
    class: "conflict",
    message: `container ${id} is not running`,
    operation: "use container",
    subject: name,
    hint: `drydock start ${name} starts it.`,
  });
}

/** All containers: see the head of this file. */
export class ContainerTable {
  readonly #byId = new Map<string, Container>();

  /** @returns all, in the order in which they were made */
  all(): readonly Container[] {
    return [...this.#byId.values()];
  }

  get(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  /** By id, name or unique prefix. @throws RuntimeError container-not-found, id-ambiguous */
  find(reference: string): Container {
    return findContainer(this.#byId.values(), reference);
  }

  /**
   * For a caller that waited for its lock: whoever had it before may have removed the container,
   * and a definition that is written now would bring it back.
   *
   * @throws RuntimeError container-not-found
   */
  requireThere({ id }: Container): void {
    this.find(id);
  }

  /** Whether a container has the name. */
  hasName(name: string): boolean {
    return this.all().some((container) => container.name === name);
  }

  /** @throws RuntimeError container-name-taken */
  requireFree(name: string): void {
    const owner = this.all().find((container) => container.name === name);
    if (owner !== undefined) throw nameTaken(name, owner.id);
  }

  add(container: Container): void {
    this.requireFree(container.name);
    this.#byId.set(container.id, container);
  }

  delete(id: string): void {
    this.#byId.delete(id);
  }

  /** The exec process with an id, and its container. @throws RuntimeError exec-not-found */
  findExec(execId: string): { readonly container: Container; readonly exec: Exec } {
    for (const container of this.#byId.values()) {
      const exec = container.execs.get(execId);
      if (exec !== undefined) return { container, exec };
    }
    throw new RuntimeError({
      code: "exec-not-found",
      class: "not-found",
      message: `No such exec instance: ${execId}`,
      operation: "find exec",
      subject: execId,
      hint: "A container's last hundred execs are known while it runs.",
    });
  }
}
