/**
 * Record: what the engine remembers of a container.
 *
 * Two documents with different promises. The definition says what the container is: complete at
 * creation, changed only by a new name. The history says what became of it: its last start, its
 * last end. The definition must survive a power cut, for somebody was told that the container
 * exists. The history need not: after a power cut nothing runs, and what a lost history would have
 * said ("it runs") is no longer true. `state-store.ts` writes each accordingly.
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: checkpoints.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { CREATED } from "../container/index.ts";
import type { ContainerConfig, ContainerState, Health, HostConfig } from "../container/index.ts";
import type { Digest } from "../layers/index.ts";
import type { MountSpec } from "../volumes/index.ts";

/** What a container is. */
export interface Definition {
  readonly id: string;
  /** Without slash. */
  readonly name: string;
  readonly createdAtMs: number;
  /** The image's id, `sha256:…`. */
  readonly imageId: string;
  /** With the image's defaults filled in. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** What the containers of `VolumesFrom` mounted when this one was made; absent: nothing. */
  readonly inheritedMounts?: readonly MountSpec[];
  /** As the client sent it, for inspect. */
  readonly networkingConfig: Readonly<Record<string, unknown>>;
  /** Chain ids of the image's layers, bottom first. */
  readonly layers: readonly Digest[];
}

/** What somebody asked of a container's first process. */
export interface SignalRequest {
  /** "health": the policy on-unhealthy; "timeout": either of them that lost its patience. */
  readonly by: "stop" | "health" | "kill" | "timeout";
  readonly signal: string;
  readonly atMs: number;
  /** How long a stop waits before it kills; negative: for ever. */
  readonly patienceSeconds?: number;
}

/** How a run ended, beyond what the state says. */
export interface Account {
  readonly finishedAtMs: number;
  /** null: it ended by itself. */
  readonly signal: string | null;
  readonly requests: readonly SignalRequest[];
  /** null: it was not for memory. */
  readonly memory: { readonly peakBytes: number; readonly limitBytes: number | null } | null;
}

/** What became of a container. */
export interface History {
  readonly state: ContainerState;
  /** How often its policy started it again since a person did. */
  readonly restartCount: number;
  /** The last wait before a restart; absent: none yet. */
  readonly restartDelayMs?: number;
  /** A person stopped it. */
  readonly isStopped?: boolean;
  /** How the last run that has ended did so; absent: none has, or nobody was there. */
  readonly account?: Account;
  /** How its last run did, if it has a check. */
  readonly health?: Health;
}

/** The history of a container that was just made. */
export const NEW_HISTORY: History = { state: CREATED, restartCount: 0 };
