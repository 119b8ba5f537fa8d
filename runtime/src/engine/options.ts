/**
 * Engine options: what an engine needs to be told, and the two things that only its owner may do
 * with it.
 *
 * An engine owns one root directory and one cgroup parent, and is given one kernel. Two engines
 * with different roots and cgroup parents do not see each other; a second engine on the same root
 * is refused.
 *
 * Kernel interface: none of its own.
 * Invariants: none.
 * Left out: a configuration file (the daemon's entry takes flags).
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import type { Keeper } from "../container/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Sha256 } from "../layers/index.ts";
import type { Engine } from "./engine.ts";

/** What `createEngine` takes. */
export interface EngineOptions {
  /** The machine. The engine puts its own tracer in front of it, one per container. */
  readonly kernel: Kernel;
  /**
   * Connects to the keeper of this root and starts it when there is none. Called once the root is
   * locked, and again after a keeper was lost.
   */
  readonly connectKeeper: () => Promise<Keeper>;
  /**
   * Absolute path of the directory that holds images, layers and containers; made if it is missing.
   */
  readonly root: string;
  /**
   * Cgroup under which every container gets one of its own, from the hierarchy's root:
   * `"/drydock"`.
   */
  readonly cgroupParent: string;
  /** Version of this program, for `version` and `info`. */
  readonly programVersion: string;
  /**
   * Receives one line for each thing that an administrator should know (recovery, clean-up that
   * failed).
   */
  readonly onNotice: (line: string) => void;
  /** Computes the hashes of layers by the machine's own instructions; absent: by ours. */
  readonly sha256?: Sha256;
  /** For tests: the kernel call of init that the next start fails. */
  readonly nextInitFault?: () => { readonly failAt: number; readonly errno: string } | null;
}

/** An engine with its owner's handle: closing gives the root free, containers run on. */
export type OpenEngine = Engine & {
  /**
   * Waits for operations under way, writes what is not written, releases the root's lock.
   * Idempotent.
   */
  close(): Promise<void>;
};
