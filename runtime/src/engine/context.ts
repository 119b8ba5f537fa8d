/**
 * Context: what every operation of the engine works with.
 *
 * Kernel interface: none of its own.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import type { CgroupParent } from "../cgroups/index.ts";
import type { Keeper } from "../container/index.ts";
import type { ImageStore } from "../images/index.ts";
import type { Kernel, ResourceLimit } from "../kernel/index.ts";
import type { LayerStore } from "../layers/index.ts";
import type { SeccompPlanner } from "../security/index.ts";
import type { Container, ContainerTable } from "./container-table.ts";
import type { EventHub } from "./events.ts";
import type { Locks } from "./lock.ts";
import type { EngineOptions } from "./options.ts";
import type { Quiet } from "./quiet.ts";

/** What the machine is, asked once at the start. */
export interface EngineMachine {
  readonly uname: ReturnType<Kernel["uname"]>;
  readonly cgroupParent: CgroupParent;
  /** Our own bounding set and limits: no container can have more. */
  readonly capabilities: readonly string[];
  readonly limits: readonly ResourceLimit[];
  readonly filesystems: ReadonlySet<string>;
  readonly memoryBytes: number;
}

/** Everything that operations share. */
export interface EngineContext {
  readonly options: EngineOptions;
  readonly kernel: Kernel;
  readonly root: string;
  readonly machine: EngineMachine;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly containers: ContainerTable;
  readonly events: EventHub;
  readonly locks: Locks;
  readonly quiet: Quiet;
  readonly planSeccomp: SeccompPlanner;
  /** Starts a container whose policy wants it; for a caller that has its lock. */
  readonly startAgain: (container: Container) => Promise<void>;
  /** The keeper that is connected now; `ready` while a lost one is being replaced, and after. */
  readonly keeper: { current: Keeper; ready: Promise<void> };
  /** Nothing begins by itself any more: what waits goes on in the next engine. */
  isClosing: boolean;
}

/** Tells the administrator about a failure that no client waits for. */
export function notice(engine: EngineContext, what: string, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  engine.options.onNotice(`${what}: ${why}`);
}
