/**
 * Told: what the engine tells of plans, of what was done, and of how a process stands.
 *
 * Kernel interface: none.
 * Specification: none; see `api/routes/own.ts`.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/explain.md
 *
 * @module
 */

import type { JournalEntry } from "../kernel/index.ts";

/** A step that `run --plan` shows. */
export interface PlannedStep {
  readonly n: number;
  readonly where: "engine" | "init";
  readonly concept: string;
  readonly operation: string;
  readonly call: string;
  readonly args: readonly unknown[];
  readonly why: string;
  readonly source: string;
}

/** The same as a script, which does by hand what the engine would do. */
export interface PlannedScript {
  readonly script: string;
  readonly warnings: readonly string[];
}

/** Words by name. */
export type Table = Readonly<Record<string, string>>;

/** What a process sees and may do. */
export interface ProcessView {
  readonly name: string;
  /** Kind → number of the namespace: who has the same number shares it. */
  readonly namespaces: Table;
  /** Place → file system, source and options. */
  readonly mounts: Table;
  /** File of the cgroup → what it says. */
  readonly cgroup: Table;
  /** Capability → the sets that hold it. */
  readonly capabilities: Table;
  /** Users, seccomp, no_new_privs, resource limits. */
  readonly process: Table;
  /** Absent for the host. */
  readonly environment?: Table;
}

/** One kernel call that was made for a container, and by which process. */
export type ExplainedCall = JournalEntry & {
  readonly where: "engine" | "keeper" | "init";
  /** Absent: it was made for the container itself. */
  readonly exec?: ExplainedExec;
};

/** For which exec a call was made. */
export interface ExplainedExec {
  readonly id: string;
  readonly command: readonly string[];
  /** null: it runs, or nobody knows how it ended. */
  readonly exitCode: number | null;
}
